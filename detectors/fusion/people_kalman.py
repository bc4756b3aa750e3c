"""How many people are in each zone, from cameras, radio and gates: a Kalman filter, many zones at once.

Errors of counts are relative, so the filter runs on ``y = log(count + least)``. The state of a zone is ``y`` and, for
Wi-Fi and cellular, the slow log factor ``b`` by which each tells too many or too few: devices are not people. A camera
reads ``y``, radio reads ``y + b``, each with an error of its own; gates are the control, ``count += in - out``.
Readings are linear in the state: that radio alone cannot tell a crowd from a factor is kept exactly. (An extended
filter on the count and the factor themselves drew certainty out of nothing from radio alone, and wandered off.)

References
----------
R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960; Y. Bar-Shalom et al., "Estimation with
Applications to Tracking and Navigation", 2001, chapter 5, and 11.7 (a jump that a quiet model does not expect: the
variance is raised when the residuals say so). Differs from it: the first gross reading of a source is clipped, and only
a second in a row on the same side raises the variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import BoolArray, FloatArray
from detectors.crowd.counts import RELATIVE_SIGMA

SOURCES = ("camera", "wifi", "cellular")  # the columns of ``levels``; a radio's place is also that of its factor
UNKNOWN = 1e4  # standard deviation of the logarithm of a count of which nothing is known
# Of the squared error of a radio count half is taken to be its slow factor, half new at each reading: an assumption,
# to be fitted where radio is counted beside a gate.
SLOW_SHARE = 0.5


@dataclass(slots=True)
class PeopleState:
    """Of n zones; the states of a zone are ``y`` and the log factors of Wi-Fi and cellular."""

    mean: FloatArray  # (n, 3)
    covariance: FloatArray  # (n, 3, 3)
    gross: NDArray[np.int8]  # (n, sources): side of the source's last reading if that was gross, else 0
    known: BoolArray  # (n,), whether a source ever told a count

    @classmethod
    def empty(cls, zones: int) -> PeopleState:
        """Return the state of zones of which nothing is known."""
        slow = [SLOW_SHARE * RELATIVE_SIGMA[source] ** 2 for source in SOURCES[1:]]
        return cls(
            mean=np.zeros((zones, 1 + len(slow))),
            covariance=np.tile(np.diag([UNKNOWN**2, *slow]), (zones, 1, 1)),
            gross=np.zeros((zones, len(SOURCES)), np.int8),
            known=np.zeros(zones, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class People:
    """What is known of n zones after a step."""

    count: FloatArray  # (n,), persons, >= 0, the median; NaN before the first reading
    variance: FloatArray  # (n,), persons^2, to first order; NaN before the first reading
    surprise: FloatArray  # (n, sources), a reading's distance from what was expected, in its deviations; NaN if missing


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleKalman:
    """Fuse what came of each zone in a step.

    Good where sources overlap and disagree, and between readings. Of radio alone the factor cannot be known, and the
    variance says so; of gates alone only changes are known, and there is no count until some source told one. A
    camera's own factor (people who are hidden) and gates that always miss the same share are not learned: between other
    readings a count at gates drifts away by more than its variance says.

    Parameters
    ----------
    wander
        How much a count changes unseen where gates do not tell, share of the count a square root of a minute, > 0.
    wander_gated
        The same where gates tell: who comes in elsewhere.
    drift
        How much a factor changes, share a square root of an hour, > 0.
    least
        Persons, > 0: errors are shares of the count and these together, so that an empty zone has some too.
    gross
        Deviations beyond which a reading is clipped, or believed if the one before was gross too, > 0.
    """

    wander: float = 0.2
    wander_gated: float = 0.02
    drift: float = 0.01
    least: float = 5.0
    gross: float = 4.0

    def __post_init__(self) -> None:
        for name in ("wander", "wander_gated", "drift", "least", "gross"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

    def step(
        self, state: PeopleState, seconds: float, people_in: FloatArray, people_out: FloatArray, levels: FloatArray
    ) -> People:
        """Go on by one period and take in what came in it, in place.

        Parameters
        ----------
        state
            Of n zones.
        seconds
            Length of the period, > 0.
        people_in, people_out
            float64 (n,), persons through the zone's gates in the period, >= 0; NaN where gates did not tell.
        levels
            float64 (n, 3), the counts of ``SOURCES`` at the period's end, >= 0; NaN where missing, or not trusted. A
            count that gates give is what went in and out once more, and has no column.

        Raises
        ------
        ValueError
            A period is not above 0, or a count is negative or infinite: nothing has changed then.
        """
        if not seconds > 0.0:
            raise ValueError(f"seconds must be above 0, not {seconds}")
        for counts in (people_in, people_out, levels):
            if (is_none := np.isinf(counts) | (counts < 0)).any():
                raise ValueError(f"counts must be finite and at least 0, not {counts[is_none][:3]}")
        self._predict(state, seconds, people_in, people_out)
        surprises = [self._take(state, place, levels[:, place]) for place in range(len(SOURCES))]
        state.known |= np.isfinite(levels).any(axis=1)
        size = np.where(state.known, np.exp(state.mean[:, 0]), np.nan)
        return People(
            count=np.maximum(size - self.least, 0.0),
            variance=size**2 * state.covariance[:, 0, 0],
            surprise=np.stack(surprises, axis=1),
        )

    def _predict(self, state: PeopleState, seconds: float, people_in: FloatArray, people_out: FloatArray) -> None:
        told = np.isfinite(people_in) & np.isfinite(people_out)
        # Of an unknown count what goes in and out tells nothing.
        entered, left = (np.where(told & state.known, flow, 0.0) for flow in (people_in, people_out))
        before = np.exp(state.mean[:, 0])
        after = np.where(entered == left, before, np.maximum(before + entered - left, self.least))
        state.mean[:, 0] += np.log(after / before)
        # Persons that are unsure stay as many: their share of the new count is another.
        state.covariance[:, 0, :] *= (before / after)[:, None]
        state.covariance[:, :, 0] *= (before / after)[:, None]
        at_gates = RELATIVE_SIGMA["gate"] ** 2 * ((entered / after) ** 2 + (left / after) ** 2)
        unseen = np.where(told, self.wander_gated, self.wander) ** 2 * seconds / 60.0
        state.covariance[:, 0, 0] += at_gates + unseen
        for place in range(1, len(SOURCES)):
            state.covariance[:, place, place] += self.drift**2 * seconds / 3600.0

    def _take(self, state: PeopleState, place: int, level: FloatArray) -> FloatArray:
        """Take in the counts of one source, and return how surprising each was."""
        came, slope = np.isfinite(level), np.zeros(len(SOURCES))
        slope[[0, place]] = 1.0
        error = RELATIVE_SIGMA[SOURCES[place]] ** 2 * (1.0 - SLOW_SHARE if place > 0 else 1.0)
        read = np.log(np.where(came, level, 0.0) + self.least)
        residual = np.where(came, read - (state.mean * slope).sum(axis=1), 0.0)
        crossed = state.covariance @ slope
        spread = (crossed * slope).sum(axis=1) + error
        surprise = np.abs(residual) / np.sqrt(spread)
        side = np.where(surprise > self.gross, np.sign(residual), 0.0).astype(np.int8)
        believed = (side != 0) & (side == state.gross[:, place])
        state.gross[:, place] = np.where(came, side, state.gross[:, place])
        raised = np.where(believed, residual**2, 0.0)
        state.covariance[:, 0, 0] += raised
        crossed[:, 0] += raised
        spread += raised
        reach = np.where((side != 0) & ~believed, self.gross * np.sqrt(spread), np.inf)
        gain = np.where(came[:, None], crossed / spread[:, None], 0.0)
        state.mean += gain * np.clip(residual, -reach, reach)[:, None]
        # Joseph's form: stays symmetric and positive whatever is rounded.
        keep = np.eye(len(SOURCES)) - gain[:, :, None] * slope
        state.covariance = keep @ state.covariance @ keep.transpose(0, 2, 1)
        state.covariance += error * gain[:, :, None] * gain[:, None, :]
        return np.where(came, surprise, np.nan)
