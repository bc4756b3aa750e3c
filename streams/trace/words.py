"""A trace in words, for people."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from schemas.refusals import Reason
from schemas.times import SECOND_NS, parse_time
from streams.dead_letters.words import WORDS
from streams.dispatch.chain import plain
from streams.trace.fate import Cause, RecordTrace, Refused
from streams.trace.search import AlertTrace, DeviceTrace, Trace


def render(found: Trace) -> str:
    """Return a trace as terminal text, without control characters."""
    lines: list[str] = []
    if found.single is not None:
        lines.append(f"single reading {found.id}: {found.single}")
    if found.device is not None and not found.is_empty():
        lines += _device(found.device, found.records, time.time_ns())
    for alert in found.alerts:
        lines += _alert(alert)
    for record in found.records:
        lines += _record(record)
    if found.is_empty():
        lines += _nothing(found)
    return "\n".join(map(plain, lines))


def _nothing(found: Trace) -> Iterator[str]:
    back = "" if found.looked_back_to is None else f", back to {found.looked_back_to}"
    yield f"nothing is known of {found.id!r}: no device, record, report, alert or case{back}"
    yield "  if it was sent: was it acknowledged? A producer that got no confirmation has not sent it."
    yield "  is this the right broker and --namespace (`vitals status`)? Is it older than the log keeps (72 h)?"
    yield "  a place is written topic:partition:offset, as vitals.readings:3:1024"


def _device(device: DeviceTrace, records: Sequence[RecordTrace], now_ns: int) -> Iterator[str]:
    known = device.registered
    if known is None:
        where = "its gateway does not say in which unit" if device.seen_in is None else f"it spoke in {device.seen_in}"
        yield f"device {device.device_id} is not registered; {where}"
        said = " ".join(f"--quantity {one}" for one in device.quantities) or "--quantity QUANTITY"
        unit = device.seen_in or "UNIT"
        yield f"  what to do: vitals registry add-device {device.device_id} --unit {unit} {said} --interval SECONDS"
        yield "              then `vitals dead-letters replay --reason unknown_device` sends again what was refused"
    else:
        who = "any gateway" if known.gateway_id is None else f"gateway {known.gateway_id}"
        yield f"device {device.device_id}: in {known.unit_id}, {', '.join(known.quantities)}"
        yield f"  every {known.interval_s:g} s, by {who}, mode {known.mode}, since {known.valid_from}"
        times = [parse_time(row.time) for record in records for row in record.rows]
        if times:
            age_s = (now_ns - max(times)) / SECOND_NS
            yield f"  its newest reading is {age_s:.0f} s old" + (", overdue" if age_s > 3 * known.interval_s else "")
        if not records:
            yield "  no record of its unit names it: does its gateway send, under the key of this unit?"
    for reason, count in device.letters.items():
        meaning, advice = WORDS[Reason(reason)] if reason in set(Reason) else ("not one of our reasons", "look at it")
        yield f"  {count} dead letter{'s' if count > 1 else ''} {reason}: {meaning}; what to do: {advice}"
    for cause in device.open:
        yield f"  {_cause(cause)}"


def _alert(alert: AlertTrace) -> Iterator[str]:
    yield f"{alert.kind} {alert.id}: {alert.scenario} in {alert.unit_id}, {alert.state}"
    for place in alert.evidence:
        yield f"  evidence: {place}"
    for cause in alert.led_to:
        yield f"  led to {_cause(cause)}"
    if alert.kind == "case":
        yield f"  `vitals case {alert.id}` prints its chain"


def _record(record: RecordTrace) -> Iterator[str]:
    yield f"record {record.place}, appended {record.appended}, key {record.key or '(none)'}"
    said = {"id": record.id, "from": record.source, "by way of": record.came_from, "because": record.fault}
    envelope = ", ".join(f"{name} {text}" for name, text in said.items() if text is not None)
    yield f"  {envelope or 'without an envelope'}"
    if record.behind is not None:
        yield (
            f"  not judged yet: sense is {record.behind} records behind it (a checkpoint is written every 10 s); "
            "if this number does not fall, does `vitals worker` run?"
        )
    parts = {"judged": record.judged, "late": record.late, "dead": record.dead, "duplicate": record.duplicate}
    counts = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
    noun = "element" if record.elements == 1 else "elements"
    yield f"  {record.elements} {noun}" + (f": {counts}" if counts else "")
    if record.backfill:
        yield "  a backfill: stored, and scored where its window is still kept; it raises nothing"
    for row in record.rows:
        value = "" if row.value is None else f" = {row.value:g}, quality {row.quality:g}"
        yield f"    {row.name}{value} at {row.time}"
    if record.late:
        yield "  late: their time was further back than the grace period; they are in vitals.late, and raise nothing"
    if record.duplicate:
        first = "the record or the reading" if record.first is None else record.first
        yield f"  duplicate: {first} came before with the same id, or the same series, time and value; nothing is lost"
    for refused in record.refused:
        yield from _refused(refused)
    if record.stored is not None:
        yield f"  stored: {record.stored}"
    for cause in record.caused:
        yield f"  led to {_cause(cause)}"


def _refused(refused: Refused) -> Iterator[str]:
    meaning, advice = WORDS[Reason(refused.reason)]
    what = "the whole record" if refused.index is None else f"element {refused.index}"
    yield f"  dead: {what}: {refused.reason}: {meaning}"
    yield f"        {refused.detail}"
    yield f"        what to do: {advice}"
    yield f"        `vitals dead-letters show {refused.id}`; sent again: {refused.replayed or 'no'}"


def _cause(cause: Cause) -> str:
    return f"{cause.kind} {cause.id}{'' if cause.scenario is None else f' ({cause.scenario})'}: {cause.state}"
