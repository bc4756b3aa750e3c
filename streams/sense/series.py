"""The series of one partition: what each is (from the registry), and its last reading, as arrays in blocks of 1,024."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.levels import LevelScale
from schemas.catalogue import Catalogue, Quantity
from schemas.envelope import gateway_urn
from schemas.ids import MODES, Mode
from schemas.refusals import Reason
from schemas.times import SECOND_NS
from streams.registry.view import RegistryView
from streams.sense.blocks import Block, decode_block, pack_array, unpack_array
from streams.sense.watch import Watch

BLOCK = 1_024
NEVER = -1  # last time of a series that has no reading yet
NO_ROW = -1
NO_CODE = -1  # no unit of measure given, or no owner
UNKNOWN_CODE = -2  # a text that no series has
HOT = np.dtype([("time", "<i8"), ("value", "<f8"), ("quality", "<f4"), ("run", "<u2"), ("watch", "<u2")])
# As it was saved at first, and before series were followed for rules.
OLDER = (
    np.dtype([("time", "<i8"), ("value", "<f8"), ("quality", "<f4")]),
    np.dtype([("time", "<i8"), ("value", "<f8"), ("quality", "<f4"), ("run", "<u2")]),
)
FACTS = np.dtype(  # ``Series`` as numbers, never saved; texts are codes of the table
    [
        ("since", "i8"), ("low", "f8"), ("high", "f8"), ("alarm", "f8"), ("sign", "f8"), ("resolution", "f8"),
        ("watch_over", "f8"), ("watch_under", "f8"), ("interval", "i8"), ("silent", "i8"), ("follow", "u2"),
        ("stuck_after", "i4"), ("unit", "i4"), ("owner", "i4"), ("measure", "i4"), ("quantity", "i2"), ("mode", "i1"),
        ("boolean", "?"), ("known", "?"), ("season", "?"),
    ]
)  # fmt: skip
Structured = NDArray[np.void]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Series:
    """What the registry and the catalogue say of ``<device_id>/<quantity>``."""

    name: str
    device_id: str
    quantity: Quantity
    scale: LevelScale | None
    unit_id: str
    mode: Mode
    owner: str | None  # the ``ce_source`` that alone may speak for it
    since_ns: int
    subject: str  # whose anomalies its limits raise
    interval_ns: int
    watch: tuple[float, float]  # over and under: beyond them it is followed for rules
    follow: int  # for so many good readings more


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name is no series here."""

    reason: Reason
    detail: str


class _Names(Block):
    names: list[str]


