"""Which records came before: 16-byte hashes of source, id and mode, for 10 minutes of event time, by minute."""

from __future__ import annotations

from collections.abc import Iterator

MINUTE_NS = 60 * 1_000_000_000
KEPT_MINUTES = 10
MAX_HASHES = 1_000_000
HASH_BYTES = 16
BLOCK = "dedup"


class DedupWindow:
    """The window of one source topic-partition; the log of that partition alone decides what is in it."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._minutes: dict[int, set[bytes]] = {}
        self._newest = 0
        self._count = 0
        self._dirty: set[int] = set()
        self._removed: set[int] = set()

    def is_repeat(self, key: bytes, time_ns: int) -> bool:
        """Whether ``key`` came within the last 10 minutes of event time; it is remembered from now on."""
        if any(key in keys for keys in self._minutes.values()):
            return True
        minute = max(time_ns // MINUTE_NS, self._newest - KEPT_MINUTES + 1)
        self._minutes.setdefault(minute, set()).add(key)
        self._dirty.add(minute)
        self._count += 1
        if minute > self._newest:
            self._newest = minute
        while self._minutes and (min(self._minutes) <= self._newest - KEPT_MINUTES or self._count > MAX_HASHES):
            self._drop(min(self._minutes))
        return False

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield a block for each minute that changed; an empty one for each that is gone."""
        for minute in sorted(self._dirty):
            yield f"{BLOCK}/{self._topic}/{minute}", b"".join(sorted(self._minutes[minute]))
        for minute in sorted(self._removed):
            yield f"{BLOCK}/{self._topic}/{minute}", b""
        self._dirty.clear()
        self._removed.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one minute's block."""
        minute = int(name.rpartition("/")[2])
        self._minutes[minute] = {payload[i : i + HASH_BYTES] for i in range(0, len(payload), HASH_BYTES)}
        self._count += len(self._minutes[minute])
        self._newest = max(self._newest, minute)

    def _drop(self, minute: int) -> None:
        self._count -= len(self._minutes.pop(minute))
        self._dirty.discard(minute)
        self._removed.add(minute)
