"""Records as gateways, counters, cameras, people and the ticker write them, on a time line that begins at ``T0``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas import channels
from schemas.anomalies import Anomaly
from schemas.envelope import gateway_urn, tick_headers, write_envelope
from schemas.ids import Mode
from schemas.judged import Judged, decode_judged, row_count
from schemas.registry import Device, Unit, Zone
from schemas.senml import encode_pack
from schemas.signs import Indicator, UnitScores
from schemas.times import SECOND_NS, format_time
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS, decode_watermark
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition

T0 = 1_767_225_600 * SECOND_NS
UNIT = "hp.nanjing-east.g03.nanjing-building"
SQUARE = "hp.nanjing-east.g03.square"
CATALOGUE = load_catalogue()
DISORDER_S, GRACE_S = 10.0, 600.0
GATEWAY = "gw-1"

UNITS = (
    Unit(unit_id=UNIT, kind="building", name_zh="楼", name_en="Building", zones=(Zone(zone_id="hall", area_m2=50.0),)),
    Unit(
        unit_id=SQUARE,
        kind="scenic-area",
        name_zh="广场",
        name_en="Square",
        zones=(Zone(zone_id="north", area_m2=100.0), Zone(zone_id="south", area_m2=200.0)),
    ),
)


def device(device_id: str, *quantities: str, unit_id: str = UNIT, **given: Any) -> Device:
    """Return a device that sends every 10 s."""
    return Device(device_id=device_id, unit_id=unit_id, quantities=quantities, **{"interval_s": 10.0, **given})


DEVICES = (
    device("lift-1", "lift_fault"),
    device("gas-1", "ch4", "co"),
    device("gas-2", "ch4"),
    device("air-1", "pm25", "temperature", "LAeq"),
    device("owned-1", "pm25", gateway_id=GATEWAY),
    device("drill-1", "ch4", mode="exercise"),
    device("cam-1", "video", unit_id=SQUARE, zone_id="north"),
    device("cam-2", "video", unit_id=SQUARE, zone_id="north"),
)


def registry(devices: Iterable[Device] = DEVICES, units: Iterable[Unit] = UNITS) -> RegistryView:
    """Return a registry that has read these records."""
    view = RegistryView()
    for unit in units:
        register(view, unit)
    for one in devices:
        register(view, one)
    return view


def register(view: RegistryView, record: Device | Unit) -> None:
    """Let ``view`` read one more record."""
    raw = msgspec.json.encode(record)
    if isinstance(record, Device):
        view.apply(channels.REGISTRY_DEVICES, record.device_id.encode(), raw)
    else:
        view.apply(channels.REGISTRY_UNITS, record.unit_id.encode(), raw)


def partition(view: RegistryView | None = None, **given: Any) -> SensePartition:
    """Return an empty partition 0 of one."""
    whole = {
        "catalogue": CATALOGUE,
        "pace": Pace(),
        "disorder_ns": round(DISORDER_S * SECOND_NS),
        "grace_ns": round(GRACE_S * SECOND_NS),
        "registry": registry() if view is None else view,
        "partitions": 1,
        **given,
    }
    return SensePartition(0, **whole)


def at(seconds: float) -> int:
    """Return the event time ``seconds`` after ``T0``, in ns."""
    return T0 + round(seconds * SECOND_NS)


def when(seconds: float) -> str:
    """Return the same as text."""
    return format_time(at(seconds))


def record(
    topic: str,
    value: bytes,
    seconds: float,
    offset: int = 0,
    *,
    key: bytes | None = UNIT.encode(),
    append_s: float | None = None,
    ident: str | None = None,
    source: str = gateway_urn(GATEWAY),
    mode: Mode = "actual",
    backfill: bool = False,
    **given: Any,
) -> Record:
    """Return a source record; with an envelope if ``ident`` is given, or if mode or backfill need one."""
    headers: dict[str, bytes] = {}
    if ident is not None or backfill or mode != "actual":
        name = f"r{topic}-{offset}" if ident is None else ident
        kind = channels.EVENT_TYPES[topic]
        headers = dict(
            write_envelope(id=name, source=source, type=kind, time_ns=at(seconds), mode=mode, is_backfill=backfill)
        )
    append_ns = at(seconds if append_s is None else append_s)
    whole = {"partition": 0, "headers": headers, **given}
    return Record(topic=topic, offset=offset, append_ns=append_ns, key=key, value=value, **whole)


Reading = tuple[str, float, float | bool]  # name, seconds, value


def pack(*readings: Reading, offset: int = 0, append_s: float | None = None, **given: Any) -> Record:
    """Return a record of readings, appended when the newest was taken."""
    newest = max(seconds for _, seconds, _ in readings)
    value = encode_pack((name, None, at(seconds), value) for name, seconds, value in readings)
    return record(channels.READINGS, value, newest, offset, append_s=append_s, **given)


def rows(topic: str, *found: dict[str, Any], offset: int = 0, append_s: float | None = None, **given: Any) -> Record:
    """Return a record of crowd or video rows, whose ``time`` is in seconds."""
    newest = max(row["time"] for row in found)
    value = msgspec.json.encode([{**row, "time": when(row["time"])} for row in found])
    return record(topic, value, newest, offset, append_s=append_s, **{"key": SQUARE.encode(), **given})


def crowd(seconds: float, count: int | None = None, **given: Any) -> Record:
    """Return a record of one crowd row of the square's north zone; ``flow`` is (in, out)."""
    row = {"zone_id": given.pop("zone", "north"), "source": given.pop("counted_by", "camera"), "time": seconds}
    flow = given.pop("flow", None)
    row |= {} if count is None else {"people_count": count}
    row |= {} if flow is None else {"people_in": flow[0], "people_out": flow[1]}
    return rows(channels.CROWD, row, **given)


