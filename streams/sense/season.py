"""How far a reading lies from what its series does at this hour of this kind of day: followed as ``<series>~z``.

An hour's mean is learned once, when the hour is over, so that an anomaly of minutes does not teach itself and a series
may report as often as it likes. State is 208 bytes a series that change once an hour, and the running hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.seasonal_level import SeasonalLevel, SeasonalLevelState, bins_of
from schemas.times import HOUR_NS, SHANGHAI_NS
from streams.sense.blocks import Block, decode_block

BLOCK = "season"
SIZE = 64  # series a block
RUNNING = np.dtype([("hour", "<i8"), ("total", "<f8"), ("n", "<u4")])
NO_HOUR = -1
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_LEVEL = SeasonalLevel()
_ARRAYS = [field.name for field in fields(SeasonalLevelState)]


class _Saved(Block):
    names: list[str]
    running: bytes
    arrays: dict[str, bytes]


class Seasons:
    """The seasons of one partition's series of quantities that have one."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self._state = SeasonalLevelState.empty(SIZE)
        self._running = _no_hours()
        self._dirty: set[int] = set()

    def distances(self, names: list[str], times: IntArray, values: FloatArray, resolution: FloatArray) -> FloatArray:
        """Return how far each reading lies from its season, in scales, and learn the hours that have ended.

        Parameters
        ----------
        names
            Of length n; a series may come more than once.
        times, values, resolution
            int64 ns and float64 (n,), in the order of the log; older ones than the running hour teach nothing.

        Returns
        -------
        float64 (n,); 0 until a series has been learned for 96 hours, and in an hour of the week never seen.
        """
        rows = np.array([self._row(name) for name in names], np.int64)
        found = np.zeros(len(rows))
        left = np.arange(len(rows))
        while len(left):  # one reading of each series at a time
            _, first = np.unique(rows[left], return_index=True)
            now = left[np.sort(first)]
            found[now] = self._step(rows[now], times[now], values[now], resolution[now])
            left = np.setdiff1d(left, now, assume_unique=True)
        self._dirty.update((rows // SIZE).tolist())
        return found

    def _step(self, rows: IntArray, times: IntArray, values: FloatArray, resolution: FloatArray) -> FloatArray:
        state, running = self._state, self._running
        hours = (times + SHANGHAI_NS) // HOUR_NS
        ended = (running["n"][rows] > 0) & (hours > running["hour"][rows])
        if ended.any():
            over = rows[ended]
            means = running["total"][over] / running["n"][over]
            bins = bins_of(running["hour"][over] * HOUR_NS)
            _LEVEL.step(state, over, means, bins, resolution[ended], np.zeros(len(over), bool))
        begun = ended | (running["n"][rows] == 0)
        running["hour"][rows[begun]], running["total"][rows[begun]], running["n"][rows[begun]] = hours[begun], 0.0, 0
        same = hours == running["hour"][rows]
        running["total"][rows[same]] += values[same]
        running["n"][rows[same]] += 1
        bins = bins_of(hours * HOUR_NS)
        expected = _LEVEL.expect(state, rows, bins, resolution, np.zeros(len(rows), bool))
        is_known = (state.count[rows].sum(axis=1) >= _LEVEL.warmup) & ~expected.is_new
        distance = (values - np.where(expected.is_new, 0.0, expected.season)) / expected.scale
        return np.where(is_known, distance, 0.0)

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield the blocks in which something changed since the last call."""
        for number in sorted(self._dirty):
            part = slice(number * SIZE, (number + 1) * SIZE)
            arrays = {name: np.ascontiguousarray(getattr(self._state, name)[part]).tobytes() for name in _ARRAYS}
            saved = _Saved(names=self._names[part], running=self._running[part].tobytes(), arrays=arrays)
            yield f"{BLOCK}/{number}", msgspec.msgpack.encode(saved)
        self._dirty.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one block that ``changed_blocks`` made; in rising order."""
        saved = decode_block(name, payload, _Saved)
        start = int(name.rpartition("/")[2]) * SIZE
        if start != len(self._names) - len(self._names) % SIZE or len(self._names) % SIZE:
            raise ValueError(f"the seasons before are {len(self._names)}, not {start}")
        for series in saved.names:
            self._row(series)
        part = slice(start, start + SIZE)
        self._running[part] = np.frombuffer(saved.running, RUNNING)
        for array in _ARRAYS:
            held = getattr(self._state, array)
            held[part] = np.frombuffer(saved.arrays[array], held.dtype).reshape(held[part].shape)
        self._dirty.discard(start // SIZE)

    def _row(self, name: str) -> int:
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = len(self._names)
            self._names.append(name)
            if row == len(self._running):
                self._running = np.concatenate((self._running, _no_hours()))
                more = SeasonalLevelState.empty(SIZE)
                for array in _ARRAYS:
                    joined = np.concatenate((getattr(self._state, array), getattr(more, array)))
                    setattr(self._state, array, joined)
        return row


def _no_hours() -> NDArray[np.void]:
    running = np.zeros(SIZE, RUNNING)
    running["hour"] = NO_HOUR
    return running
