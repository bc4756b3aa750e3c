"""Find out what an id is, and what became of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.ids import is_id
from schemas.orders import Order
from schemas.refusals import RefusedError
from schemas.registry import Device
from schemas.senml import decode_pack
from schemas.times import format_time
from streams.dead_letters.letters import read_replayed
from streams.gateways.packing import FROM
from streams.newest import newest_alerts, newest_cases
from streams.registry.apply import read_known
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.settled import stored_to
from streams.state.manifest import read_manifests
from streams.topics import STAGE_SOURCES, UNIT_PARTITIONS, partition_for, partitions_of
from streams.trace.fate import Cause, RecordTrace
from streams.trace.log import Found, Log
from streams.trace.records import Known, anomalies_of, cause_of_case, follow, led_to

PLACE = re.compile(r"(?:vitals\.)?([a-z.]+):(\d{1,6}):(\d{1,18})(?::\d+)?")
FOLLOWED = (*channels.TICKED, channels.SINGLE_READINGS)
MAX_RECORDS = 5  # of a device: the newest


class DeviceTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A device or camera; ``letters`` counts the dead letters that name it, by reason."""

    device_id: str
    registered: Device | None
    letters: dict[str, int]
    seen_in: str | None  # the unit under which it last spoke
    quantities: tuple[str, ...] = ()  # of which it spoke
    open: tuple[Cause, ...] = ()


