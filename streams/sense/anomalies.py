"""The life of one anomaly: onset, updates as its level moves, clear after good readings; silence never clears."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import msgspec

from schemas.anomalies import MAX_EVIDENCE, Anomaly, AnomalyKind, Evidence, Phase
from schemas.ids import Mode, anomaly_id
from schemas.times import format_time
from streams.sense.blocks import Block, decode_block, shard_of

VERSION = 1  # of the detectors
BLOCK = "anomalies"
SHARDS = 16


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose anomaly it is, and which detector's."""

    name: str  # <mode>/<unit>/<series, or subject of a rule>: what moves or changes its mode is another
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


class _Shard(Block):
    open: dict[str, OpenAnomaly] = msgspec.field(default_factory=dict)
    # When each ended, while what was before may still follow: it belongs to the one that has ended.
    cleared: dict[str, int] = msgspec.field(default_factory=dict)


class OpenAnomalies:
    """The open anomalies of one partition, by (detector, name)."""

    def __init__(self) -> None:
        self._shards = [_Shard() for _ in range(SHARDS)]
        self._open: set[str] = set()
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        return len(self._open)

    def is_open(self, detector: str, name: str) -> bool:
        """Whether this detector's anomaly of this series or subject has begun and not cleared."""
        return f"{detector}|{name}" in self._open

    def units_of(self, detector: str) -> list[tuple[str, Mode]]:
        """Return (unit, mode) of the open anomalies of a detector of whole units, sorted."""
        names = (key.partition("|")[2] for key in self._open if key.startswith(f"{detector}|"))
        parts = (name.split("/") for name in names)
        return sorted((unit_id, cast("Mode", mode)) for mode, unit_id, *_ in parts)

    def step(self, who: Subject, finding: Finding, clear_after: int) -> Anomaly | None:
        """Take a finding in the order of its series; return the anomaly's next phase, or ``None`` if it has none.

        A finding not newer than the anomaly's last one changes nothing, and one not newer than its end opens nothing.
        """
        key = f"{who.detector}|{who.name}"
        number = shard_of(key, SHARDS)
        shard = self._shards[number]
        known = shard.open.get(key)
        level = math.floor(finding.severity)
        if known is None:
            if level == 0 or finding.time_ns <= shard.cleared.get(key, -1):
                return None
            self._dirty.add(number)
            return self._onset(key, who, finding, level)
        if finding.time_ns <= known.last_ns:
            return None
        self._dirty.add(number)
        known.last_ns = finding.time_ns
        relaxed = math.floor(finding.relaxed)
        if level > 0 or relaxed > 0:
            known.good, known.verifying = 0, ()
            return self._moved(known, who, finding, level, relaxed)
        known.good += finding.good
        known.verifying = (*known.verifying, *finding.evidence)[-MAX_EVIDENCE:]
        if known.good < clear_after:
            return None
        del shard.open[key]
        self._open.discard(key)
        shard.cleared[key] = finding.time_ns
        return _event(known, "clear", who, finding, severity=0.0, evidence=known.verifying)

    def forget_cleared(self, before_ns: int) -> None:
        """Forget ends before a time that nothing which may raise can come before."""
        for number, shard in enumerate(self._shards):
            old = [key for key, end in shard.cleared.items() if end < before_ns]
            for key in old:
                del shard.cleared[key]
                self._dirty.add(number)

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield the blocks in which something changed since the last call; an empty one holds nothing any more."""
        for number in sorted(self._dirty):
            shard = self._shards[number]
            is_empty = not shard.open and not shard.cleared
            yield f"{BLOCK}/{number}", b"" if is_empty else msgspec.msgpack.encode(shard)
        self._dirty.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one block that ``changed_blocks`` made."""
        shard = decode_block(name, payload, _Shard)
        self._shards[int(name.rpartition("/")[2])] = shard
        self._open.update(shard.open)

    def _onset(self, key: str, who: Subject, finding: Finding, level: int) -> Anomaly:
        opened = OpenAnomaly(
            id=anomaly_id(who.name, who.detector, finding.time_ns),
            onset_ns=finding.time_ns,
            level=level,
            last_ns=finding.time_ns,
        )
        self._shards[shard_of(key, SHARDS)].open[key] = opened
        self._open.add(key)
        return _event(opened, "onset", who, finding, severity=finding.severity, evidence=finding.evidence)

    @staticmethod
    def _moved(known: OpenAnomaly, who: Subject, finding: Finding, level: int, relaxed: int) -> Anomaly | None:
        """Return an update if the level has risen, or has fallen by more than the hysteresis."""
        if level <= known.level <= relaxed:
            return None
        is_worse = level > known.level
        known.level = level if is_worse else relaxed
        severity = finding.severity if is_worse else finding.relaxed
        return _event(known, "update", who, finding, severity=severity, evidence=finding.evidence)


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
