"""A stage's state of named blocks, and a state topic that keeps what is sent to it in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from streams.delivery.records import Effect, Record

CLOCK = "clock"


class Notes:
    """Keeps the value of each key in a block of its own; an empty value removes it. Counts what it has folded."""

    def __init__(self) -> None:
        self.notes: dict[str, bytes] = {}
        self.folded = 0
        self._changed: dict[str, bytes] = {}

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        """Take notes."""
        for record in records:
            self.folded += 1
            self.put((record.key or b"").decode(), record.value)
        return []

    def put(self, name: str, value: bytes) -> None:
        """Take one note."""
        self._changed[name] = value
        self.notes[name] = value
        if not value:
            del self.notes[name]

    def changed_blocks(self) -> dict[str, bytes]:
        """Return the notes that changed."""
        changed, self._changed = self._changed, {}
        return changed | {CLOCK: str(self.folded).encode()}

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        """Take notes back."""
        self.folded = int(blocks[CLOCK])
        self.notes = {name: block for name, block in blocks.items() if name != CLOCK}


class Log:
    """The state topics; ``fail_after`` sends, those that follow raise; commits are refused unless ``is_owner``.

    Sends wait while ``gate`` is not set.
    """

    def __init__(self, fail_after: int | None = None) -> None:
        self.is_owner = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.topics: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
        self.calls: list[str] = []
        self._left = fail_after

    async def send(self, records: Sequence[tuple[str, bytes, bytes, int]]) -> list[int]:
        """Append (topic, key, value, partition); return the offset of each."""
        await self.gate.wait()
        self._count(records[0][0] if records else "nothing")
        offsets = []
        for topic, key, value, partition in records:
            log = self.topics.setdefault((topic, partition), [])
            log.append((key, value))
            offsets.append(len(log) - 1)
        return offsets

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Note a commit."""
        self._count(f"commit {sorted(offsets.items())}")
        return self.is_owner

    def _count(self, call: str) -> None:
        if self._left == 0:
            raise ConnectionError("the broker is gone")
        self._left = None if self._left is None else self._left - 1
        self.calls.append(call)
