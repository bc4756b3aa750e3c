"""How much of each fault a run gives, and what it prints of it."""

from collections.abc import Callable

import pytest

from tests.faults.scale import Scale, scale_of_run


@pytest.fixture
def scale() -> Scale:
    """How many kills, how long the outages: by VITALS_FAULTS=short|normal|long."""
    return scale_of_run()


@pytest.fixture
def figures(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print one line of what a fault cost: events, kills, replays, lost, doubled, seconds to lag 0."""

    def show(**counted: object) -> None:
        line = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counted.items())
        with capsys.disabled():
            print(f"\n  {request.node.name}: {line}", flush=True)

    return show
