"""Judge a pack of readings: registry, measure, time, repeats, quality; then the limits, in order per series.

A pack is judged as columns. What stands out (unknown, at fault, repeated) is looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.anomalies import Evidence
from schemas.catalogue import DISTANCE
from schemas.ids import MODES
from schemas.judged import Judged, ReadingColumns
from schemas.refusals import Reason
from schemas.senml import Pack, decode_pack, pack_of_one
from schemas.times import SECOND_NS, format_time
from streams.sense.anomalies import Finding, OpenAnomalies, Subject
from streams.sense.following import Follower, Readings
from streams.sense.gathering import Gatherer
from streams.sense.health import SensorHealth
from streams.sense.judging import Judging
from streams.sense.season import Seasons
from streams.sense.series import NO_CODE, NO_ROW, UNKNOWN_CODE, Refusal, Series, SeriesTable, Structured
from streams.sense.taking import take

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings of known series, in pack order; all of length n."""

    pack: Pack
    at: IntArray  # place in ``pack``
    names: list[str]
    rows: IntArray
    times: IntArray
    values: FloatArray
    facts: Structured  # as the series was at the reading's time
    older: dict[int, Series]  # place in ``pack`` -> series by another than its newest registry record

    def only(self, places: IntArray) -> Columns:
        """Return the readings at these places."""
        if len(places) == len(self.at):
            return self
        names = [self.names[i] for i in places.tolist()]
        rest = (self.rows[places], self.times[places], self.values[places], self.facts[places])
        return Columns(self.pack, self.at[places], names, *rest, self.older)