class SeriesTable:
    """Rows of hot state by series name; a row is never given away, so that blocks keep their places."""

    def __init__(self, catalogue: Catalogue, registry: RegistryView, watch: Watch) -> None:
        self._registry, self._watch = registry, watch
        self._seen_units = registry.unit_change
        self._quantities = catalogue.quantities
        self._numbers = {quantity: number for number, quantity in enumerate(catalogue.quantities)}
        self._scales = _scales_of(catalogue)
        self.quantity_ids = list(catalogue.quantities)
        self.rows: dict[str, int] = {}
        self.names: list[str] = []
        self.known: list[Series | None] = []  # by its newest registry record; None: must be looked up again
        self.hot = _empty_hot()
        self.facts = np.zeros(BLOCK, FACTS)
        self.codes: dict[str | None, int] = {None: NO_CODE}
        self._by_device: dict[str, list[int]] = {}
        self._seen_change = 0
        self._dirty: set[int] = set()
        self._saved_names = 0

    def sync_registry(self) -> None:
        """Forget what was known of the devices whose registry record has changed since the last call."""
        if self._registry.unit_change != self._seen_units:  # a unit's class decides what its series are followed for
            self._seen_units = self._registry.unit_change
            self.known = [None] * len(self.known)
            self.facts["known"] = False
        if self._registry.change == self._seen_change:
            return
        for device_id in self._registry.changed_since(self._seen_change):
            for row in self._by_device.get(device_id, ()):
                self.known[row] = None
                self.facts["known"][row] = False
        self._seen_change = self._registry.change

    def use_catalogue(self, catalogue: Catalogue, watch: Watch) -> None:
        """Judge by another catalogue from now on: what was known of every series is looked up anew."""
        self._quantities, self._watch = catalogue.quantities, watch
        self._numbers = {quantity: number for number, quantity in enumerate(catalogue.quantities)}
        self.quantity_ids = list(catalogue.quantities)
        self._scales = _scales_of(catalogue)
        self.known = [None] * len(self.known)
        self.facts["known"] = False

    def find(self, name: str, time_ns: int) -> tuple[int, Series] | Refusal:
        """Return the row of a series, made now if it is new, and what it was at ``time_ns``; or why there is none."""
        row = self.rows.get(name)
        series = self._newest(name) if row is None or self.known[row] is None else self.known[row]
        if series is None or time_ns < series.since_ns:
            found = self._describe(name, time_ns)
            if isinstance(found, Refusal):
                return found
            return self._append(name) if row is None else row, found
        return self._place(series), series

    def facts_of(self, series: Series) -> tuple[Any, ...]:
        """Return one row of ``facts``."""
        scale, quantity = series.scale, series.quantity
        return (
            series.since_ns,
            quantity.low,
            quantity.high,
            np.inf if scale is None else scale.limits[0],
            0.0 if scale is None else scale.sign,
            quantity.resolution,
            *series.watch,
            series.interval_ns,
            round(series.interval_ns * quantity.dead_after),
            series.follow,
            quantity.stuck_after or 0,
            self._code(series.unit_id),
            NO_CODE if series.owner is None else self._code(series.owner),
            self._code(quantity.unit),
            self._numbers[quantity.id],
            MODES.index(series.mode),
            quantity.boolean,
            True,
            quantity.season,
        )

    def refresh(self, row: int) -> None:
        """Look a series up again whose device's registry record has changed; one that is gone stays unknown."""
        series = self._newest(self.names[row])
        if series is not None:
            self._place(series)

    def any_of(self, unit_id: str, mode: Mode, quantity: str | None = None) -> Series | None:
        """Return the first known series of a unit and mode, of one quantity if asked; ``None`` if there is none."""
        for series in self.known:
            if (
                series is not None
                and (series.unit_id, series.mode) == (unit_id, mode)
                and quantity in (None, series.quantity.id)
            ):
                return series
        return None

    @staticmethod
    def mode_of(number: int) -> Mode:
        """Return the mode of a number in ``facts``."""
        return MODES[number]

    def touch(self, rows: NDArray[np.int64]) -> None:
        """Note that the hot state of ``rows`` has changed."""
        self._dirty.update((rows // BLOCK).tolist())

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield the blocks that changed: names where series were added, arrays where readings came."""
        if len(self.names) > self._saved_names:
            for number in range(self._saved_names // BLOCK, (len(self.names) - 1) // BLOCK + 1):
                part = self.names[number * BLOCK : (number + 1) * BLOCK]
                yield f"names/{number}", msgspec.msgpack.encode(_Names(names=part))
            self._saved_names = len(self.names)
        for number in sorted(self._dirty):
            yield f"hot/{number}", pack_array(self.hot[number * BLOCK : (number + 1) * BLOCK].tobytes())
        self._dirty.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one block that ``changed_blocks`` made; blocks of names in rising order, before those of arrays."""
        kind, _, number = name.partition("/")
        start = int(number) * BLOCK
        if kind == "names":
            if start != len(self.names):
                raise ValueError(f"the names before are {len(self.names)}, not {start}")
            for series in decode_block(name, payload, _Names).names:
                self._append(series)
            self._saved_names = len(self.names)
            return
        if not start < len(self.names):
            raise ValueError(f"it has no names; there are {len(self.names)}")
        self.hot[start : start + BLOCK] = _hot_of(name, payload)

    def _newest(self, name: str) -> Series | None:
        """Return the series by its device's newest record, or ``None``: an older one may still have it."""
        newest = self._registry.newest(name.partition("/")[0])
        found = None if newest is None else self._describe(name, newest[0])
        return found if isinstance(found, Series) else None

    def _describe(self, name: str, time_ns: int) -> Series | Refusal:
        device_id, _, quantity = name.partition("/")
        newest = self._registry.newest(device_id)
        if newest is None:
            return Refusal(Reason.UNKNOWN_DEVICE, f"device {device_id} is not in the registry; `vitals registry apply`")
        device = self._registry.device_at(device_id, time_ns)
        if device is None:
            return Refusal(Reason.UNKNOWN_DEVICE, f"device {device_id} was not in the registry at that time")
        entry = self._quantities.get(quantity)
        if entry is None:
            return Refusal(Reason.UNKNOWN_QUANTITY, f"quantity {quantity} is not in the catalogue")
        if quantity not in device.quantities:
            return Refusal(Reason.UNKNOWN_QUANTITY, f"device {device_id} is registered without quantity {quantity}")
        return Series(
            name=name,
            device_id=device_id,
            quantity=entry,
            scale=self._scales.get(quantity),
            unit_id=device.unit_id,
            mode=device.mode,
            owner=None if device.gateway_id is None else gateway_urn(device.gateway_id),
            since_ns=newest[0] if newest[1] is device else time_ns,
            subject=f"{device.mode}/{device.unit_id}/{name}",
            interval_ns=round(device.interval_s * SECOND_NS),
            watch=self._watch.bounds(quantity, self._registry.unit_at(device.unit_id, time_ns)),
            follow=self._watch.readings(device.interval_s),
        )

    def _place(self, series: Series) -> int:
        row = self.rows.get(series.name)
        if row is None:
            row = self._append(series.name)
        if self.known[row] is not series:
            self.known[row] = series
            self.facts[row] = self.facts_of(series)
        return row

    def _append(self, name: str) -> int:
        row = len(self.names)
        if row == len(self.hot):
            self.hot = np.concatenate((self.hot, *(_empty_hot() for _ in range(row // BLOCK))))
            self.facts = np.concatenate((self.facts, np.zeros(row, FACTS)))
        self.names.append(name)
        self.known.append(None)
        self.rows[name] = row
        self._by_device.setdefault(name.partition("/")[0], []).append(row)
        return row

    def _code(self, text: str) -> int:
        return self.codes.setdefault(text, len(self.codes))


def _scales_of(catalogue: Catalogue) -> dict[str, LevelScale]:
    return {
        q.id: LevelScale.of(q.levels.values(), q.levels.side, q.levels.hysteresis)
        for q in catalogue.quantities.values()
        if q.levels is not None and q.scenario is not None
    }


def _hot_of(name: str, payload: bytes) -> Structured:
    """Return a block's hot state; what one of an older form lacks begins anew."""
    size = (len(payload) - len(pack_array(b""))) / BLOCK
    form = next((older for older in OLDER if older.itemsize == size), HOT)
    old, hot = np.frombuffer(unpack_array(name, payload, form.itemsize, BLOCK), form), _empty_hot()
    for field in form.names or ():
        hot[field] = old[field]
    return hot


def _empty_hot() -> Structured:
    hot = np.zeros(BLOCK, HOT)
    hot["time"], hot["quality"] = NEVER, 1.0
    return hot
