"""Which anomalies make one alert, how bad it is, and how sure we are."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection

import msgspec

from schemas.alerts import CapCertainty
from schemas.anomalies import Anomaly, AnomalyKind, Evidence
from schemas.catalogue import Scenario
from schemas.ids import Mode, alert_id

KEPT_EVIDENCE = 8  # of one anomaly: its first reading and the newest ones
GOOD_QUALITY = 0.8
FAIR_QUALITY = 0.5  # below it a sensor is suspect

# Certainty by the quality of the best active sign, and by whether it is supported: a boolean alarm (a contact, not a
# threshold), or two subjects of at least fair quality that agree.
CERTAINTY: tuple[tuple[float, CapCertainty, CapCertainty], ...] = (
    # quality from, supported, alone
    (GOOD_QUALITY, "Observed", "Likely"),
    (FAIR_QUALITY, "Possible", "Possible"),
    (0.0, "Unlikely", "Unlikely"),
)


class AlertKey(msgspec.Struct, frozen=True, array_like=True):
    """What one alert is about; two anomalies with the same key are one thing."""

    mode: Mode
    scenario: str
    unit_id: str
    subject: str  # the unit where the scenario groups by unit

    @property
    def text(self) -> str:
        """The key as one string, for maps and for an order that is the same everywhere."""
        return f"{self.mode}|{self.scenario}|{self.unit_id}|{self.subject}"

    @property
    def digest(self) -> int:
        """64 bits that stand for the key where a counter is kept: two keys that share them skip a number, no more."""
        return int.from_bytes(hashlib.blake2b(self.text.encode(), digest_size=8).digest())

    def alert_id(self, episode: int) -> str:
        """Return the id of the alert of one episode of this key."""
        return alert_id(self.mode, self.scenario, self.unit_id, self.subject, episode)


class Sign(msgspec.Struct, kw_only=True):
    """An open anomaly, as an alert remembers it."""

    kind: AnomalyKind
    time_ns: int  # of its newest phase
    level: int  # the place of its colour; one that is open is at least blue
    quality: float
    is_boolean: bool
    quantity: str | None
    value: float | None
    expected: float | None
    evidence: tuple[Evidence, ...]  # of its onset


def key_of(anomaly: Anomaly, scenario: Scenario) -> AlertKey:
    """Return the key of the alert that an anomaly belongs to."""
    subject = anomaly.unit_id if scenario.group_by == "unit" else anomaly.subject
    return AlertKey(anomaly.mode, scenario.id, anomaly.unit_id, subject)


def level_of(score: float, quality: float) -> int:
    """Return the place of an anomaly's colour: 0 green to 4 red.

    A suspect sensor is not hidden, and raises no alarm alone: whatever it says is blue, and ``Unlikely``.
    """
    return min(math.floor(score), 4) if quality >= FAIR_QUALITY else min(math.floor(score), 1)


def certainty_of(active: Collection[Collection[Sign]]) -> CapCertainty:
    """Return how sure an alert is, of the open signs of each active subject."""
    best, fair, is_contact = 0.0, 0, False
    for signs in active:
        seen = [sign for sign in signs if sign.quality >= FAIR_QUALITY]
        best = max(best, *(sign.quality for sign in signs))
        fair += bool(seen)
        is_contact = is_contact or any(sign.is_boolean for sign in seen)
    supported = is_contact or fair >= 2
    return next(both if supported else alone for bound, both, alone in CERTAINTY if best >= bound)


def kept_evidence(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return at most ``KEPT_EVIDENCE`` entries: the first, which began it, and the newest."""
    if len(evidence) <= KEPT_EVIDENCE:
        return evidence
    return (evidence[0], *evidence[1 - KEPT_EVIDENCE :])
