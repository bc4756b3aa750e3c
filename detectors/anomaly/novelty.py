"""Novelty: values and shapes that a series has not shown before, or not at this time of day.

Two views of one series: its last four values, and the mean of every twelve with the hour. Each measures how far what it
sees is from all that it has seen (``Prototypes``), in the range of the series so far; how large that is against what is
usual; and how seldom (``PeaksOverThreshold``). The odder view counts. Once something was told, only what is odder is
told again for some hundred values: a person who has been called is not called for the same thing.

It keeps 38 KB a series and looks at one value at a time: for some thousand series that matter, or a recording, not for
every sensor of a district (there ``FusedAnomaly`` takes 300 bytes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detectors.anomaly.prototypes import Prototypes
from detectors.anomaly.tail import PeaksOverThreshold, TailState
from detectors.arrays import FloatArray, IntArray

DAY_NS = 86_400_000_000_000
USUAL_AT_LEAST = 0.02  # of the range: distances below this are no news however regular a series is
FIRST = 20  # distances before any is judged
LEAST_LIKELY = 1e-12
HALF = 5.8  # the oddness whose score is 0.5: the threshold that suits the Numenta benchmark as a whole


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What one look at a series takes in: ``window`` means of ``every`` values each, and the time of day."""

    every: int
    window: int
    apart: float  # of the range, beyond which a shape is a new one
    by_time_of_day: float  # how much a difference of half a day counts, in halves of the range; 0: not at all


VIEWS = (
    View(every=1, window=4, apart=0.02, by_time_of_day=0.0),
    View(every=12, window=2, apart=0.03, by_time_of_day=0.2),
)


class _Looking:
    """One view at work on one series."""

    def __init__(self, view: View, memory: float) -> None:
        self._view, self._memory = view, memory
        self._known = Prototypes(view.window + 2, view.apart)
        self._means = np.zeros(view.window)
        self._some: list[float] = []
        self._taken = self._judged = 0
        self._low, self._high, self._usual = math.inf, -math.inf, 0.0

    def look(self, time_ns: int, value: float) -> float:
        """Return how many times as far as usual what is seen with this value is; 0 between two looks."""
        self._some.append(value)
        if len(self._some) < self._view.every:
            return 0.0
        mean = sum(self._some) / len(self._some)
        self._some.clear()
        self._low, self._high = min(self._low, mean), max(self._high, mean)
        self._means[:-1], self._means[-1] = self._means[1:], mean
        self._taken += 1
        if self._taken < self._view.window:
            return 0.0
        phase, weight = 2.0 * math.pi * (time_ns % DAY_NS) / DAY_NS, self._view.by_time_of_day
        point = np.append(self._means, (weight * math.cos(phase), weight * math.sin(phase)))
        scale = np.ones(len(point))
        scale[: self._view.window] = max(self._high - self._low, 1e-12)
        return self._against_usual(self._known.distance(point, scale))

    def _against_usual(self, distance: float) -> float:
        if distance == 0.0:  # the very same again: it says nothing of how far things usually are
            return 0.0
        self._judged += 1
        times = distance / (self._usual + USUAL_AT_LEAST) if self._judged > FIRST else 0.0
        learned = min(distance, 3.0 * self._usual + USUAL_AT_LEAST)
        self._usual += max(self._memory, 1.0 / self._judged) * (learned - self._usual)
        return times


@dataclass(frozen=True, kw_only=True, slots=True)
class Novelty:
    """Score one recorded series by what is new in it.

    Good at what was never there: a new height, a new shape, a wrong hour; each is told once. Blind to slow drift, every
    step of which is near the one before. Not for series of less than some hundred values.

    Parameters
    ----------
    memory
        Weight of the newest distance in the usual one, in (0, 1).
    forget
        What a value leaves of how odd the last thing told was, in (0, 1): after ``1 / (1 - forget)`` values a third.
    """

    memory: float = 0.01
    forget: float = 0.998

    def __post_init__(self) -> None:
        for name in ("memory", "forget"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")

    def scores(self, times_ns: IntArray, values: FloatArray) -> FloatArray:
        """Score one series, as ``SeriesDetector`` says."""
        looks = np.array([self._looks(view, times_ns, values) for view in VIEWS])
        tail, rows = PeaksOverThreshold(share=0.003, apart=1), np.arange(len(VIEWS))
        state, found, told = TailState.empty(len(VIEWS), threshold=3.0, mean=3.0), np.zeros(len(values)), 0.0
        for place in range(len(values)):
            seen = looks[:, place]
            likelihood = np.maximum(tail.step(state, rows, seen), LEAST_LIKELY)
            oddness = float((2.0 * np.log1p(seen) - np.log10(likelihood)).max())
            told *= self.forget
            if oddness > told:
                found[place] = told = oddness
        return found / (found + HALF)

    def _looks(self, view: View, times_ns: IntArray, values: FloatArray) -> list[float]:
        looking = _Looking(view, self.memory)
        return [looking.look(time, value) for time, value in zip(times_ns.tolist(), values.tolist(), strict=True)]
