"""The life of one anomaly: onset, updates as its level moves, clear after good readings; silence never clears."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from schemas.anomalies import MAX_EVIDENCE, Anomaly, AnomalyKind, Evidence, Phase
from schemas.ids import Mode, anomaly_id
from schemas.times import format_time
from streams.delivery.records import StateFormatError

VERSION = 1


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose anomaly it is, and which detector's."""

    name: str  # series, or <unit>/<subject> for a rule
    unit_id: str
    subject: str
    kind: AnomalyKind
    scenario: str | None
    detector: str
    mode: Mode
    quantity: str | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector says now: severity by the limits as they are, and by the limits relaxed by the hysteresis."""

    time_ns: int
    severity: float
    relaxed: float
    value: float
    quality: float
    evidence: tuple[Evidence, ...]
    expected: float | None = None
    good: int = 1  # readings inside the band that it stands for, where ``relaxed`` is 0


class OpenAnomaly(msgspec.Struct, kw_only=True):
    """An anomaly that has begun and not cleared."""

    id: str
    onset_ns: int
    level: int
    last_ns: int
    good: int = 0
    verifying: tuple[Evidence, ...] = ()


class OpenAnomalies:
    """The open anomalies of one partition, by (detector, name)."""

    def __init__(self, block: str) -> None:
        self._block = block
        self._open: dict[str, OpenAnomaly] = {}
        self._is_dirty = False

    def is_open(self, detector: str, name: str) -> bool:
        """Whether this detector's anomaly of this series or subject has begun and not cleared."""
        return f"{detector}|{name}" in self._open

    def names_of(self, detector: str) -> list[str]:
        """Return the names that have an open anomaly of this detector."""
        prefix = f"{detector}|"
        return [key[len(prefix) :] for key in self._open if key.startswith(prefix)]

    def step(self, who: Subject, finding: Finding, clear_after: int) -> Anomaly | None:
        """Take a finding in the order of its series; return the anomaly's next phase, or ``None`` if it has none.

        A finding not newer than the anomaly's last one can open, not change it.
        """
        key = f"{who.detector}|{who.name}"
        known = self._open.get(key)
        level = math.floor(finding.severity)
        if known is None:
            return self._onset(key, who, finding, level) if level > 0 else None
        if finding.time_ns <= known.last_ns:
            return None
        self._is_dirty = True
        known.last_ns = finding.time_ns
        if level > known.level:
            return self._moved(known, who, finding, level)
        relaxed = math.floor(finding.relaxed)
        if relaxed > 0:
            known.good, known.verifying = 0, ()
            return self._moved(known, who, finding, relaxed) if relaxed < known.level else None
        known.good += finding.good
        known.verifying = (*known.verifying, *finding.evidence)[-MAX_EVIDENCE:]
        if known.good < clear_after:
            return None
        del self._open[key]
        return _event(known, "clear", who, finding, severity=0.0, evidence=known.verifying)

    def changed_blocks(self) -> Mapping[str, bytes]:
        """Return the block, if something changed since the last call."""
        if not self._is_dirty:
            return {}
        self._is_dirty = False
        return {self._block: msgspec.msgpack.encode({"format": VERSION, "open": self._open})}

    def restore(self, payload: bytes) -> None:
        """Take what ``changed_blocks`` made."""
        try:
            saved = msgspec.msgpack.decode(payload, type=_Saved)
        except msgspec.MsgspecError as error:
            raise StateFormatError(f"block {self._block}: {error}") from error
        if saved.format != VERSION:
            raise StateFormatError(f"block {self._block} has format {saved.format}, this program reads {VERSION}")
        self._open = saved.open

    def _onset(self, key: str, who: Subject, finding: Finding, level: int) -> Anomaly:
        opened = OpenAnomaly(
            id=anomaly_id(who.name, who.detector, finding.time_ns),
            onset_ns=finding.time_ns,
            level=level,
            last_ns=finding.time_ns,
        )
        self._open[key] = opened
        self._is_dirty = True
        return _event(opened, "onset", who, finding, severity=finding.severity, evidence=finding.evidence)

    @staticmethod
    def _moved(known: OpenAnomaly, who: Subject, finding: Finding, level: int) -> Anomaly:
        severity = finding.severity if level > known.level else finding.relaxed
        known.level, known.good, known.verifying = level, 0, ()
        return _event(known, "update", who, finding, severity=severity, evidence=finding.evidence)


class _Saved(msgspec.Struct):
    format: int
    open: dict[str, OpenAnomaly]


def _event(
    known: OpenAnomaly, phase: Phase, who: Subject, finding: Finding, *, severity: float, evidence: tuple[Evidence, ...]
) -> Anomaly:
    return Anomaly(
        id=known.id,
        phase=phase,
        unit_id=who.unit_id,
        subject=who.subject,
        kind=who.kind,
        quantity=who.quantity,
        scenario=who.scenario,
        onset=format_time(known.onset_ns),
        time=format_time(finding.time_ns),
        value=finding.value,
        expected=finding.expected,
        score=min(severity, 4.0),
        quality=finding.quality,
        detector=who.detector,
        detector_version=VERSION,
        mode=who.mode,
        evidence=evidence[-MAX_EVIDENCE:],
    )
