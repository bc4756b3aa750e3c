"""Judge a pack of readings: registry, measure, time, repeats, quality; then the limits, in order per series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import quality
from schemas.anomalies import Evidence
from schemas.envelope import Envelope
from schemas.ids import Mode
from schemas.judged import Judged, ReadingColumns
from schemas.refusals import Reason
from schemas.senml import Pack, decode_pack, pack_of_one
from schemas.times import SECOND_NS, format_time
from streams.delivery.records import Record
from streams.sense.anomalies import Finding, OpenAnomalies, Subject
from streams.sense.outbox import Outbox
from streams.sense.series import Refusal, Series, SeriesTable
from streams.sense.windows import Aggregate, Cell, SeriesWindow, Windows

FUTURE_NS = 300 * SECOND_NS
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """What became of the rows of one record."""

    rows: int = 0
    judged: int = 0
    late: int = 0
    dead: int = 0
    duplicate: int = 0
    newest_ns: int | None = None  # event time of the newest accepted row


@dataclass(frozen=True, slots=True)
class Times:
    """What a record's rows are held against."""

    watermark: int  # of the record's own topic-partition, before the record
    grace_ns: int
    append_ns: int
    is_backfill: bool

    def is_future(self, time_ns: int) -> bool:
        """Whether a row is more than 5 minutes ahead of its record."""
        return time_ns > self.append_ns + FUTURE_NS

    def is_too_late(self, time_ns: int) -> bool:
        """Whether a row came after the grace period; a backfill never does."""
        return time_ns < self.watermark - self.grace_ns and not self.is_backfill

    def is_on_time(self, time_ns: int) -> bool:
        """Whether a row may raise and clear."""
        return time_ns >= self.watermark and not self.is_backfill


@dataclass(frozen=True, slots=True)
class Candidates:
    """Readings of a pack that are of known series, in pack order."""

    at: list[int]  # place in ``pack``
    rows: list[int]
    series: list[Series]