class ReadingsJudge:
    """Judges packs of one partition; state is the series table, the windows and the open anomalies."""

    def __init__(
        self,
        table: SeriesTable,
        anomalies: OpenAnomalies,
        *,
        gatherer: Gatherer,
        follower: Follower,
        health: SensorHealth,
        seasons: Seasons,
    ) -> None:
        self._table, self._anomalies = table, anomalies
        self._gatherer, self._follower, self._health, self._seasons = gatherer, follower, health, seasons

    def judge(self, judging: Judging) -> Judged | None:
        """Judge one pack; ``RefusedError`` if it is refused as a whole."""
        pack = decode_pack(judging.record.value, judging.base_ns)
        judging.tally.rows = len(pack.names) + len(pack.bad)
        for bad in pack.bad:
            judging.refuse(bad.reason, bad.detail, bad.index, bad.value)
        found = self._known(judging, pack) if pack.names else None
        if found is None or not len(found.at):
            return None
        too_late = np.zeros(len(found.at), bool)
        if not judging.envelope.is_backfill:
            too_late = found.times < judging.oldest_ns
        before = self._table.hot[found.rows]
        taken = take(self._table, found.rows, found.times, found.values, found.facts, too_late)
        judging.tally.duplicate += len(taken.duplicates)
        for i in taken.conflicts:
            self._refuse_conflict(judging, found, i)
        self._limits(judging, found, taken.accepted & taken.good & ~too_late, taken.grades)
        self._health.hear(judging, found.rows, found.times, self._every(found), taken)
        if too_late.any():
            places = np.flatnonzero(taken.accepted & too_late)
            if len(places):
                late = judging.judged(readings=_packed(found.only(places), taken.grades[places]))
                judging.set_aside(late, len(places))
        places = np.flatnonzero(taken.accepted & ~too_late)
        if not len(places):
            return None
        found, grades = found.only(places), taken.grades[places]
        judging.take(len(places), int(found.times.max()))
        self._gatherer.gather(judging, found.names, found.times, found.values, grades, found.facts)
        self._follow(judging, found, grades, before[places])
        return judging.judged(readings=_packed(found, grades))

    def _known(self, judging: Judging, pack: Pack) -> Columns:
        """Return the readings that are of known series and not at fault."""
        table = self._table
        times = np.array(pack.times, np.int64)
        row_of = table.rows.get
        rows = np.array([row_of(name, NO_ROW) for name in pack.names], np.int64)
        facts = table.facts.take(rows)
        keep = np.ones(len(rows), bool)
        older: dict[int, Series] = {}
        for i in np.flatnonzero((rows == NO_ROW) | ~facts["known"] | (times < facts["since"])).tolist():
            series = table.find(pack.names[i], pack.times[i])
            if isinstance(series, Refusal):
                keep[i] = False
                _refuse(judging, pack, i, series)
            else:
                rows[i], older[i] = series
                facts[i] = table.facts_of(older[i])
        suspects = keep & self._suspects(judging, pack, times, facts)
        for i in np.flatnonzero(suspects).tolist():
            fault = _fault(self._series(older, i, rows[i]), judging, pack, i)
            if fault is not None:
                keep[i] = False
                _refuse(judging, pack, i, fault)
        found = Columns(pack, np.arange(len(rows)), pack.names, rows, times, np.array(pack.values), facts, older)
        return found.only(np.flatnonzero(keep))

    def _suspects(self, judging: Judging, pack: Pack, times: IntArray, facts: Structured) -> BoolArray:
        """Return where something does not fit; ``_fault`` says what."""
        codes = self._table.codes
        suspects: BoolArray = facts["unit"] != codes.get(judging.unit_id, UNKNOWN_CODE)
        suspects |= facts["boolean"] != np.array(pack.booleans)
        suspects |= times > judging.latest_ns
        if pack.units.count(None) < len(pack.units):
            given = np.array([codes.get(unit, UNKNOWN_CODE) for unit in pack.units])
            suspects |= (given != NO_CODE) & (given != facts["measure"])
        if judging.envelope.source is not None:
            source = codes.get(judging.envelope.source, UNKNOWN_CODE)
            suspects |= (facts["owner"] != NO_CODE) & (facts["owner"] != source)
        return suspects

    def _series(self, older: dict[int, Series], at: int, row: int) -> Series:
        series = older.get(at) or self._table.known[row]
        assert series is not None, "rows are given out for known series only"
        return series

    def _follow(self, judging: Judging, found: Columns, grades: NDArray[np.float32], before: Structured) -> None:
        """Follow what rules look at: series that are beyond a limit, and distances from a season."""
        good = np.flatnonzero(grades > 0.0)
        of = found.only(good)
        met = before if len(good) == len(before) else before[good]
        of_good = Readings(of.names, of.rows, of.times, of.values, grades[good], of.facts, met)
        self._follower.follow(judging, of_good)
        seasonal = np.flatnonzero(of.facts["season"])
        if len(seasonal):
            some = of.only(seasonal)
            distances = self._seasons.distances(some.names, some.times, some.values, some.facts["resolution"])
            for i, distance in enumerate(distances.tolist()):
                name, mode = some.names[i] + DISTANCE, MODES[int(some.facts["mode"][i])]
                grade = float(of_good.grades[seasonal[i]])
                self._follower.follow_distance(judging, name, int(some.times[i]), distance, grade, mode)

    def _every(self, found: Columns) -> Iterator[Series]:
        return (
            self._series(found.older, at, row) for at, row in zip(found.at.tolist(), found.rows.tolist(), strict=True)
        )

    def _limits(self, judging: Judging, found: Columns, well: BoolArray, grades: NDArray[np.float32]) -> None:
        """Hold what is on time and well against the limits of its quantity, in pack order."""
        if judging.envelope.is_backfill:
            return
        alarm = found.facts["alarm"]
        limited = well & (alarm < np.inf) & (found.times >= judging.watermark)
        over = limited & (found.facts["sign"] * found.values >= alarm)
        if not len(self._anomalies) and not over.any():
            return
        for i in np.flatnonzero(limited).tolist():
            series = self._series(found.older, int(found.at[i]), int(found.rows[i]))
            if over[i] or self._anomalies.is_open("limit", series.subject):
                self._limit(judging, series, int(found.times[i]), float(found.values[i]), float(grades[i]))

    def _limit(self, judging: Judging, series: Series, time_ns: int, value: float, grade: float) -> None:
        assert series.scale is not None
        record = judging.record
        evidence = Evidence(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            name=series.name,
            time=format_time(time_ns),
            value=value,
        )
        who = Subject(
            name=series.subject,
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
            severity=series.scale.one(value),
            relaxed=series.scale.one(value, relaxed=True),
            value=value,
            quality=grade,
            evidence=(evidence,),
        )
        event = self._anomalies.step(who, finding, series.quantity.clear_readings)
        if event is not None:
            judging.outbox.anomaly(event)

    def _refuse_conflict(self, judging: Judging, found: Columns, i: int) -> None:
        at = int(found.at[i])
        detail = f"{found.names[i]}: another value at the same time: {self._table.hot['value'][found.rows[i]]} before"
        _refuse(judging, found.pack, at, Refusal(Reason.CONFLICT, detail))


