"""Golden state: blocks that an earlier program wrote, in files, and the effects to which they must lead."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from streams.delivery.records import Effect, PartitionState, Record


class Golden:
    """The golden files of one stage: what is there after ``before``, and what ``after`` gives on it."""

    def __init__(
        self, folder: Path, state: Callable[[], PartitionState], before: Sequence[Record], after: Sequence[Record]
    ) -> None:
        self.folder, self._state, self._before, self._after = folder, state, before, after

    def written(self) -> dict[str, bytes]:
        """Return the blocks after ``before``, by file name."""
        state = self._state()
        state.fold(self._before)
        blocks = state.changed_blocks()
        return {f"{name.replace('/', '__')}.block": block for name, block in blocks.items() if block}

    def kept(self) -> dict[str, bytes]:
        """Return the blocks in the files, by file name."""
        return {path.name: path.read_bytes() for path in self.folder.glob("*.block")}

    def effects_after(self) -> bytes:
        """Return what ``after`` gives on the blocks in the files, as JSON lines."""
        state = self._state()
        state.restore({name.removesuffix(".block").replace("__", "/"): block for name, block in self.kept().items()})
        return b"".join(msgspec.json.encode(_shown(effect)) + b"\n" for effect in state.fold(self._after))

    def kept_effects(self) -> bytes:
        """Return the effects in the file."""
        return (self.folder / "effects.jsonl").read_bytes()

    def write(self) -> None:
        """Write all files anew."""
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.glob("*.block"):
            old.unlink()
        for file_name, block in self.written().items():
            (self.folder / file_name).write_bytes(block)
        (self.folder / "effects.jsonl").write_bytes(self.effects_after())


def _shown(effect: Effect) -> dict[str, Any]:
    return {
        "topic": effect.topic,
        "partition": effect.partition,
        "key": None if effect.key is None else effect.key.decode(),
        "value": base64.b64encode(effect.value).decode(),
        "headers": {name: raw.decode() for name, raw in effect.headers},
    }
