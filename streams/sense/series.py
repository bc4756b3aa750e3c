"""The series of one partition: what each is (from the registry), and its last reading, as arrays in blocks of 1,024."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.levels import LevelScale
from schemas.catalogue import Catalogue, Quantity
from schemas.envelope import gateway_urn
from schemas.ids import Mode
from schemas.refusals import Reason
from streams.delivery.records import StateFormatError
from streams.registry.view import RegistryView

BLOCK = 1_024
NEVER = -1  # last time of a series that has no reading yet
HOT = np.dtype([("time", "<i8"), ("value", "<f8"), ("quality", "<f4")])  # 20 bytes a series


@dataclass(frozen=True, slots=True)
class Series:
    """What the registry and the catalogue say of ``<device_id>/<quantity>``."""

    name: str
    device_id: str
    quantity: Quantity
    scale: LevelScale | None
    unit_id: str
    zone_id: str | None
    mode: Mode
    owner: str | None  # the ``ce_source`` that alone may speak for it
    since_ns: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a name is no series here."""

    reason: Reason
    detail: str


class SeriesTable:
    """Rows of hot state by series name; a row is never given away, so that blocks keep their places."""

    def __init__(self, catalogue: Catalogue, registry: RegistryView) -> None:
        self._registry = registry
        self._quantities = catalogue.quantities
        self._scales = {
            q.id: LevelScale.of(q.levels.values(), q.levels.side, q.levels.hysteresis)
            for q in catalogue.quantities.values()
            if q.levels is not None and q.scenario is not None
        }
        self.rows: dict[str, int] = {}
        self.names: list[str] = []
        self.known: list[Series | None] = []  # None: must be looked up again
        self.hot = np.zeros(BLOCK, HOT)
        self.hot["time"], self.hot["quality"] = NEVER, 1.0
        self.low = np.full(BLOCK, -np.inf)
        self.high = np.full(BLOCK, np.inf)
        self._by_device: dict[str, list[int]] = {}
        self._seen_changes = 0
        self._dirty: set[int] = set()
        self._saved_names = 0

    def sync_registry(self) -> None:
        """Forget what was known of the devices whose registry record has changed since the last call."""
        changes = self._registry.changes
        for device_id in changes[self._seen_changes :]:
            for row in self._by_device.get(device_id, ()):
                self.known[row] = None
        self._seen_changes = len(changes)

    def find(self, name: str) -> int | Refusal:
        """Return the row of a series, made now if it is new, or why there is none."""
        row = self.rows.get(name)
        if row is not None and self.known[row] is not None:
            return row
        series = self._look_up(name)
        if isinstance(series, Refusal):
            return series
        return self._place(series)

    def at(self, name: str, time_ns: int) -> Series | Refusal:
        """Return the series as it was at a time before its newest registry record."""
        device_id, _, quantity = name.partition("/")
        return self._describe(device_id, quantity, name, time_ns)

    def touch(self, rows: NDArray[np.int64]) -> None:
        """Note that the hot state of ``rows`` has changed."""
        self._dirty.update(np.unique(rows // BLOCK).tolist())

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield the blocks that changed: names where series were added, arrays where readings came."""
        first = self._saved_names // BLOCK
        if len(self.names) > self._saved_names:
            for number in range(first, (len(self.names) - 1) // BLOCK + 1):
                part = self.names[number * BLOCK : (number + 1) * BLOCK]
                yield f"names/{number}", msgspec.msgpack.encode(part)
            self._saved_names = len(self.names)
        for number in sorted(self._dirty):
            yield f"hot/{number}", self.hot[number * BLOCK : (number + 1) * BLOCK].tobytes()
        self._dirty.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one block that ``changed_blocks`` made; blocks of names in rising order, before those of arrays."""
        kind, _, number = name.partition("/")
        start = int(number) * BLOCK
        if kind == "names":
            for series in msgspec.msgpack.decode(payload, type=list[str]):
                self._append(series)
            self._saved_names = len(self.names)
            return
        if len(payload) != BLOCK * HOT.itemsize:
            raise StateFormatError(f"block {name} has {len(payload)} bytes, not {BLOCK * HOT.itemsize}")
        self._grow(start + BLOCK)
        self.hot[start : start + BLOCK] = np.frombuffer(payload, HOT)

    def described(self, rows: Sequence[int]) -> list[Series]:
        """Return what is known of rows that ``find`` gave out."""
        found = [self.known[row] for row in rows]
        return [series for series in found if series is not None]

    def _look_up(self, name: str) -> Series | Refusal:
        device_id, _, quantity = name.partition("/")
        newest = self._registry.newest(device_id)
        if newest is None:
            return Refusal(Reason.UNKNOWN_DEVICE, f"device {device_id} is not in the registry; `vitals registry apply`")
        return self._describe(device_id, quantity, name, newest[0])

    def _describe(self, device_id: str, quantity: str, name: str, time_ns: int) -> Series | Refusal:
        device = self._registry.device_at(device_id, time_ns)
        if device is None:
            return Refusal(Reason.UNKNOWN_DEVICE, f"device {device_id} was not in the registry at that time")
        entry = self._quantities.get(quantity)
        if entry is None:
            return Refusal(Reason.UNKNOWN_QUANTITY, f"quantity {quantity} is not in the catalogue")
        if quantity not in device.quantities:
            return Refusal(Reason.UNKNOWN_QUANTITY, f"device {device_id} is registered without quantity {quantity}")
        newest = self._registry.newest(device_id)
        since = newest[0] if newest is not None and newest[1] is device else time_ns
        return Series(
            name=name,
            device_id=device_id,
            quantity=entry,
            scale=self._scales.get(quantity),
            unit_id=device.unit_id,
            zone_id=device.zone_id,
            mode=device.mode,
            owner=None if device.gateway_id is None else gateway_urn(device.gateway_id),
            since_ns=since,
        )

    def _place(self, series: Series) -> int:
        row = self.rows.get(series.name)
        if row is None:
            row = self._append(series.name)
        self.known[row] = series
        self.low[row], self.high[row] = series.quantity.low, series.quantity.high
        return row

    def _append(self, name: str) -> int:
        row = len(self.names)
        self._grow(row + 1)
        self.names.append(name)
        self.known.append(None)
        self.rows[name] = row
        self._by_device.setdefault(name.partition("/")[0], []).append(row)
        return row

    def _grow(self, rows: int) -> None:
        while len(self.hot) < rows:
            more = np.zeros(len(self.hot), HOT)
            more["time"], more["quality"] = NEVER, 1.0
            self.hot = np.concatenate((self.hot, more))
            self.low = np.concatenate((self.low, np.full(len(self.low), -np.inf)))
            self.high = np.concatenate((self.high, np.full(len(self.high), np.inf)))