def count_readings(judging: Judging) -> int:
    """Return how many readings a pack holds; ``RefusedError`` if it is refused as a whole."""
    pack = decode_pack(judging.record.value, judging.base_ns)
    return len(pack.names) + len(pack.bad)


def _refuse(judging: Judging, pack: Pack, at: int, why: Refusal) -> None:
    judging.refuse(why.reason, why.detail, pack.index[at], _alone(judging, pack, at))


def _alone(judging: Judging, pack: Pack, at: int) -> bytes:
    """Return a pack of one reading."""
    name, unit, time_ns = pack.names[at], pack.units[at], pack.times[at]
    value = bool(pack.values[at]) if pack.booleans[at] else pack.values[at]
    try:
        return pack_of_one(name, unit, time_ns, value)
    except ValueError:  # before 1978-07-04: SenML knows such times only relative to those of the record
        one = {"n": name, "t": (time_ns - judging.base_ns) / SECOND_NS, "vb" if pack.booleans[at] else "v": value}
        return msgspec.json.encode([one if unit is None else {**one, "u": unit}])


def _fault(series: Series, judging: Judging, pack: Pack, at: int) -> Refusal | None:
    source, unit_id, unit = judging.envelope.source, judging.unit_id, pack.units[at]
    if series.unit_id != unit_id:
        return Refusal(Reason.UNKNOWN_DEVICE, f"device {series.device_id} is of unit {series.unit_id}, not {unit_id}")
    if series.owner is not None and source is not None and source != series.owner:
        return Refusal(Reason.NOT_OWNER, f"device {series.device_id} is {series.owner}'s, not {source[:100]}'s")
    if unit is not None and unit != series.quantity.unit:
        detail = f"{series.quantity.id} is measured in {series.quantity.unit}, not {unit[:40]}"
        return Refusal(Reason.WRONG_MEASURE, detail)
    if pack.booleans[at] != series.quantity.boolean:
        needed = "vb (true or false)" if series.quantity.boolean else "v (a number)"
        return Refusal(Reason.WRONG_MEASURE, f"{series.quantity.id} must come as {needed}")
    if pack.times[at] > judging.latest_ns:
        return Refusal(Reason.FUTURE, f"{format_time(pack.times[at])} is more than 5 min ahead of its record")
    return None


def _packed(found: Columns, grades: NDArray[np.float32]) -> ReadingColumns:
    modes = [MODES[mode] for mode in found.facts["mode"].tolist()]
    series, index = tuple(found.names), np.arange(len(modes), dtype="<u2")
    if len(set(series)) < len(series):  # a series may even have two modes: its device's changed in between
        both = list(zip(series, modes, strict=True))
        numbers = {one: number for number, one in enumerate(dict.fromkeys(both))}
        index = np.array([numbers[one] for one in both], "<u2")
        series, modes = tuple(name for name, _ in numbers), [mode for _, mode in numbers]
    return ReadingColumns(
        series=series,
        modes=tuple(modes),
        index=index.tobytes(),
        time=found.times.astype("<i8").tobytes(),
        value=found.values.astype("<f8").tobytes(),
        quality=grades.astype("<f4").tobytes(),
    )
