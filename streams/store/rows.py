"""From records to points: what sense, alert and dispatch sent, as blocks for the database. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np

from schemas import channels
from schemas.alerts import Alert
from schemas.crowd import CrowdRow
from schemas.ids import COLOURS, Mode
from schemas.judged import Judged, ReadingColumns, row_count
from schemas.orders import Order
from schemas.reports import Report
from schemas.signs import Indicator
from schemas.times import SECOND_NS, parse_time
from schemas.video import CAMERA_HEALTH, VideoRow
from streams.store import points as p
from streams.store.line_protocol import Heads, check_point
from streams.store.points import Block, Bucket, Origin, Point, ReadingArrays, Refusal

_HEALTH = {word: float(place) for place, word in enumerate(CAMERA_HEALTH)}
_LEVEL = {colour: float(place) for place, colour in enumerate(COLOURS)}
_time_ns = lru_cache(maxsize=4_096)(parse_time)  # rows of one pack mostly share their time
_NO_COUNTS = (None, None, None, None)


class Limits(NamedTuple):
    """What is not sent: rows before ``oldest_ns``, and with ``keep_readings`` false all of the bucket ``readings``."""

    oldest_ns: int
    keep_readings: bool
    heads: Heads


class Rows(NamedTuple):
    """The rows of one judged record, sorted by where they end; ``total`` is all of them."""

    total: int
    blocks: list[Block]
    refused: list[Refusal]
    expired: int = 0
    skipped: int = 0


def judged_rows(judged: Judged, limits: Limits, append_ns: int = 0) -> Rows:
    """Return the points of a judged record, which was appended at ``append_ns``.

    Raises
    ------
    ValueError
        The columns do not fit together: the record is not what sense writes.
    """
    origin = Origin(judged.source, judged.partition, judged.offset, append_ns)
    total = row_count(judged)
    if judged.reports is None and not limits.keep_readings:
        return Rows(total, [], [], skipped=total)
    if judged.readings is not None:
        return _reading_rows(judged.readings, origin, limits)
    if judged.reports is not None:
        return _point_rows(zip(judged.modes, map(report_point, judged.reports), strict=True), origin, total, None)
    made = map(video_point, judged.video or ()) if judged.crowd is None else map(crowd_point, judged.crowd)
    return _point_rows(zip(judged.modes, made, strict=True), origin, total, limits.oldest_ns)


def _reading_rows(columns: ReadingColumns, origin: Origin, limits: Limits) -> Rows:
    arrays = _arrays(columns, limits.heads)
    n = len(arrays.time)
    fresh = arrays.time >= limits.oldest_ns
    good = np.isfinite(arrays.value) & np.isfinite(arrays.quality)
    if "" in arrays.heads:
        good &= np.array([head != "" for head in arrays.heads])[arrays.which]
    refused = [_refused_reading(arrays, int(i), origin) for i in np.flatnonzero(fresh & ~good)]
    keep = fresh & good
    kept = arrays if keep.all() else arrays.where(keep)
    expired = n - int(fresh.sum())
    modes = set(columns.modes)
    if len(modes) == 1:
        blocks = [Block(origin, Bucket(columns.modes[0], "readings"), kept, [])] if len(kept.time) else []
        return Rows(n, blocks, refused, expired)
    of_series = np.array(columns.modes)
    parts = [(mode, kept.where(of_series[kept.which] == mode)) for mode in sorted(modes)]
    blocks = [Block(origin, Bucket(mode, "readings"), part, []) for mode, part in parts if len(part.time)]
    return Rows(n, blocks, refused, expired)


def _arrays(columns: ReadingColumns, heads: Heads) -> ReadingArrays:
    index = np.frombuffer(columns.index, "<u2")
    time, value = np.frombuffer(columns.time, "<i8"), np.frombuffer(columns.value, "<f8")
    quality = np.frombuffer(columns.quality, "<f4")
    if not len(index) == len(time) == len(value) == len(quality):
        raise ValueError("reading columns are not of equal length")
    if len(columns.modes) != len(columns.series) or (len(index) and int(index.max()) >= len(columns.series)):
        raise ValueError("reading columns do not fit their series")
    return ReadingArrays(columns.series, heads.of(columns.series), index, time, value, quality)


def _refused_reading(arrays: ReadingArrays, i: int, origin: Origin) -> Refusal:
    name = arrays.series[int(arrays.which[i])]
    what = {"series": name, "value": str(arrays.value[i]), "time": int(arrays.time[i])}
    return Refusal(origin, msgspec.json.encode(what), "unknown quantity, no id, or not finite")


def _point_rows(moded: Iterable[tuple[Mode, Point]], origin: Origin, total: int, oldest_ns: int | None) -> Rows:
    by_mode: dict[Mode, list[Point]] = {}
    refused: list[Refusal] = []
    expired = 0
    for mode, point in moded:
        if oldest_ns is not None and point.time_ns < oldest_ns:
            expired += 1
            continue
        try:
            check_point(point)
        except ValueError as error:
            refused.append(Refusal(origin, repr(point).encode(), str(error)))
        else:
            by_mode.setdefault(mode, []).append(point)
    blocks = [Block(origin, Bucket(mode, made[0].measurement.kind), None, made) for mode, made in by_mode.items()]
    return Rows(total, blocks, refused, expired)


def crowd_point(row: CrowdRow) -> Point:
    """Return the point of one crowd row."""
    counts = (row.period_s, row.people_count, row.people_in, row.people_out)
    motion = (row.mean_speed_mps, row.speed_variance_m2s2, row.direction_deg)
    return Point(p.CROWD, (row.zone_id, row.source), (*counts, *motion), (), _time_ns(row.time))


def video_point(row: VideoRow) -> Point:
    """Return the point of one video row; ``health`` is its place in the list, 0 is ok."""
    c = row.counts
    counts = _NO_COUNTS if c is None else (c.person, c.vehicle, c.bicycle, c.ebike)
    return Point(p.VIDEO, (row.camera_id,), (*counts, _HEALTH[row.health]), (), _time_ns(row.time))


def report_point(report: Report) -> Point:
    """Return the point of one report, without its text."""
    return Point(p.REPORTS, (report.unit_id, report.category), (), (report.report_id,), _time_ns(report.time))


def indicator_point(indicator: Indicator) -> Point:
    """Return the point of an indicator in one window; a revision overwrites it."""
    i = indicator
    numbers = (i.value, i.score, _LEVEL[i.colour], i.n, i.coverage, i.revision)
    return Point(p.INDICATORS, (i.unit_id, i.indicator), numbers, (), _time_ns(i.window_start))


def alert_point(alert: Alert) -> Point:
    """Return the point of one version of an alert, at the time of what changed it."""
    tags = (alert.scenario, alert.colour, alert.unit_id)
    texts = (alert.alert_id, alert.state, alert.certainty)
    time_ns = parse_time(alert.sent) + nudge_ns(alert.alert_id, alert.version)
    return Point(p.ALERTS, tags, (alert.version, alert.count), texts, time_ns)


def order_point(order: Order) -> Point:
    """Return the point of one version of a case, at its last step; ``seconds`` is its age then."""
    opened = parse_time(order.opened)
    at = parse_time(order.steps[-1].time) if order.steps else opened
    numbers = (order.version, (at - opened) / SECOND_NS)
    tags = (order.scenario, order.step, order.unit_id)
    texts = (order.case_id, order.team_id, order.tier)
    return Point(p.ORDERS, tags, numbers, texts, at + nudge_ns(order.case_id, order.version))


def nudge_ns(name: str, version: int) -> int:
    """Return the ns, below 10 ms, that keep points of one time apart; the same on any machine."""
    return int.from_bytes(hashlib.blake2b(f"{name}|{version}".encode(), digest_size=8).digest()) % p.OFFSET_NS


_indicators = msgspec.json.Decoder(Indicator)
_alerts = msgspec.json.Decoder(Alert)
_orders = msgspec.json.Decoder(Order)


def _indicator(raw: bytes) -> tuple[Mode, Point]:
    event = _indicators.decode(raw)
    return event.mode, indicator_point(event)


def _alert(raw: bytes) -> tuple[Mode, Point]:
    event = _alerts.decode(raw)
    return event.mode, alert_point(event)


def _order(raw: bytes) -> tuple[Mode, Point]:
    event = _orders.decode(raw)
    return event.mode, order_point(event)


_EVENTS: dict[str, Callable[[bytes], tuple[Mode, Point]]] = {
    channels.INDICATORS: _indicator,
    channels.ALERTS: _alert,
    channels.ORDERS: _order,
}


def event_rows(raw: bytes, origin: Origin) -> Rows:
    """Return the point of an indicator, alert or order.

    Raises
    ------
    ValueError
        The value is no such event (msgspec's errors are among them).
    """
    return _point_rows([_EVENTS[origin.topic](raw)], origin, 1, None)
