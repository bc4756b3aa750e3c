"""What all tests share: seeded randomness, hypothesis without a clock, the servers of a session, figures at its end."""

import os

import numpy as np
import pytest
from hypothesis import settings

from tests.servers import chromium, influx, kafka, namespace

# Where servers run and time passes: first, so that no core waits at the end for a long file of the other.
LONG = ("faults", "integration", "scenarios", "benchmarks")
FIGURES = "figures"  # a property of a test: a line of what it measured
__all__ = ["chromium", "influx", "kafka", "namespace", "rng"]

# A busy machine is no failing property. In CI the examples are the same at every run.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long folders first; `make test` has xdist keep this order (by itself it puts files of few tests last)."""
    items.sort(key=lambda item: LONG.index(folder) if (folder := item.path.parent.name) in LONG else len(LONG))


@pytest.fixture
def rng() -> np.random.Generator:
    """Randomness that is the same at every run."""
    return np.random.default_rng(20_260_101)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of all tests that have some."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [
        f"{report.nodeid.rpartition('/')[2]}\n    {line}"
        for report in reports
        for name, line in report.user_properties
        if name == FIGURES
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