class ReadingsJudge:
    """Judges packs of one partition; state is the series table, the windows and the open anomalies."""

    def __init__(
        self, table: SeriesTable, windows: list[Windows], anomalies: OpenAnomalies, rule_quantities: frozenset[str]
    ) -> None:
        self._table, self._windows, self._anomalies = table, windows, anomalies
        self._rule_quantities = rule_quantities

    def judge(self, record: Record, envelope: Envelope, unit_id: str, times: Times, outbox: Outbox) -> tuple[Tally, Judged | None]:
        """Judge one pack; ``RefusedError`` if it is refused as a whole."""
        base_ns = record.append_ns if envelope.time_ns is None else envelope.time_ns
        pack = decode_pack(record.value, base_ns)
        tally = Tally(rows=len(pack.names) + len(pack.bad))
        for bad in pack.bad:
            self._refuse(record, outbox, tally, bad.reason, bad.detail, bad.index, bad.value)
        known = self._candidates(record, envelope, unit_id, pack, times, outbox, tally)
        if not known.at:
            return tally, None
        return tally, self._accept(record, unit_id, pack, known, times, outbox, tally)

    def _candidates(
        self, record: Record, envelope: Envelope, unit_id: str, pack: Pack, times: Times, outbox: Outbox, tally: Tally
    ) -> Candidates:
        found = Candidates([], [], [])
        for at, name in enumerate(pack.names):
            row = self._table.find(name)
            series: Series | Refusal = row if isinstance(row, Refusal) else self._table.described([row])[0]
            if isinstance(series, Series) and pack.times[at] < series.since_ns:
                series = self._table.at(name, pack.times[at])
            fault = series if isinstance(series, Refusal) else _fault(series, envelope, unit_id, pack, at, times)
            if fault is not None:
                one = pack_of_one(name, pack.units[at], pack.times[at], _value(pack, at))
                self._refuse(record, outbox, tally, fault.reason, fault.detail, pack.index[at], one)
            elif isinstance(row, int) and isinstance(series, Series):
                found.at.append(at)
                found.rows.append(row)
                found.series.append(series)
        return found

    def _accept(
        self, record: Record, unit_id: str, pack: Pack, known: Candidates, times: Times, outbox: Outbox, tally: Tally
    ) -> Judged | None:
        n = len(known.at)
        rows = np.array(known.rows, np.int64)
        when = np.array([pack.times[at] for at in known.at], np.int64)
        values = np.array([pack.values[at] for at in known.at])
        grades = np.zeros(n, np.float32)
        accepted = np.zeros(n, bool)
        for turn in _turns(known.rows):
            accepted[turn], grades[turn] = self._turn(record, pack, known, turn, rows, when, values, times, outbox, tally)
        too_late = accepted & np.array([times.is_too_late(int(t)) for t in when])
        if too_late.any():
            tally.late += int(too_late.sum())
            places = np.flatnonzero(too_late)
            outbox.late(_judged(record, unit_id, _columns(known, places, when, values, grades), times))
            accepted &= ~too_late
        places = np.flatnonzero(accepted)
        if not len(places):
            return None
        tally.judged += len(places)
        tally.newest_ns = int(when[places].max())
        self._add_to_windows(record, unit_id, known, places, when, values, grades, times)
        return _judged(record, unit_id, _columns(known, places, when, values, grades), times)

    def _turn(
        self,
        record: Record,
        pack: Pack,
        known: Candidates,
        turn: IntArray,
        all_rows: IntArray,
        all_times: IntArray,
        all_values: FloatArray,
        times: Times,
        outbox: Outbox,
        tally: Tally,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Take readings of which no two are of one series; return which are accepted, and their quality."""
        rows, when, values = all_rows[turn], all_times[turn], all_values[turn]
        hot = self._table.hot
        same = hot["time"][rows] == when
        equal = same & (hot["value"][rows] == values)
        accepted = ~same
        tally.duplicate += int(equal.sum())
        for i in np.flatnonzero(same & ~equal):
            at = known.at[turn[i]]
            one = pack_of_one(pack.names[at], pack.units[at], pack.times[at], _value(pack, at))
            detail = f"{pack.names[at]}: another value at the same time: {hot['value'][rows[i]]} before"
            self._refuse(record, outbox, tally, Reason.CONFLICT, detail, pack.index[at], one)
        good = quality.in_range(values, self._table.low[rows], self._table.high[rows])
        newer = accepted & (when > hot["time"][rows])
        fresh = rows[newer]
        hot["quality"][fresh] = quality.learn(hot["quality"][fresh], good[newer])
        hot["time"][fresh], hot["value"][fresh] = when[newer], values[newer]
        self._table.touch(fresh)
        for i in np.flatnonzero(accepted & good):
            series = known.series[turn[i]]
            if series.scale is not None and times.is_on_time(int(when[i])):
                self._limit(record, series, int(when[i]), float(values[i]), float(hot["quality"][rows[i]]), outbox)
        return accepted, np.where(good, hot["quality"][rows], np.float32(0.0))

    def _limit(self, record: Record, series: Series, time_ns: int, value: float, grade: float, outbox: Outbox) -> None:
        assert series.scale is not None
        severity = series.scale.one(value)
        if severity == 0.0 and not self._anomalies.is_open("limit", series.name):
            return
        evidence = Evidence(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            name=series.name,
            time=format_time(time_ns),
            value=value,
        )
        who = Subject(
            name=series.name,
            unit_id=series.unit_id,
            subject=series.device_id,
            kind="range",
            scenario=series.quantity.scenario,
            detector="limit",
            mode=series.mode,
            quantity=series.quantity.id,
        )
        finding = Finding(
            time_ns=time_ns,
            severity=severity,
            relaxed=series.scale.one(value, relaxed=True),
            value=value,
            quality=min(1.0, grade),
            evidence=(evidence,),
        )
        event = self._anomalies.step(who, finding, series.quantity.clear_readings)
        if event is not None:
            outbox.anomaly(event)

    def _add_to_windows(
        self,
        record: Record,
        unit_id: str,
        known: Candidates,
        places: IntArray,
        when: IntArray,
        values: FloatArray,
        grades: NDArray[np.float32],
        times: Times,
    ) -> None:
        groups: dict[tuple[str, Mode], list[int]] = {}
        for i in places.tolist():
            if grades[i] > 0 and int(when[i]) >= times.watermark - times.grace_ns:
                series = known.series[i]
                groups.setdefault((series.quantity.id, series.mode), []).append(i)
        for windows in self._windows:
            for (quantity, mode), members in groups.items():
                for start in {int(when[i]) // windows.length_ns for i in members}:
                    inside = [i for i in members if int(when[i]) // windows.length_ns == start]
                    cell = windows.cell(unit_id, mode, start * windows.length_ns)
                    _add(cell, quantity, inside, known, when, values)
                    if quantity in self._rule_quantities:
                        self._add_series(cell, inside, known, when, values, grades, times, record.offset)

    @staticmethod
    def _add_series(
        cell: Cell,
        inside: list[int],
        known: Candidates,
        when: IntArray,
        values: FloatArray,
        grades: NDArray[np.float32],
        times: Times,
        offset: int,
    ) -> None:
        for i in inside:
            time_ns, value, grade = int(when[i]), float(values[i]), float(grades[i])
            if not times.is_on_time(time_ns):
                continue
            seen = cell.series.get(known.series[i].name)
            if seen is None:
                cell.series[known.series[i].name] = SeriesWindow(time_ns, value, time_ns, value, grade, offset)
            else:
                seen.add(time_ns, value, grade, offset)

    @staticmethod
    def _refuse(
        record: Record, outbox: Outbox, tally: Tally, reason: Reason, detail: str, index: int, value: bytes
    ) -> None:
        tally.dead += 1
        outbox.dead(record, reason, detail, index, value)


def _fault(series: Series, envelope: Envelope, unit_id: str, pack: Pack, at: int, times: Times) -> Refusal | None:
    if series.unit_id != unit_id:
        return Refusal(Reason.UNKNOWN_DEVICE, f"device {series.device_id} is of unit {series.unit_id}, not {unit_id}")
    if series.owner is not None and envelope.source is not None and envelope.source != series.owner:
        return Refusal(Reason.NOT_OWNER, f"device {series.device_id} is {series.owner}'s, not {envelope.source}'s")
    unit = pack.units[at]
    if unit is not None and unit != series.quantity.unit:
        detail = f"{series.quantity.id} is measured in {series.quantity.unit}, not {unit[:40]}"
        return Refusal(Reason.WRONG_MEASURE, detail)
    if pack.booleans[at] != series.quantity.boolean:
        needed = "vb (true or false)" if series.quantity.boolean else "v (a number)"
        return Refusal(Reason.WRONG_MEASURE, f"{series.quantity.id} must come as {needed}")
    if times.is_future(pack.times[at]):
        return Refusal(Reason.FUTURE, f"{format_time(pack.times[at])} is more than 5 min ahead of its record")
    return None


def _value(pack: Pack, at: int) -> float | bool:
    return bool(pack.values[at]) if pack.booleans[at] else pack.values[at]


def _turns(rows: list[int]) -> list[IntArray]:
    """Return places of ``rows`` in turns: no series twice in one, each series' readings in their order."""
    if len(set(rows)) == len(rows):
        return [np.arange(len(rows))]
    seen: dict[int, int] = {}
    turns: list[list[int]] = []
    for place, row in enumerate(rows):
        turn = seen.get(row, 0)
        seen[row] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(place)
    return [np.array(turn, np.int64) for turn in turns]


def _add(
    cell: Cell, quantity: str, inside: list[int], known: Candidates, when: IntArray, values: FloatArray
) -> None:
    found = [(float(values[i]), known.series[i].name, int(when[i])) for i in inside]
    high = max(value for value, _, _ in found)
    low = min(found)
    cell.quantities.setdefault(quantity, Aggregate()).add(
        len(found),
        sum(value for value, _, _ in found),
        (low[0], low[1]),
        (high, min(name for value, name, _ in found if value == high)),
        max((time_ns, value) for value, _, time_ns in found),
    )


def _columns(
    known: Candidates, places: IntArray, when: IntArray, values: FloatArray, grades: NDArray[np.float32]
) -> ReadingColumns:
    numbers: dict[str, int] = {}
    modes: list[Mode] = []
    index = np.empty(len(places), "<u2")
    for k, i in enumerate(places.tolist()):
        series = known.series[i]
        number = numbers.get(series.name)
        if number is None:
            number = numbers[series.name] = len(numbers)
            modes.append(series.mode)
        index[k] = number
    return ReadingColumns(
        series=tuple(numbers),
        modes=tuple(modes),
        index=index.tobytes(),
        time=when[places].astype("<i8").tobytes(),
        value=values[places].astype("<f8").tobytes(),
        quality=grades[places].astype("<f4").tobytes(),
    )


def _judged(record: Record, unit_id: str, columns: ReadingColumns, times: Times) -> Judged:
    return Judged(
        source=record.topic,
        partition=record.partition,
        offset=record.offset,
        unit_id=unit_id,
        total=0,
        backfill=times.is_backfill,
        readings=columns,
    )
