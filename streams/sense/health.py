"""What is wrong with the sensors themselves: stuck, out of their physical range, silent. Each is a thing of its own.

Silence is told by the readings' own watermark, at whole steps of event time: so it depends on the log of that topic
alone. A sensor is silent while others speak; where nobody does, nothing is known of anyone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec
import numpy as np

from schemas import channels
from schemas.anomalies import AnomalyKind, Evidence
from schemas.catalogue import Catalogue, Silence
from schemas.times import SECOND_NS, format_time
from streams.sense.anomalies import Finding, OpenAnomalies, Subject
from streams.sense.judging import Judging
from streams.sense.outbox import Outbox
from streams.sense.series import BoolArray, IntArray, Series, SeriesTable
from streams.sense.taking import Taken

SCENARIO = "sensor-fault"
STEP_NS = 10 * SECOND_NS  # how often silence is asked about
SUSPECT, TRUSTED = 0.5, 0.8  # quality below which a sensor is at fault, and from which it is trusted again
BLUE = 1.0  # nobody is in danger because a sensor is: a case for maintenance
LINK_OF = 3  # series of a unit, at least, that are silent together because their link is
STUCK, RANGE, SILENCE, LINK = "stuck", "out-of-range", "silence", "link"  # detectors


class Voices(msgspec.Struct, kw_only=True):
    """When anything was heard, ns of event time; -1: never."""

    newest_ns: int = -1
    resumed_ns: int = -1  # since when there are voices again: before, nobody is said to have been silent
    patience_ns: int = 0  # of the most talkative series: a gap of more than that is everybody's
    swept_ns: int = -1  # the step that was asked about last


class SensorHealth:
    """Follows the sensors of one partition; state is ``voices``, the series table and the open anomalies."""

    def __init__(self, catalogue: Catalogue, table: SeriesTable, anomalies: OpenAnomalies, partition: int) -> None:
        self._table, self._anomalies, self._partition = table, anomalies, partition
        self.use_catalogue(catalogue)
        self.voices = Voices()
        self._told = np.zeros(0, bool)  # by row: its silence needs no more words; never saved

    def use_catalogue(self, catalogue: Catalogue) -> None:
        """Judge by another catalogue from now on."""
        self._is_asked = SCENARIO in catalogue.scenarios
        self._silences = {q.id: q.silence for q in catalogue.quantities.values() if q.silence is not None}

    def hear(self, judging: Judging, rows: IntArray, times: IntArray, series: Iterable[Series], taken: Taken) -> None:
        """Take a pack's readings, of length n, after they were taken into the hot state; a backfill says nothing."""
        if judging.envelope.is_backfill or not self._is_asked or not len(rows):
            return
        newest = int(times.max())
        self._hear_at(newest, int(self._table.facts["silent"][rows].min()))
        self._told_of(int(rows.max()) + 1)[rows] = False
        on_time = taken.accepted & (times >= judging.watermark)
        hot, facts = self._table.hot[rows], self._table.facts[rows]
        stuck = (facts["stuck_after"] > 0) & (hot["run"] >= facts["stuck_after"])
        outside = ~taken.good & (hot["quality"] < SUSPECT)
        if not len(self._anomalies) and not (stuck | outside).any():
            return
        last = {row: place for place, row in enumerate(rows.tolist()) if on_time[place]}
        every = list(series)
        for row, i in last.items():
            found, quality = every[i], float(hot["quality"][i])
            at = self._finding(judging, found, int(times[i]), float(self._table.hot["value"][row]), quality)
            self._step(judging.outbox, found, STUCK, "stuck", at, bool(stuck[i]))
            self._step(judging.outbox, found, RANGE, "range", at, bool(outside[i]))
            if self._anomalies.is_open(SILENCE, found.subject):
                event = self._anomalies.step(_who(found, SILENCE, "dead"), at, found.quantity.clear_readings)
                if event is not None:
                    judging.outbox.anomaly(event)

    def sweep(self, watermark: int, outbox: Outbox) -> None:
        """Ask who has fallen silent, if a step has passed since it was asked last."""
        now = watermark - watermark % STEP_NS
        if not self._is_asked or now <= self.voices.swept_ns or self.voices.newest_ns < 0:
            return
        self.voices.swept_ns = now
        self._sweep_together(now, self._silent(now), outbox)

    def _hear_at(self, newest_ns: int, patience_ns: int) -> None:
        voices = self.voices
        if voices.patience_ns == 0 or patience_ns < voices.patience_ns:
            voices.patience_ns = patience_ns
        if voices.newest_ns < 0 or newest_ns - voices.newest_ns > voices.patience_ns:
            voices.resumed_ns = newest_ns
        voices.newest_ns = max(voices.newest_ns, newest_ns)

    def _silent(self, now: int) -> BoolArray:
        """Return which series of the table have said nothing for too long, though others have spoken since."""
        table, count = self._table, len(self._table.names)
        since = np.maximum(table.hot["time"][:count], self.voices.resumed_ns)
        spoke = table.hot["time"][:count] >= 0
        quiet = min(now, self.voices.newest_ns) - since
        # After a restart nothing is known of those that do not speak: some µs each, as if they had spoken.
        for row in np.flatnonzero(spoke & ~table.facts["known"][:count]).tolist():
            table.refresh(row)
        facts = table.facts[:count]
        return np.asarray(spoke & facts["known"] & (quiet > facts["silent"]))

    def _sweep_together(self, now: int, silent: BoolArray, outbox: Outbox) -> None:
        """Say what silence means: a link that is down, several meters of a unit without power, or a dead device."""
        table, count = self._table, len(silent)
        units = table.facts["unit"][:count]
        known = table.facts["known"][:count] & (table.hot["time"][:count] >= 0)
        everybody = np.bincount(units[known], minlength=1)
        mute = np.bincount(units[silent], minlength=len(everybody))
        is_down = (mute == everybody) & (mute >= LINK_OF)
        meters = self._silent_meters(silent)
        self._end_links(now, is_down, outbox)
        self._end_meters(now, meters, outbox)
        fresh = np.flatnonzero(silent & ~self._told_of(count)).tolist()
        explained: set[str] = set()
        for (_, _, quantity), of in sorted(meters.items()):
            silence = self._silences[quantity]
            if len({one.device_id for one in of}) >= silence.at_least:
                self._tell_meters(now, of, silence, outbox)
                explained |= {one.device_id for one in of}
        for row in fresh:
            series = table.known[row]
            if series is None:
                continue
            self._told[row] = True
            if is_down[units[row]]:
                self._tell_link(now, series, int(mute[units[row]]), outbox)
            elif series.device_id not in explained and not self._anomalies.is_open(SILENCE, series.subject):
                seconds = (now - int(table.hot["time"][row])) / SECOND_NS
                at = Finding(time_ns=now, severity=BLUE, relaxed=BLUE, value=seconds, quality=0.0, evidence=(), good=0)
                event = self._anomalies.step(_who(series, SILENCE, "dead"), at, series.quantity.clear_readings)
                if event is not None:
                    outbox.anomaly(event)

    def _told_of(self, count: int) -> BoolArray:
        """Return for each series whether its silence has been told, or explained; grown to ``count``."""
        if count > len(self._told):
            self._told = np.concatenate((self._told, np.zeros(2 * count - len(self._told), bool)))
        return self._told[:count]

    def _silent_meters(self, silent: BoolArray) -> dict[tuple[str, str, str], list[Series]]:
        """Return the silent series of quantities whose common silence means something, by mode, unit and quantity."""
        found: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
        numbers = [self._table.quantity_ids.index(quantity) for quantity in self._silences]
        rows = np.flatnonzero(silent & np.isin(self._table.facts["quantity"][: len(silent)], numbers))
        for row in rows.tolist():
            series = self._table.known[row]
            if series is not None:
                found[series.mode, series.unit_id, series.quantity.id].append(series)
        return found

    def _tell_link(self, now: int, one: Series, series: int, outbox: Outbox) -> None:
        who = _of_unit(one, LINK, SCENARIO, "gap")
        self._tell(who, now, BLUE, float(series), 0, outbox)

    def _end_links(self, now: int, is_down: BoolArray, outbox: Outbox) -> None:
        for unit_id, mode in self._anomalies.units_of(LINK):
            one, code = self._table.any_of(unit_id, mode), self._table.codes.get(unit_id, 0)
            if one is not None and not is_down[code]:
                self._tell(_of_unit(one, LINK, SCENARIO, "gap"), now, 0.0, 0.0, 2, outbox)
                self._ask_again(code)

    def _tell_meters(self, now: int, of: list[Series], silence: Silence, outbox: Outbox) -> None:
        who = _of_unit(of[0], f"silence:{of[0].quantity.id}", silence.scenario, "gap")
        self._tell(who, now, silence.score, float(len(of)), 0, outbox)

    def _end_meters(self, now: int, meters: dict[tuple[str, str, str], list[Series]], outbox: Outbox) -> None:
        for quantity, silence in sorted(self._silences.items()):
            for unit_id, mode in self._anomalies.units_of(f"silence:{quantity}"):
                still = {one.device_id for one in meters.get((mode, unit_id, quantity), ())}
                one = self._table.any_of(unit_id, mode, quantity)
                if len(still) < silence.at_least and one is not None:
                    who = _of_unit(one, f"silence:{quantity}", silence.scenario, "gap")
                    self._tell(who, now, 0.0, float(len(still)), 2, outbox)
                    self._ask_again(self._table.codes[unit_id])

    def _ask_again(self, unit: int) -> None:
        """Let the silence of a unit's series speak for itself, now that nothing explains it any more."""
        count = len(self._table.names)
        self._told_of(count)[self._table.facts["unit"][:count] == unit] = False

    def _tell(self, who: Subject, now: int, severity: float, value: float, good: int, outbox: Outbox) -> None:
        at = Finding(time_ns=now, severity=severity, relaxed=severity, value=value, quality=1.0, evidence=(), good=good)
        event = self._anomalies.step(who, at, 2)
        if event is not None:
            outbox.anomaly(event)

    def _step(
        self, outbox: Outbox, series: Series, detector: str, kind: AnomalyKind, at: Finding, is_wrong: bool
    ) -> None:
        if not is_wrong and not self._anomalies.is_open(detector, series.subject):
            return
        severity = BLUE if is_wrong else 0.0
        relaxed = BLUE if is_wrong or at.quality < TRUSTED else 0.0
        finding = msgspec.structs.replace(at, severity=severity, relaxed=relaxed)
        event = self._anomalies.step(_who(series, detector, kind), finding, series.quantity.clear_readings)
        if event is not None:
            outbox.anomaly(event)

    def _finding(self, judging: Judging, series: Series, time_ns: int, value: float, quality: float) -> Finding:
        evidence = Evidence(
            topic=channels.READINGS,
            partition=self._partition,
            offset=judging.record.offset,
            name=series.name,
            time=format_time(time_ns),
            value=value,
        )
        return Finding(time_ns=time_ns, severity=0.0, relaxed=0.0, value=value, quality=quality, evidence=(evidence,))


def _who(series: Series, detector: str, kind: AnomalyKind) -> Subject:
    return Subject(
        name=series.subject,
        unit_id=series.unit_id,
        subject=series.device_id,
        kind=kind,
        scenario=SCENARIO,
        detector=detector,
        mode=series.mode,
        quantity=series.quantity.id,
    )


def _of_unit(series: Series, detector: str, scenario: str, kind: AnomalyKind) -> Subject:
    return Subject(
        name=f"{series.mode}/{series.unit_id}/~",
        unit_id=series.unit_id,
        subject=series.unit_id,
        kind=kind,
        scenario=scenario,
        detector=detector,
        mode=series.mode,
    )
