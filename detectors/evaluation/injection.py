"""Faults put into real series at known places: what a detector must find, and how soon.

References
----------
As the injected anomalies of S. Schmidl, P. Wenig, T. Papenbrock, "Anomaly Detection in Time Series: A Comprehensive
Evaluation", 2022; sizes are given in a series' own scale, see ``own_scale``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors.arrays import FloatArray, IntArray

FaultKind = Literal["spike", "shift", "drift", "stuck", "dead"]
KINDS: tuple[FaultKind, ...] = ("spike", "shift", "drift", "stuck", "dead")
LENGTHS = {"spike": 1, "shift": 48, "drift": 720, "stuck": 24, "dead": 24}  # readings
SPIKE_SCALES, SHIFT_SCALES, DRIFT_SCALES = 6.0, 3.0, 3.0
CLEAR = 72  # readings before a fault that must be there, so that nothing else is found in its place


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault: readings ``begin`` to ``end`` (not included) of one series are at fault."""

    kind: FaultKind
    begin: int
    end: int


def own_scale(values: FloatArray, hour_of_week: IntArray) -> float:
    """Return the standard deviation of what the hour of the week does not explain; NaN is left out.

    Raises
    ------
    ValueError
        There is no value.
    """
    rest = values.copy()
    if not np.isfinite(rest).any():
        raise ValueError("there is no value to find a scale by")
    for hour in range(168):
        at = (hour_of_week == hour) & np.isfinite(values)
        if at.any():
            rest[at] -= values[at].mean()
    return float(np.nanstd(rest))


def inject(
    values: FloatArray, scale: float, rng: np.random.Generator, *, start: int, every: int
) -> tuple[FloatArray, list[InjectedFault]]:
    """Return the series with faults of each kind in turn, about ``every`` readings apart, and where they are.

    Parameters
    ----------
    values
        float64 (n,), >= 0 where a value is there, NaN where none is.
    scale
        Of the series, > 0. Spikes go up or down by six, but never below 0; shifts and drifts up by three.
    start
        The first reading that may be at fault, >= 72.
    """
    found, faults = values.copy(), []
    place, turn = start, int(rng.integers(len(KINDS)))
    while place + every <= len(values):
        kind = KINDS[turn % len(KINDS)]
        begin = place + int(rng.integers(every // 4))
        fault = InjectedFault(kind, begin, begin + LENGTHS[kind])
        if _is_there(values[begin - CLEAR : fault.end]) and fault.end <= len(values):
            _put(found, fault, scale, rng)
            faults.append(fault)
        turn += 1
        place += max(every, LENGTHS[kind] + every // 2)
    return found, faults


def _is_there(values: FloatArray) -> bool:
    """Whether little is missing, and nothing just before and after the onset."""
    there = np.isfinite(values)
    return bool(there.mean() > 0.95 and there[CLEAR - 12 : CLEAR + 24].all())


def _put(values: FloatArray, fault: InjectedFault, scale: float, rng: np.random.Generator) -> None:
    at = slice(fault.begin, fault.end)
    match fault.kind:
        case "spike":
            size = SPIKE_SCALES * scale
            values[at] += -size if rng.random() < 0.5 and values[fault.begin] > size else size
        case "shift":
            values[at] += SHIFT_SCALES * scale
        case "drift":
            values[at] += np.linspace(0.0, DRIFT_SCALES * scale, fault.end - fault.begin)
        case "stuck":
            values[at] = values[fault.begin - 1]
        case "dead":
            values[at] = np.nan
