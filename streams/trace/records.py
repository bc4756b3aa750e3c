"""Follow source records through the log: judged, late, dead, stored, and what they led to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_anomaly
from schemas.dead_letters import DeadLetter, read_dead_letter
from schemas.envelope import read_envelope
from schemas.ids import district_of
from schemas.judged import Judged, decode_judged
from schemas.orders import Order
from schemas.refusals import RefusedError
from schemas.rows import decode_crowd, decode_video
from schemas.senml import decode_pack
from schemas.times import format_time
from streams.gateways.packing import FAULT, FROM
from streams.settings import Settings
from streams.settled import Places
from streams.state.manifest import Manifest
from streams.topics import DISTRICT_PARTITIONS, STAGE_SOURCES, partition_for, partitions_of
from streams.trace.fate import MAX_SHOWN, Cause, RecordTrace, Row, refused_of, rows_of, shares
from streams.trace.log import Found, Log

MARGIN_MS = 1_000  # brokers may have clocks that differ


class Known(NamedTuple):
    """What is read once for all records of a trace."""

    manifests: dict[str, dict[int, Manifest]]  # by stage
    store: Places  # next offset of the store
    replayed: dict[str, str]
    alerts: dict[str, Alert]
    cases: dict[str, Order]

    def judged_to(self, topic: str, partition: int) -> int:
        """Return the next offset of the stage that judges a topic."""
        stage = next(name for name, topics in STAGE_SOURCES.items() if topic in topics)
        manifest = self.manifests[stage].get(partition)
        return 0 if manifest is None else manifest.next.get(topic, 0)


class _Found(NamedTuple):
    judged: dict[int, tuple[Judged, int]]  # source offset -> what was judged of it, and where that lies
    late: dict[int, Judged]
    dead: dict[int, list[DeadLetter]]


async def follow(
    settings: Settings, log: Log, known: Known, topic: str, records: Sequence[Found], device_id: str | None = None
) -> list[RecordTrace]:
    """Return what became of some records of one source topic; of one device's rows alone where it is named."""
    traces = []
    for partition in sorted({record.partition for record in records}):
        own = [record for record in records if record.partition == partition]
        wanted = {record.offset for record in own}
        since = min(record.timestamp for record in own) - MARGIN_MS
        found = await _outcomes(log, topic, partition, wanted, since)
        for record in own:
            causes = await _causes(log, known, topic, record)
            traces.append(_trace(settings, known, topic, record, found, causes, device_id))
    return traces


async def _outcomes(log: Log, topic: str, partition: int, wanted: set[int], since_ms: int) -> _Found:
    found = _Found({}, {}, {})
    if topic in channels.SOURCES:
        await _accepted(log, topic, partition, wanted, since_ms, found)
    # Sense writes them into the partition of the record, alert and dispatch by its key.
    for number in (partition,) if topic in channels.SOURCES else range(partitions_of(channels.DEAD_LETTERS)):
        async for record in log.since(channels.DEAD_LETTERS, number, since_ms):
            try:
                letter = read_dead_letter(dict(record.headers), record.value)
            except ValueError:
                continue
            if letter.topic == topic and letter.partition == partition and letter.offset in wanted:
                found.dead.setdefault(letter.offset, []).append(letter)
    return found


async def _accepted(log: Log, topic: str, partition: int, wanted: set[int], since_ms: int, found: _Found) -> None:
    async for record in log.since(channels.JUDGED, partition, since_ms):
        judged = decode_judged(record.value or b"")
        if judged.source == topic and judged.offset in wanted:
            found.judged.setdefault(judged.offset, (judged, record.offset))
    async for record in log.since(channels.LATE, partition, since_ms):
        judged = decode_judged(record.value or b"")
        if judged.source == topic and judged.offset in wanted:
            found.late.setdefault(judged.offset, judged)


async def _causes(log: Log, known: Known, topic: str, record: Found) -> list[Cause]:
    """Return the anomalies that name a record as evidence, their alerts, and the cases of those."""
    if not record.key:
        return []
    partition = partition_for(district_of(record.key.decode(errors="replace")).encode(), DISTRICT_PARTITIONS)
    causes: dict[str, Cause] = {}
    async for found in log.since(channels.ANOMALIES, partition, record.timestamp - MARGIN_MS):
        anomaly = decode_anomaly(found.value or b"")
        places = {(one.topic, one.partition, one.offset) for one in anomaly.evidence}
        if (topic, record.partition, record.offset) in places:
            state = f"{anomaly.kind} of {anomaly.subject}, {anomaly.phase}"
            causes[anomaly.id] = Cause(kind="anomaly", id=anomaly.id, state=state, scenario=anomaly.scenario)
    return [*causes.values(), *led_to(known, causes)]