def video(seconds: float, persons: int, camera: str = "cam-1", **given: Any) -> Record:
    """Return a record of one video row."""
    row = {"camera_id": camera, "time": seconds, "counts": {"person": persons}, "health": given.pop("health", "ok")}
    return rows(channels.VIDEO, row, **given)


def report(seconds: float, category: str = "other", offset: int = 0, **given: Any) -> Record:
    """Return a report on the building."""
    said = {"report_id": f"rep-{offset}", "unit_id": UNIT, "category": category, "time": when(seconds)}
    said |= given.pop("said", {})
    return record(channels.REPORTS, msgspec.json.encode(said), seconds, offset, **given)


def tick(topic: str, seconds: float, offset: int = 0, append_s: float | None = None) -> Record:
    """Return a tick, after which the watermark of ``topic`` is at ``seconds``."""
    now = seconds + DISORDER_S
    append_ns = at(now if append_s is None else append_s)
    headers = dict(tick_headers(at(now)))
    return Record(topic=topic, partition=0, offset=offset, append_ns=append_ns, key=None, value=b"", headers=headers)


def until(seconds: float) -> list[Record]:
    """Return what moves the watermark of all topics to ``seconds``."""
    return [tick(topic, seconds) for topic in channels.SOURCES]


def anomalies(effects: Iterable[Effect]) -> list[Anomaly]:
    """Return the anomalies among effects."""
    return [
        msgspec.json.decode(effect.value, type=Anomaly)
        for effect in effects
        if effect.topic == channels.ANOMALIES and effect.headers != WATERMARK_HEADERS
    ]


def phases(effects: Iterable[Effect]) -> list[tuple[str, str, float]]:
    """Return (detector, phase, severity) of the anomalies among effects."""
    return [(one.detector, one.phase, one.score) for one in anomalies(effects)]


def indicators(effects: Iterable[Effect]) -> list[Indicator]:
    """Return the indicators among effects."""
    return [
        msgspec.json.decode(effect.value, type=Indicator) for effect in effects if effect.topic == channels.INDICATORS
    ]


def unit_scores(effects: Iterable[Effect]) -> list[UnitScores]:
    """Return the units' scores among effects."""
    return [
        msgspec.json.decode(effect.value, type=UnitScores)
        for effect in effects
        if effect.topic == channels.UNIT_SCORES and effect.headers != WATERMARK_HEADERS
    ]


def judged(effects: Iterable[Effect], topic: str = channels.JUDGED) -> list[Judged]:
    """Return the judged (or late) records among effects."""
    return [decode_judged(effect.value) for effect in effects if effect.topic == topic]


def counted(effects: Iterable[Effect], topic: str = channels.JUDGED) -> int:
    """Return how many rows were judged (or late)."""
    return sum(row_count(one) for one in judged(effects, topic))


def reasons(effects: Iterable[Effect]) -> list[str]:
    """Return the reasons of the dead letters among effects."""
    return [dict(effect.headers)["dl_reason"].decode() for effect in effects if effect.topic == channels.DEAD_LETTERS]


def promises(effects: Iterable[Effect], topic: str = channels.ANOMALIES) -> list[int]:
    """Return the watermarks that were passed on to district partition 0."""
    return [
        decode_watermark(effect.value).watermark
        for effect in effects
        if effect.topic == topic and effect.headers == WATERMARK_HEADERS and effect.partition == 0
    ]
