"""A sensor says something odd: is it broken, or has something happened? By what sensors of other kinds near by say.

References
----------
J. Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988: odds before, times a likelihood ratio for each witness
(naive Bayes: witnesses of different kinds fail for different reasons).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SURE = 1e-6  # no sum of witnesses makes anything more certain than this


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """A sensor of another kind in the same place, and what it did within the scenario's time.

    Parameters
    ----------
    saw
        Whether it deviates as it would if the thing were real.
    sees_if_real
        How likely it is to deviate if the thing is real: 0.9 for a thermometer above a flame, 0.3 for one next door.
    says_without
        How likely it is to deviate by itself within that time: its own false alarms.
    quality
        Its grade, 0 to 1: a witness that is not trusted says little either way.
    """

    saw: bool
    sees_if_real: float
    says_without: float
    quality: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sees_if_real", "says_without"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not 0.0 <= self.quality <= 1.0:
            raise ValueError(f"quality must be 0 to 1, not {self.quality}")


def probability_real(quality: float, witnesses: Sequence[Witness], prior: float = 0.5) -> float:
    """Return how likely it is that what a sensor says is real, 0 to 1, exclusive.

    Good for deciding what an alarm is worth before somebody is sent; it is no reason to keep silent. Not for witnesses
    of the sensor's own kind or on its own gateway: these fail together.

    Parameters
    ----------
    quality
        Of the sensor itself, 0 to 1: of one with a grade of 0 nothing is believed without witnesses.
    prior
        How often an alarm of a sensor in good health is real, in (0, 1).

    Raises
    ------
    ValueError
        The prior or the quality is none.
    """
    if not 0.0 < prior < 1.0:
        raise ValueError(f"prior must be between 0 and 1, not {prior}")
    if not 0.0 <= quality <= 1.0:
        raise ValueError(f"quality must be 0 to 1, not {quality}")
    believed = float(np.clip(prior * quality, SURE, 1.0 - SURE))
    odds = np.log(believed / (1.0 - believed))
    for one in witnesses:
        seen, unseen = one.sees_if_real / one.says_without, (1.0 - one.sees_if_real) / (1.0 - one.says_without)
        odds += one.quality * np.log(seen if one.saw else unseen)
    return float(np.clip(1.0 / (1.0 + np.exp(-odds)), SURE, 1.0 - SURE))
