"""Which records came before: 16-byte hashes of source, id and mode, for 10 minutes of event time, by minute."""

from __future__ import annotations

from collections.abc import Iterator

from streams.sense.blocks import pack_array, unpack_array

MINUTE_NS = 60 * 1_000_000_000
KEPT_MINUTES = 11  # whole ones: of the oldest, what came at its end must still be known after ten
MAX_HASHES = 1_000_000
HASH_BYTES = 16
PART_HASHES = 65_536  # a block: 1 MiB
BLOCK = "dedup"


class DedupWindow:
    """The window of one source topic-partition; the log of that partition alone decides what is in it."""

    def __init__(self, topic: str, max_hashes: int = MAX_HASHES, part_hashes: int = PART_HASHES) -> None:
        self._topic, self._max, self._part = topic, max_hashes, part_hashes
        self._minutes: dict[int, list[set[bytes]]] = {}  # in parts, of which only the last is not full
        self._newest = 0
        self._count = 0
        self._dirty: set[tuple[int, int]] = set()
        self._removed: set[tuple[int, int]] = set()

    def is_repeat(self, key: bytes, time_ns: int) -> bool:
        """Whether ``key`` came within the last 10 minutes of event time; it is remembered from now on."""
        if any(key in keys for parts in self._minutes.values() for keys in parts):
            return True
        self._remember(key, max(time_ns // MINUTE_NS, self._newest - KEPT_MINUTES + 1))
        while self._minutes and (min(self._minutes) <= self._newest - KEPT_MINUTES or self._count > self._max):
            self._drop(min(self._minutes))
        return False

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield a block for each part of a minute that changed; an empty one for each that is gone."""
        for minute, part in sorted(self._removed):
            yield self._name(minute, part), b""
        for minute, part in sorted(self._dirty):
            yield self._name(minute, part), pack_array(b"".join(sorted(self._minutes[minute][part])))
        self._dirty.clear()
        self._removed.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one part of one minute; parts in rising order."""
        minute, part = (int(number) for number in name.split("/")[-2:])
        raw = unpack_array(name, payload, HASH_BYTES)
        parts = self._minutes.setdefault(minute, [])
        if part != len(parts):
            raise ValueError(f"part {len(parts)} of this minute is missing")
        parts.append({raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)})
        self._count += len(parts[part])
        self._newest = max(self._newest, minute)

    def _remember(self, key: bytes, minute: int) -> None:
        parts = self._minutes.setdefault(minute, [])
        if not parts or len(parts[-1]) >= self._part:
            parts.append(set())
        parts[-1].add(key)
        place = (minute, len(parts) - 1)
        self._dirty.add(place)
        self._removed.discard(place)
        self._count += 1
        self._newest = max(self._newest, minute)

    def _drop(self, minute: int) -> None:
        for part, keys in enumerate(self._minutes.pop(minute)):
            self._count -= len(keys)
            self._dirty.discard((minute, part))
            self._removed.add((minute, part))

    def _name(self, minute: int, part: int) -> str:
        return f"{BLOCK}/{self._topic}/{minute}/{part}"
