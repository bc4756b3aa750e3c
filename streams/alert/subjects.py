"""The subjects of one alert: what is open on each, since when, and what verified that it is over."""

from __future__ import annotations

import msgspec

from schemas.alerts import SubjectState
from schemas.anomalies import MAX_EVIDENCE, Evidence
from streams.alert.grouping import FAIR_QUALITY, Sign, kept_evidence

MAX_OPEN = 32  # anomalies of one subject; far above what detectors can hold open of one device
MAX_SUBJECTS = 2_000  # devices of one unit


class AlertedSubject(msgspec.Struct, kw_only=True):
    """One subject: active while one of its anomalies is open, clear when all have cleared.

    ``is_dead`` (its sensor fell silent: only a person can tell) is carried for scenarios that use it.
    """

    since_ns: int
    anomaly_id: str  # the worst open one, or the last that cleared
    quality: float
    evidence: tuple[Evidence, ...] = ()  # of the onset, or the verifying readings
    open: dict[str, Sign] = msgspec.field(default_factory=dict)
    level: int = 0  # the place of the worst open anomaly's colour
    is_dead: bool = False

    @property
    def is_active(self) -> bool:
        return bool(self.open)

    @property
    def is_verified(self) -> bool:
        """Whether good readings say that it is over: a suspect sensor's word does not count."""
        return not self.open and not self.is_dead and self.quality >= FAIR_QUALITY

    @property
    def state(self) -> SubjectState:
        if self.is_dead:
            return "dead"
        return "active" if self.open else "clear"

    def worst(self) -> Sign | None:
        """Return the worst open sign."""
        return self.open[self._worst_id()] if self.open else None

    def take(self, anomaly_id: str, sign: Sign) -> None:
        """Take an onset, or an update of an anomaly that is open: the evidence stays the onset's."""
        if not self.open:
            self.since_ns = sign.time_ns
        known = self.open.get(anomaly_id)
        if known is not None and known.evidence:
            sign.evidence = known.evidence
        self.open[anomaly_id] = sign
        if len(self.open) > MAX_OPEN:
            del self.open[next(iter(self.open))]
        self._show_worst()

    def clear(self, anomaly_id: str, time_ns: int, quality: float, evidence: tuple[Evidence, ...]) -> bool:
        """Close an anomaly; whether it was open."""
        if self.open.pop(anomaly_id, None) is None:
            return False
        if self.open:
            self._show_worst()
            return True
        self.since_ns, self.anomaly_id, self.quality, self.level = time_ns, anomaly_id, quality, 0
        self.evidence = kept_evidence(evidence)
        return True

    def _show_worst(self) -> None:
        self.anomaly_id = self._worst_id()
        worst = self.open[self.anomaly_id]
        self.quality, self.evidence, self.level = worst.quality, worst.evidence, worst.level
        if worst.kind == "report":  # whoever reported wants to know what became of it
            every = [evidence for sign in self.open.values() for evidence in sign.evidence]
            self.evidence = tuple(every[-MAX_EVIDENCE:])

    def _worst_id(self) -> str:
        # Of equals the one that has been open longest: the record then stays as it is while others come and go.
        return max(self.open, key=lambda name: self.open[name].level)


def make_room(subjects: dict[str, AlertedSubject]) -> None:
    """Forget the subject that has been clear longest (or else is oldest) where there are more than a unit can have."""
    if len(subjects) > MAX_SUBJECTS:
        del subjects[min(subjects, key=lambda name: (subjects[name].is_active, subjects[name].since_ns, name))]
