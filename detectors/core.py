"""The core: range, stuck, robust level and CUSUM of any readings of many series, in one pass over memory.

What each of these does is said where it is alone (``quality/physical_range``, ``quality/stuck``,
``anomaly/seasonal_level``, ``anomaly/cusum``). Here they share one row of hot state, for at half a million series the
time goes into fetching rows, not into arithmetic: one gather, columns that stay in the cache, one scatter.

References
----------
E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954 (CUSUM); R. A. Maronna et al., "Robust Statistics",
2006, for learning clipped residuals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import BoolArray, Float32Array, IntArray

F = np.float32
CHUNK = 16_384  # readings whose columns fit the second-level cache together
GAUSSIAN = F(1.2533)  # standard deviation over mean absolute deviation
LEVEL, SCALE, LAST, RUN, UP, DOWN, COUNT = range(7)
HOT_COLUMNS = 8  # one is spare: a row is half a cache line
LOW, HIGH, RESOLUTION, STUCK_AFTER = range(4)


@dataclass(slots=True)
class CoreState:
    """Of n series: float32 ``hot`` (n, 8), learned, and ``facts`` (n, 4), what the catalogue says of each quantity.

    The columns of ``facts`` are ``LOW`` and ``HIGH`` (the physical range), ``RESOLUTION`` (> 0) and ``STUCK_AFTER``
    (readings that may be the same in a row; infinite where any number may). Single precision: what differs by less than
    a ten-millionth of its size is the same.
    """

    hot: Float32Array
    facts: Float32Array
    seen: NDArray[np.int32]  # of the call that runs: the place of each series' first reading

    @classmethod
    def empty(cls, facts: Float32Array) -> CoreState:
        """Return the state of series of which nothing is known but their facts, float32 (n, 4)."""
        return cls(np.zeros((len(facts), HOT_COLUMNS), F), facts, np.zeros(len(facts), np.int32))


@dataclass(frozen=True, slots=True)
class Found:
    """What the core found of n readings, each against what its series was before it."""

    in_range: BoolArray
    stuck: BoolArray
    score: Float32Array  # distance from the level in scales, >= 0; 0 during warm-up
    shift: Float32Array  # the larger of both sums, in scales, before it is set back; 0 during warm-up
    shifted: BoolArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """Judge readings and learn them, quickly.

    Parameters
    ----------
    alpha, gamma
        Weight of the newest value in the level and in the scale, in (0, 1).
    clip
        Scales beyond which a residual teaches no more and adds no more to a sum, > 0.
    warmup
        Values of a series before anything is scored; so long the level is the plain mean.
    slack
        Scales by which a residual may be off before it adds to a sum, >= 0: half the shift to find.
    limit
        The sum, in scales, that is a shift; both are then set back to 0.
    """

    alpha: float = 0.05
    gamma: float = 0.02
    clip: float = 3.0
    warmup: int = 20
    slack: float = 0.5
    limit: float = 8.0

    def __post_init__(self) -> None:
        for name in ("alpha", "gamma"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not self.clip > 0.0 or self.warmup < 1:
            raise ValueError(f"clip must be above 0 and warmup at least 1, not {self.clip} and {self.warmup}")
        if self.slack < 0.0 or not self.limit > 0.0:
            raise ValueError(f"slack must be at least 0 and limit above 0, not {self.slack} and {self.limit}")

    def step(self, state: CoreState, rows: IntArray, values: Float32Array) -> Found:
        """Judge ``values``, then learn them in place.

        Parameters
        ----------
        state
            Of n series.
        rows
            int64 (k,), the series of each value, in the order of the log; a series may come more than once.
        values
            float32 (k,), finite, in the series' own unit.

        Raises
        ------
        ValueError
            A value is not finite: one would poison its series for good. Nothing was learned.
        """
        if not np.isfinite(values).all():
            raise ValueError("values must be finite")
        count = len(rows)
        found = Found(
            np.empty(count, bool), np.empty(count, bool), np.empty(count, F), np.empty(count, F), np.empty(count, bool)
        )
        for begin in range(0, count, CHUNK):
            part = slice(begin, min(begin + CHUNK, count))
            chunk = rows[part]
            again = self._not_first(state, chunk)
            self._judge(state, chunk, values[part], found, part)
            for places in _rounds(chunk, again):  # what was said of these was said too early
                self._judge(state, chunk[places], values[part][places], found, begin + places)
        return found

    @staticmethod
    def _not_first(state: CoreState, rows: IntArray) -> IntArray:
        """Return the places whose series has come before; of equal indices the last assignment stays."""
        places = np.arange(len(rows), dtype=np.int32)
        state.seen[rows[::-1]] = places[::-1]
        return np.flatnonzero(state.seen[rows] != places)

    def _judge(
        self, state: CoreState, rows: IntArray, values: Float32Array, found: Found, at: slice | IntArray
    ) -> None:
        """Judge each reading against its series' state before the call, and learn the first of each series."""
        hot, facts = state.hot.take(rows, axis=0).T.copy(), state.facts.take(rows, axis=0).T.copy()
        level, scale, count = hot[LEVEL], hot[SCALE], hot[COUNT]
        resolution = facts[RESOLUTION]
        good = (values >= facts[LOW]) & (values <= facts[HIGH])

        same = (np.abs(values - hot[LAST]) <= resolution) & (hot[RUN] > 0)
        hot[RUN] *= same
        hot[RUN] += F(1)
        hot[LAST] = values

        floor = np.maximum(scale, resolution)
        residual = values - level
        is_warm = count >= F(self.warmup)
        counts, judged = good.astype(F), (is_warm & good).astype(F)  # once: a product with bool converts each time
        deviations = residual / floor
        found.in_range[at], found.stuck[at] = good, hot[RUN] >= facts[STUCK_AFTER]
        found.score[at] = np.abs(deviations) * judged

        clip, slack = F(self.clip), F(self.slack)
        clipped = np.minimum(np.maximum(deviations, -clip), clip)
        for column, signed in ((UP, clipped), (DOWN, -clipped)):
            hot[column] += (signed - slack) * judged
            np.maximum(hot[column], F(0), out=hot[column])
        shift = np.maximum(hot[UP], hot[DOWN])
        shifted = shift > F(self.limit)
        found.shift[at], found.shifted[at] = shift, shifted
        if shifted.any():
            hot[UP, shifted] = hot[DOWN, shifted] = 0.0

        learned = np.where(is_warm, clipped * floor, residual)
        # While it is young every value counts the same; what is out of range counts nothing.
        rate = np.maximum(F(1) / (count + F(1)), F(self.alpha))
        slow = np.maximum(F(1) / np.maximum(count, F(1)), F(self.gamma)) * np.minimum(count, F(1))
        rate *= counts
        slow *= counts
        level += rate * learned
        np.abs(learned, out=learned)
        learned *= GAUSSIAN
        learned -= scale
        scale += slow * learned
        count += counts
        state.hot[rows[::-1]] = hot.T[::-1]  # backwards: of equal rows the last assignment stays, and that is the first


def _rounds(rows: IntArray, places: IntArray) -> Iterator[IntArray]:
    """Yield ``places`` so that no series is twice in one round, and those of a series are in order over the rounds."""
    if not len(places):
        return
    order = places[np.argsort(rows[places], kind="stable")]
    starts = np.flatnonzero(np.append(True, rows[order][1:] != rows[order][:-1]))
    number = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    for turn in range(int(number.max()) + 1):
        yield np.sort(order[number == turn])