def led_to(known: Known, anomalies: Iterable[str]) -> list[Cause]:
    """Return the alerts of some anomalies, and the cases of those."""
    ids = set(anomalies)
    alerts = {ident for ident, one in known.alerts.items() if ids & anomalies_of(one)}
    found = [
        Cause(kind="alert", id=ident, state=f"{one.colour}, {one.state}", scenario=one.scenario)
        for ident, one in known.alerts.items()
        if ident in alerts
    ]
    return found + [cause_of_case(one) for one in known.cases.values() if alerts & set(one.alert_ids)]


def anomalies_of(alert: Alert) -> set[str]:
    """Return the ids of the anomalies that an alert is made of."""
    return {*alert.causes, *(subject.anomaly_id for subject in alert.subjects)}


def cause_of_case(case: Order) -> Cause:
    """Return a case as what something led to."""
    return Cause(kind="case", id=case.case_id, state=f"{case.step}, at {case.tier} tier", scenario=case.scenario)


def count_elements(topic: str, value: bytes) -> int:
    """Return how many elements a source record holds; one that cannot be read counts as one."""
    try:
        match topic:
            case channels.READINGS:
                pack = decode_pack(value, 0)
                return len(pack.names) + len(pack.bad)
            case channels.CROWD:
                crowd = decode_crowd(value)
                return len(crowd.good) + len(crowd.bad)
            case channels.VIDEO:
                video = decode_video(value)
                return len(video.good) + len(video.bad)
            case _:
                return 1
    except RefusedError:
        return 1


def _trace(
    settings: Settings,
    known: Known,
    topic: str,
    record: Found,
    found: _Found,
    causes: list[Cause],
    device_id: str | None,
) -> RecordTrace:
    value, headers = record.value or b"", dict(record.headers)
    judged, late = found.judged.get(record.offset), found.late.get(record.offset)
    rows: list[Row] = [] if judged is None else rows_of(judged[0])
    late_rows: list[Row] = [] if late is None else rows_of(late)
    letters = {letter.index: letter for letter in found.dead.get(record.offset, ())}  # one sent again is one
    refused = [refused_of(one, known.replayed) for one in letters.values()]
    behind = record.offset + 1 - known.judged_to(topic, record.partition)
    elements = count_elements(topic, value)
    of_judged, of_late, of_dead, duplicates = shares(elements, rows, late_rows, refused, behind <= 0)
    named = rows if device_id is None or judged is None else rows_of(judged[0], device_id)
    try:
        envelope = read_envelope(headers)
        ident, source, backfill = envelope.id, envelope.source, envelope.is_backfill
    except RefusedError:
        ident, source, backfill = None, None, False
    return RecordTrace(
        place=f"{topic}:{record.partition}:{record.offset}",
        appended=format_time(record.timestamp * 1_000_000),
        key=(record.key or b"").decode(errors="replace"),
        id=ident,
        source=source,
        came_from=_text(headers, FROM),
        fault=_text(headers, FAULT),
        backfill=backfill,
        elements=elements,
        judged=of_judged,
        late=of_late,
        dead=of_dead,
        duplicate=duplicates,
        behind=behind if behind > 0 and not (rows or late_rows or refused) else None,
        stored=_stored(settings, known, record.partition, topic, None if judged is None else judged[1]),
        rows=tuple(named[:MAX_SHOWN]),
        refused=tuple(refused[:MAX_SHOWN]),
        caused=tuple(causes),
    )


def _stored(settings: Settings, known: Known, partition: int, topic: str, at: int | None) -> str | None:
    """Say where judged rows have come to; ``at`` is the offset of their record in ``vitals.judged``."""
    if at is None:
        return None
    behind = at + 1 - known.store.get((channels.JUDGED, partition), 0)
    if behind > 0:
        return f"not yet: the store is {behind} records behind it; does `vitals store` run?"
    if topic == channels.READINGS and settings.store_readings == "off":
        return "no: this store is set not to keep readings (VITALS_STORE_READINGS=off)"
    return "yes (what is older than its bucket keeps is counted as expired instead)"


def _text(headers: dict[str, bytes], name: str) -> str | None:
    raw = headers.get(name)
    return None if raw is None else raw.decode(errors="replace")