class AlertTrace(msgspec.Struct, frozen=True, kw_only=True):
    """An alert or a case with what led to it, and what it led to."""

    kind: str
    id: str
    state: str
    scenario: str
    unit_id: str
    evidence: tuple[str, ...]  # places of the records
    led_to: tuple[Cause, ...] = ()


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found of one id; ``looked_back_to`` is how far, where no place was known."""

    id: str
    device: DeviceTrace | None = None
    records: tuple[RecordTrace, ...] = ()
    alerts: tuple[AlertTrace, ...] = ()
    single: str | None = None  # what became of a single reading's record
    looked_back_to: str | None = None

    def is_empty(self) -> bool:
        """Whether nothing was found at all."""
        is_known = self.device is not None and (self.device.registered is not None or self.device.letters)
        return not (is_known or self.records or self.alerts or self.single)


async def trace(settings: Settings, ident: str) -> Trace:
    """Look for an id as a place in the log, a device, a record's id, a report, an alert and a case.

    Raises
    ------
    SettingsError
        The topics are not there.
    """
    view = await read_known(settings)
    known = Known(
        manifests={stage: await read_manifests(settings, stage) for stage in STAGE_SOURCES},
        store=await stored_to(settings),
        replayed=await read_replayed(settings),
        alerts=await newest_alerts(settings),
        cases=await newest_cases(settings),
    )
    async with Log(settings) as log:
        match = PLACE.fullmatch(ident)
        if match is not None and f"vitals.{match[1]}" in FOLLOWED:
            return await _of_place(settings, log, known, ident, f"vitals.{match[1]}", int(match[2]), int(match[3]))
        device = ident.partition("/")[0]
        found = Trace(id=ident, alerts=tuple(_alerts(known, ident)))
        records = await _of_id(settings, log, known, ident)
        if not records and not found.alerts:
            about, records = await _of_device(settings, log, known, view, device)
            found = msgspec.structs.replace(found, device=about)
        looked_back = None if log.looked_back_ms is None else format_time(log.looked_back_ms * 1_000_000)
        return msgspec.structs.replace(found, records=tuple(records), looked_back_to=looked_back)


async def _of_place(
    settings: Settings, log: Log, known: Known, ident: str, topic: str, partition: int, offset: int
) -> Trace:
    record = await log.at(topic, partition, offset) if partition < partitions_of(topic) else None
    if record is None:
        return Trace(id=ident)
    if topic != channels.SINGLE_READINGS:
        return Trace(id=ident, records=tuple(await follow(settings, log, known, topic, [record])))
    came_from = f"{topic}:{partition}"
    packs = [
        one async for one in log.tail(channels.READINGS) if _covers(one.headers, came_from, offset)
    ]  # any partition: a single reading has any key
    state = "it is in no pack yet: does `vitals collect` run?"
    if packs:
        state = f"`vitals collect` has put it into {'the record' if len(packs) == 1 else 'one of the records'} below"
    return Trace(id=ident, single=state, records=tuple(await follow(settings, log, known, channels.READINGS, packs)))


def _covers(headers: Iterable[tuple[str, bytes]], came_from: str, offset: int) -> bool:
    """Whether a record was made of the one at this place: ``topic:partition:first-last``, or ``:offset``."""
    for part in dict(headers).get(FROM, b"").decode(errors="replace").split():
        where, _, span = part.rpartition(":")
        first, _, last = span.partition("-")
        if where == came_from and first.isdecimal() and int(first) <= offset <= int(last or first):
            return True
    return False


async def _of_id(settings: Settings, log: Log, known: Known, ident: str) -> list[RecordTrace]:
    """Return what became of the records of this ``ce_id``, or one that begins with it and a colon, and of a report."""
    raw, report = ident.encode(), f'"report_id":"{ident}"'.encode()
    traces = []
    for topic in channels.SOURCES:
        found: list[Found] = []
        async for record in log.tail(topic):
            given = dict(record.headers).get("ce_id", b"")
            is_report = topic == channels.REPORTS and report in (record.value or b"").replace(b" ", b"")
            if given == raw or given.startswith(raw + b":") or is_report:
                found.append(record)
        traces += await follow(settings, log, known, topic, found)
    places = {one.id: one.place for one in reversed(traces) if one.judged + one.late + one.dead}
    return [
        msgspec.structs.replace(one, first=places.get(one.id)) if one.duplicate and one.id is not None else one
        for one in traces
    ]


async def _of_device(
    settings: Settings, log: Log, known: Known, view: RegistryView, device_id: str
) -> tuple[DeviceTrace, list[RecordTrace]]:
    newest = view.newest(device_id)
    device = None if newest is None else newest[1]
    letters: Counter[str] = Counter()
    seen_in: str | None = None
    quantities: set[str] = set()
    async for record in log.tail(channels.DEAD_LETTERS):
        value = record.value or b""
        if not _names(value, device_id):
            continue
        letters[dict(record.headers).get("dl_reason", b"").decode(errors="replace")] += 1
        key = (record.key or b"").decode(errors="replace")
        seen_in = key if is_id(key) else seen_in
        quantities |= _quantities(value, device_id)
    units = {device_id} | ({device.unit_id} if device is not None else set()) | ({seen_in} if seen_in else set())
    records = []
    for topic in (channels.READINGS, channels.VIDEO):
        found: list[Found] = []
        for partition in sorted({partition_for(unit.encode(), UNIT_PARTITIONS) for unit in units}):
            async for record in log.tail(topic, [partition]):
                if _names(record.value or b"", device_id):
                    found = [*found[-MAX_RECORDS + 1 :], record]
        records += await follow(settings, log, known, topic, found, device_id)
    about = DeviceTrace(
        device_id=device_id,
        registered=device,
        letters=dict(letters.most_common()),
        seen_in=None if seen_in == device_id else seen_in,
        quantities=tuple(sorted(quantities)),
        open=tuple(_open_on(known, device_id)),
    )
    return about, records


def _quantities(value: bytes, device_id: str) -> set[str]:
    """Return of which quantities of a device a pack speaks."""
    try:
        names = [name.partition("/") for name in decode_pack(value, 0).names]
    except RefusedError:
        return set()
    return {quantity for device, _, quantity in names if device == device_id}


def _names(value: bytes, device_id: str) -> bool:
    raw = device_id.encode()
    return any(b'"' + raw + end in value for end in (b'"', b"/"))


def _open_on(known: Known, device_id: str) -> list[Cause]:
    found = [one for one in known.alerts.values() if any(s.subject == device_id for s in one.subjects)]
    anomalies = {subject.anomaly_id for one in found for subject in one.subjects if subject.subject == device_id}
    return led_to(known, anomalies)


def _alerts(known: Known, ident: str) -> list[AlertTrace]:
    """Return the alerts and cases of an id: an alert's, a case's, an order's, a report's or an anomaly's."""
    found = [
        _of_alert(known, one) for one in known.alerts.values() if ident == one.alert_id or ident in anomalies_of(one)
    ]
    return found + [
        _of_case(known, one) for one in known.cases.values() if ident in {one.case_id, one.order_id, *one.report_ids}
    ]


def _of_alert(known: Known, alert: Alert) -> AlertTrace:
    return AlertTrace(
        kind="alert",
        id=alert.alert_id,
        state=f"{alert.colour}, {alert.state}",
        scenario=alert.scenario,
        unit_id=alert.unit_id,
        evidence=_evidence(alert),
        led_to=tuple(cause_of_case(one) for one in known.cases.values() if alert.alert_id in one.alert_ids),
    )


def _of_case(known: Known, case: Order) -> AlertTrace:
    alerts = [known.alerts[ident] for ident in case.alert_ids if ident in known.alerts]
    return AlertTrace(
        kind="case",
        id=case.case_id,
        state=f"{case.step}, at {case.tier} tier",
        scenario=case.scenario,
        unit_id=case.unit_id,
        evidence=tuple(place for alert in alerts for place in _evidence(alert)),
    )


def _evidence(alert: Alert) -> tuple[str, ...]:
    places = [f"{e.topic}:{e.partition}:{e.offset}" for subject in alert.subjects for e in subject.evidence]
    return tuple(dict.fromkeys(places))[:16]
