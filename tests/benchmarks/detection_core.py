"""How fast the core judges: ``python -m tests.benchmarks.detection_core``, beside river's detectors in the same run.

Readings come in random order over half a million series: the worst case for memory, and a district's usual one.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from river.anomaly import GaussianScorer, HalfSpaceTrees
from river.drift import ADWIN

from detectors.core import Core, CoreState

SERIES = 500_000
READINGS = 8_000_000
CALL = 131_072  # readings a call
OF_RIVER = 20_000  # readings for each of river's, which take one at a time
SEED = 8


def rate_of_core() -> tuple[float, float]:
    """Return readings a second on one core, the best of three runs, and bytes of state a series."""
    rng = np.random.default_rng(SEED)
    facts = np.tile(np.array([-50.0, 150.0, 0.01, 30.0], np.float32), (SERIES, 1))
    rows = rng.integers(0, SERIES, READINGS)
    values = rng.normal(20.0, 3.0, READINGS).astype(np.float32)
    core, state = Core(), CoreState.empty(facts)
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        for begin in range(0, READINGS, CALL):
            core.step(state, rows[begin : begin + CALL], values[begin : begin + CALL])
        best = max(best, READINGS / (time.perf_counter() - began))
    return best, (state.hot.nbytes + state.facts.nbytes) / SERIES


def rates_of_river() -> dict[str, float]:
    """Return readings a second of river's detectors; each scores or tests a value, then learns it."""
    values = np.random.default_rng(SEED).normal(20.0, 3.0, OF_RIVER).tolist()
    gaussian, trees, adwin = GaussianScorer(), HalfSpaceTrees(seed=SEED), ADWIN()

    def of_gaussian(value: float) -> None:
        gaussian.score_one(None, value)
        gaussian.learn_one(None, value)

    def of_trees(value: float) -> None:
        one = {"value": (value - 5.0) / 30.0}
        trees.score_one(one)
        trees.learn_one(one)

    steps: dict[str, Callable[[float], None]] = {
        "GaussianScorer": of_gaussian, "HalfSpaceTrees": of_trees, "ADWIN": adwin.update,
    }  # fmt: skip
    found = {}
    for name, step in steps.items():
        began = time.perf_counter()
        for value in values:
            step(value)
        found[name] = OF_RIVER / (time.perf_counter() - began)
    return found


def figures() -> dict[str, float]:
    """Return what is measured; rates in readings a second on one core."""
    rate, size = rate_of_core()
    peers = rates_of_river()
    return {
        "readings_per_s_per_core": rate,
        "bytes_per_series": size,
        **{f"times_{name}": rate / peer for name, peer in peers.items()},
        **{f"readings_per_s_{name}": peer for name, peer in peers.items()},
    }


def show(found: dict[str, float]) -> None:
    """Print ratios first."""
    peers = [name.removeprefix("times_") for name in found if name.startswith("times_")]
    print(f"detection core: range, stuck, level, CUSUM; random order over {SERIES:,} series, one core")
    for name in peers:
        print(f"  {found[f'times_{name}']:>8,.0f} x river's {name} ({found[f'readings_per_s_{name}']:,.0f} readings/s)")
    print(f"  {found['readings_per_s_per_core'] / 1e6:>8.1f} million readings/s (target 10)")
    print(f"  {found['bytes_per_series']:>8.0f} bytes a series, 16 of them facts of the catalogue")


if __name__ == "__main__":
    show(figures())
