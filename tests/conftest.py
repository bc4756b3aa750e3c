"""What all tests share: seeded randomness, hypothesis without a clock, and the servers of a session."""

import os

import numpy as np
import pytest
from hypothesis import settings

from tests.servers import chromium, influx, kafka, namespace

__all__ = ["chromium", "influx", "kafka", "namespace", "rng"]

# A busy machine is no failing property. In CI the examples are the same at every run.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def rng() -> np.random.Generator:
    """Randomness that is the same at every run."""
    return np.random.default_rng(20_260_101)
