"""One score of all detectors, and one budget of false alarms that sets every threshold.

Each detector's score becomes the probability that chance gives one as high for this series (``PeaksOverThreshold``);
the smallest of these, times how many there are, is the fused one (C. E. Bonferroni, 1936: whatever they have in common,
the budget holds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from detectors.anomaly.cusum import Cusum, CusumState
from detectors.anomaly.neighbours import neighbourhood_residual
from detectors.anomaly.seasonal_level import SeasonalLevel, SeasonalLevelState, bins_of
from detectors.anomaly.slow_drift import DriftState, SlowDrift
from detectors.anomaly.tail import PeaksOverThreshold, TailState
from detectors.arrays import BoolArray, FloatArray, IntArray

DETECTORS = ("level", "cusum", "drift")
LEAST_LIKELY = 1e-12  # beyond this a probability is a matter of belief


@dataclass(slots=True)
class FusedState:
    """The states of the detectors and of their tails, of n series."""

    level: SeasonalLevelState
    cusum: CusumState
    drift: DriftState
    tails: tuple[TailState, ...]  # one a detector

    @classmethod
    def empty(cls, series: int) -> FusedState:
        """Return the state of series of which nothing is known."""
        return cls(
            SeasonalLevelState.empty(series),
            CusumState.empty(series),
            DriftState.empty(series),
            (
                TailState.empty(series),
                TailState.empty(series, threshold=6.0, mean=4.0),
                TailState.empty(series, threshold=6.0, mean=3.0),
            ),
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of k values."""

    likelihood: FloatArray  # float64 (k,), in (0, 1]: that chance alone gives something as odd
    by: IntArray  # int64 (k,), the detector that found it oddest: a place in ``DETECTORS``
    deviations: FloatArray  # float64 (k,), signed, in scales, from season and level


@dataclass(frozen=True, kw_only=True, slots=True)
class FusedAnomaly:
    """Level, CUSUM and drift of many series, judged together.

    Good where people must be able to trust an alarm: one threshold on the likelihood, by ``budget.threshold_for``, is
    one budget over all detectors. What a series' own past has often shown is not odd; a new series says little before
    some hundred values.
    """

    level: SeasonalLevel = field(default_factory=SeasonalLevel)
    cusum: Cusum = field(default_factory=Cusum)
    drift: SlowDrift = field(default_factory=SlowDrift)
    tail: PeaksOverThreshold = field(default_factory=PeaksOverThreshold)

    def step(
        self,
        state: FusedState,
        rows: IntArray,
        values: FloatArray,
        times_ns: IntArray,
        resolution: FloatArray,
        is_next: BoolArray,
        neighbours: IntArray | None = None,
    ) -> Judged:
        """Judge ``values``, then learn them in place.

        Parameters
        ----------
        state
            Of n series.
        rows, values
            int64 (k,) and float64 (k,), finite; no series twice in one call.
        times_ns
            int64 (k,), local event times.
        resolution, is_next
            As ``SeasonalLevel.step`` takes them.
        neighbours
            int64 (k, m), places in this call of each one's neighbours, -1 where one is not in it; ``None``: each series
            is judged alone.

        Raises
        ------
        ValueError
            A value is not finite. Nothing was learned.
        """
        deviations = self.level.step(state.level, rows, values, bins_of(times_ns), resolution, is_next)
        own = deviations if neighbours is None else _own(deviations, neighbours)
        ones = np.ones(len(rows))
        scores = (
            np.abs(own), self.cusum.step(state.cusum, rows, own), self.drift.step(state.drift, rows, own, ones),
        )  # fmt: skip
        each = np.array(
            [self.tail.step(tail, rows, score) for tail, score in zip(state.tails, scores, strict=True)]
        ).reshape(len(DETECTORS), len(rows))
        fused = np.clip(len(DETECTORS) * each.min(axis=0, initial=1.0), LEAST_LIKELY, 1.0)
        return Judged(fused, each.argmin(axis=0), deviations)


def _own(deviations: FloatArray, neighbours: IntArray) -> FloatArray:
    around = np.where(neighbours >= 0, deviations[neighbours], np.nan)
    return neighbourhood_residual(deviations, around)


class FusedSeries:
    """``FusedAnomaly`` for one recorded series: its score rises from 0 to 1 as what it sees becomes less likely."""

    def __init__(self, detector: FusedAnomaly | None = None, resolution: float = 1e-3) -> None:
        self._detector, self._resolution = detector or FusedAnomaly(), np.array([resolution])

    def scores(self, times_ns: IntArray, values: FloatArray) -> FloatArray:
        """Score one series; 0.5 is a likelihood of one in a million."""
        state, row = FusedState.empty(1), np.zeros(1, np.int64)
        found = np.empty(len(values))
        for place, is_next in enumerate(_follows(times_ns)):
            at = slice(place, place + 1)
            judged = self._detector.step(state, row, values[at], times_ns[at], self._resolution, is_next)
            found[place] = judged.likelihood[0]
        return np.asarray(np.log10(found) / np.log10(LEAST_LIKELY))


def expected_band(times_ns: IntArray, values: FloatArray, scales: float = 3.0) -> tuple[FloatArray, FloatArray]:
    """Return between which values each of one series was expected, float64 (n,) each; NaN where nothing was known.

    Some scales around season and level, each as it was before the value.
    """
    level, state, row = SeasonalLevel(), SeasonalLevelState.empty(1), np.zeros(1, np.int64)
    low, high, bins = np.full(len(values), np.nan), np.full(len(values), np.nan), bins_of(times_ns)
    resolution = np.array([1e-6])
    for place, is_next in enumerate(_follows(times_ns)):
        at = slice(place, place + 1)
        expected = level.expect(state, row, bins[at], resolution, is_next)
        low[place] = expected.value[0] - scales * expected.scale[0]
        high[place] = expected.value[0] + scales * expected.scale[0]
        level.step(state, row, values[at], bins[at], resolution, is_next)
    return low, high


def _follows(times_ns: IntArray) -> Iterator[BoolArray]:
    """Yield, for each time, whether it is no further from the one before than that was from its own, by half."""
    before, gap = 0, np.inf
    for place, time_ns in enumerate(times_ns.tolist()):
        yield np.array([place > 0 and time_ns - before <= 1.5 * gap])
        gap, before = time_ns - before if place else np.inf, time_ns
