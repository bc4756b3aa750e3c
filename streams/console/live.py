"""The district as it stands: a fold of records into the newest of everything, and what changed since it was last asked.

Reads   vitals.indicators, vitals.unit-scores, vitals.alerts, vitals.orders, vitals.registry.units
Writes  nothing
State   in memory only: the newest window and the last hour's scores of each unit and area, the newest version of each
        alert and case
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TypeVar

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.ids import Mode
from schemas.orders import Order
from schemas.registry import Unit
from schemas.signs import DOMAINS, Indicator, UnitScores
from schemas.times import SECOND_NS, format_time, parse_time
from schemas.watermarks import WATERMARK_TYPE
from streams.console.hour import MINUTE_S, Hours
from streams.console.ledger import Ledger
from streams.console.views import (
    Area,
    Clock,
    Gone,
    Picture,
    Place,
    Tile,
    UnitView,
    alert_card,
    area_of,
    case_card,
    is_over_alert,
    is_over_case,
    place_of,
    tile_of,
    window_end_ns,
)
from streams.delivery.records import Record

OVER_KEPT = 500  # closed cases, and cleared alerts
OVER_SHOWN = 60  # of them on the page
UNITS_KEPT = 20_000  # (mode, unit): many districts
ROLLED_UP = frozenset({*DOMAINS, "overall"})  # indicators of a tier's prefix, not of a unit
Key = tuple[Mode, str]
T = TypeVar("T")

_indicator = msgspec.json.Decoder(Indicator)
_unit_scores = msgspec.json.Decoder(UnitScores)
_alert = msgspec.json.Decoder(Alert)
_order = msgspec.json.Decoder(Order)
_unit = msgspec.json.Decoder(Unit)


class Live:
    """Live state of all that the page shows.

    Parameters
    ----------
    overall
        A unit's score from those of its domains.
    minute_ns
        How long a minute of the scores' hour is: shorter where a trial's windows are.
    """

    def __init__(
        self,
        overall: Callable[[Iterable[float]], float | None],
        over_kept: int = OVER_KEPT,
        minute_ns: int = round(MINUTE_S * SECOND_NS),
    ) -> None:
        self.alerts: Ledger[Alert] = Ledger(is_over_alert, over_kept)
        self.cases: Ledger[Order] = Ledger(is_over_case, over_kept)
        self.places: dict[str, Place] = {}
        self.clocks: dict[Mode, Clock] = {}
        self.caught_up = False
        self.unreadable = 0
        self.revision = 0  # rises with every change
        self._overall = overall
        self._scores: dict[Key, UnitScores] = {}
        self._indicators: dict[Key, dict[str, Indicator]] = {}
        self._areas: dict[Key, dict[str, Indicator]] = {}
        self._hours: defaultdict[Key, Hours] = defaultdict(lambda: Hours(minute_ns))
        self._changed: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self._gone: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._folds: dict[str, Callable[[Record], None]] = {
            channels.INDICATORS: self._fold_indicator,
            channels.UNIT_SCORES: self._fold_unit_scores,
            channels.ALERTS: self._fold_alert,
            channels.ORDERS: self._fold_order,
            channels.REGISTRY_UNITS: self._fold_unit,
        }

    def fold(self, records: Iterable[Record]) -> None:
        """Take records; one that cannot be read is counted and left out, watermarks are no news."""
        for record in records:
            if record.headers.get("ce_type") == WATERMARK_TYPE.encode():
                continue
            try:
                self._folds[record.topic](record)
            except (msgspec.MsgspecError, ValueError, UnicodeDecodeError):
                self.unreadable += 1
                self.revision += 1

    def set_caught_up(self) -> None:
        """Note that all that stood in the log at the start has been read."""
        if not self.caught_up:
            self.caught_up = True
            self.revision += 1

    def take_changes(self) -> Picture:
        """Return what has changed since the last call."""
        changed, self._changed = self._changed, defaultdict(dict)
        gone, self._gone = self._gone, defaultdict(dict)
        ids = {kind: [name for _, name in keys] for kind, keys in changed.items()}
        alerts = [alert for name in ids.get("alerts", ()) if (alert := self.alerts.get(name))]
        cases = [order for name in ids.get("cases", ()) if (order := self.cases.get(name))]
        return Picture(
            full=False,
            caught_up=self.caught_up,
            unreadable=self.unreadable,
            clocks=tuple(self.clocks[mode] for mode, _ in changed["clocks"]),
            areas=tuple(self._area(key) for key in changed["areas"] if key in self._areas),
            tiles=tuple(self._tile(key) for key in changed["tiles"] if key in self._scores),
            places=tuple(place for name in ids.get("places", ()) if (place := self.places.get(name))),
            alerts=tuple(map(alert_card, alerts)),
            cases=tuple(map(case_card, cases)),
            gone=Gone(**{kind: tuple(names) for kind, names in gone.items()}),
        )

    def snapshot(self) -> Picture:
        """Return all that the page shows: of what is over, the newest."""
        return Picture(
            full=True,
            caught_up=self.caught_up,
            unreadable=self.unreadable,
            clocks=tuple(self.clocks.values()),
            areas=tuple(self.areas()),
            tiles=tuple(self.tiles()),
            places=tuple(self.places.values()),
            alerts=tuple(map(alert_card, (*self.alerts.open.values(), *_newest(self.alerts.over)))),
            cases=tuple(map(case_card, (*self.cases.open.values(), *_newest(self.cases.over)))),
        )

    def areas(self) -> Iterable[Area]:
        """Yield the scores of every prefix, in every mode."""
        return map(self._area, self._areas)

    def tiles(self) -> Iterable[Tile]:
        """Yield every unit's tile, in every mode."""
        return map(self._tile, self._scores)

    def modes(self) -> tuple[Mode, ...]:
        """Return the modes with anything to show, the actual one first."""
        seen = {*self.clocks, *(one.mode for one in self.alerts.all()), *(one.mode for one in self.cases.all())}
        order: tuple[Mode, ...] = ("actual", "exercise", "test")
        return tuple(mode for mode in order if mode in seen)

    def unit(self, unit_id: str, mode: Mode) -> UnitView | None:
        """Return a unit's twin, or ``None`` where nothing is known of it."""
        key = (mode, unit_id)
        place, indicators = self.places.get(unit_id), self._indicators.get(key, {})
        alerts = [one for one in self.alerts.open.values() if (one.mode, one.unit_id) == key]
        cases = [one for one in self.cases.open.values() if (one.mode, one.unit_id) == key]
        if place is None and key not in self._scores and not indicators and not alerts and not cases:
            return None
        return UnitView(
            unit_id=unit_id,
            mode=mode,
            place=place,
            tile=self._tile(key) if key in self._scores else None,
            trends=self._hours[key].trends() if key in self._scores else {},
            hour=self._hours[key].past("overall") if key in self._scores else None,
            indicators=tuple(indicators[name] for name in sorted(indicators)),
            alerts=tuple(map(alert_card, alerts)),
            cases=tuple(map(case_card, cases)),
        )

    def _fold_indicator(self, record: Record) -> None:
        found = _indicator.decode(record.value)
        is_area = found.indicator in ROLLED_UP
        store = self._areas if is_area else self._indicators
        key = (found.mode, found.unit_id)
        known = store.setdefault(key, {})
        is_newer = _is_newer(found, known.get(found.indicator))
        if is_newer:
            known[found.indicator] = found
            self._observe(found)
        if is_area and (self._remember(key, found, {found.indicator: found.score}) or is_newer):
            self._change("areas", key)
        self._cut(store, "areas" if is_area else None)

    def _fold_unit_scores(self, record: Record) -> None:
        found = _unit_scores.decode(record.value)
        key = (found.mode, found.unit_id)
        is_newer = _is_newer(found, self._scores.get(key))
        if is_newer:
            self._scores[key] = found
            self._observe(found)
        overall = self._overall(found.scores.values())
        scores = {str(name): score for name, score in found.scores.items()}
        if overall is not None:
            scores["overall"] = overall
        if self._remember(key, found, scores) or is_newer:
            self._change("tiles", key)
        self._cut(self._scores, "tiles")

    def _remember(self, key: Key, found: Indicator | UnitScores, scores: Mapping[str, float]) -> bool:
        """Put scores of one window into their hours; say whether that changed any."""
        start_ns, hours = parse_time(found.window_start), self._hours[key]
        return sum(hours.put(name, start_ns, score, found.revision) for name, score in scores.items()) > 0

    def _fold_alert(self, record: Record) -> None:
        found = _alert.decode(record.value)
        gone = self.alerts.take(found.alert_id, found.version, found)
        if gone is not None:
            self._change("alerts", (found.mode, found.alert_id))
            self._forget("alerts", gone)

    def _fold_order(self, record: Record) -> None:
        found = _order.decode(record.value)
        gone = self.cases.take(found.case_id, found.version, found)
        if gone is not None:
            self._change("cases", (found.mode, found.case_id))
            self._forget("cases", gone)

    def _fold_unit(self, record: Record) -> None:
        if not record.value:  # a tombstone
            unit_id = (record.key or b"").decode()
            if self.places.pop(unit_id, None) is not None:
                self._forget("places", (unit_id,))
            return
        place = place_of(_unit.decode(record.value))
        self.places[place.unit_id] = place
        self._change("places", ("actual", place.unit_id))

    def _observe(self, found: Indicator | UnitScores) -> None:
        end = window_end_ns(found.window_start, found.window_s)
        clock = self.clocks.get(found.mode)
        if clock is None or end > parse_time(clock.window_end):
            self.clocks[found.mode] = Clock(mode=found.mode, window_end=format_time(end), window_s=found.window_s)
            self._change("clocks", (found.mode, ""))

    def _change(self, kind: str, key: Key) -> None:
        self._changed[kind][key] = None
        self.revision += 1

    def _forget(self, kind: str, names: Iterable[str]) -> None:
        self._gone[kind] |= dict.fromkeys(names)
        self.revision += 1

    def _cut(self, store: dict[Key, UnitScores] | dict[Key, dict[str, Indicator]], kind: str | None) -> None:
        for key in list(islice(store, max(0, len(store) - UNITS_KEPT))):
            del store[key]
            if kind is not None:
                self._hours.pop(key, None)
                self._forget(kind, ("/".join(key),))

    def _area(self, key: Key) -> Area:
        return area_of(self._areas[key], self._hours[key].trends())

    def _tile(self, key: Key) -> Tile:
        scores = self._scores[key]
        return tile_of(scores, self._overall(scores.scores.values()), self._hours[key].trend("overall"))


def _is_newer(found: Indicator | UnitScores, known: Indicator | UnitScores | None) -> bool:
    return known is None or _age(found) > _age(known)


def _age(one: Indicator | UnitScores) -> tuple[int, int]:
    return parse_time(one.window_start), one.revision


def _newest(over: dict[str, T]) -> Iterable[T]:
    return islice(reversed(over.values()), OVER_SHOWN)
