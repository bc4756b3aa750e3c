"""People in a zone, out of gates, cameras, Wi-Fi and cellular counts: one number with its variance.

References
----------
R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960, with one state a zone: gates tell how
the number changes (the control), counts tell where it stands (the measurements), each as wrong as its kind is
(``crowd.RELATIVE_SIGMA``). A count that no explanation fits is left out (the innovation gate of Y. Bar-Shalom, T.
Fortmann, "Tracking and Data Association", 1988), but not for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import BoolArray, FloatArray
from detectors.crowd.counts import RELATIVE_SIGMA

SOURCES = ("camera", "wifi", "cellular")  # counts of who is there; gates count who passes
LEAST_SIGMA = 1.0  # persons: no source knows a small number better
LEAST_VARIANCE = 0.25


@dataclass(slots=True)
class ZoneState:
    """Arrays of n zones: persons, their variance (infinite: nothing is known), and refused counts in a row."""

    persons: FloatArray
    variance: FloatArray
    refused: NDArray[np.int64]  # (n, 3), by source

    @classmethod
    def empty(cls, zones: int) -> ZoneState:
        """Return the state of zones of which nothing is known."""
        return cls(np.zeros(zones), np.full(zones, np.inf), np.zeros((zones, len(SOURCES)), np.int64))


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleInZone:
    """Estimate how many people are in each of many zones.

    Good where gates drift (each misses some) and radio counts wander: each mends the other. A source that is wrong by
    the same share all the time pulls the estimate its way; only one with a smaller error holds against it.

    Parameters
    ----------
    wander
        Variance that a second adds, in persons^2 for each person there: what no gate has seen, >= 0.
    gate
        Standard deviations of its innovation beyond which a count is left out, > 0.
    patience
        Counts of one source left out in a row after which it is believed: then it is the estimate that is wrong, >= 1.
    """

    wander: float = 0.02
    gate: float = 4.0
    patience: int = 3

    def __post_init__(self) -> None:
        if self.wander < 0.0:
            raise ValueError(f"wander must be at least 0, not {self.wander}")
        if not self.gate > 0.0:
            raise ValueError(f"gate must be above 0, not {self.gate}")
        if self.patience < 1:
            raise ValueError(f"patience must be at least 1, not {self.patience}")

    def move(self, state: ZoneState, seconds: float, people_in: FloatArray, people_out: FloatArray) -> None:
        """Let time pass, and count who went in and out, float64 (n,), >= 0; NaN where gates are silent or none."""
        seen = np.isfinite(people_in) & np.isfinite(people_out)
        came, went = np.where(seen, people_in, 0.0), np.where(seen, people_out, 0.0)
        of_gates = (RELATIVE_SIGMA["gate"] ** 2) * (came**2 + went**2)
        state.variance += seconds * self.wander * (state.persons + 1.0) * np.where(seen, 1.0, 4.0) + of_gates
        state.persons[:] = np.maximum(state.persons + came - went, 0.0)

    def measure(self, state: ZoneState, source: str, counts: FloatArray) -> BoolArray:
        """Take counts of one source, float64 (n,), >= 0, NaN where it says nothing; return which were left out.

        Raises
        ------
        ValueError
            The source is none of ``SOURCES``.
        """
        if source not in SOURCES:
            raise ValueError(f"source must be one of {', '.join(SOURCES)}, not {source!r}")
        column, is_there = SOURCES.index(source), np.isfinite(counts)
        given = np.where(is_there, counts, 0.0)
        known = np.isfinite(state.variance)
        # How wrong a count is goes with how many there are: a low count must not win by being low.
        reference = np.where(known, np.maximum(state.persons, given), given)
        noise = np.maximum(RELATIVE_SIGMA[source] * reference, LEAST_SIGMA) ** 2
        prior = np.where(known, state.variance, 0.0)
        off = np.abs(given - state.persons) > self.gate * np.sqrt(prior + noise)
        left_out = is_there & known & off & (state.refused[:, column] < self.patience)
        trusted = is_there & known & off & ~left_out  # it has said so long enough: begin anew from it
        gain = np.where(known & ~trusted, prior / (prior + noise), 1.0)
        use = is_there & ~left_out
        state.persons[:] = np.where(use, state.persons + gain * (given - state.persons), state.persons)
        after = np.where(gain < 1.0, np.maximum((1.0 - gain) * prior, LEAST_VARIANCE), noise)
        state.variance[:] = np.where(use, after, state.variance)
        in_a_row = state.refused[:, column]
        state.refused[:, column] = np.where(left_out, in_a_row + 1, np.where(use, 0, in_a_row))
        return np.asarray(left_out)
