"""State as it lies in the log: blocks that an earlier program wrote are read, and go on to the effects that they must.

A change on purpose has another format number and reads the old one, or refuses it. Then write the files anew:
``python -m tests.streams.sense.test_golden``.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec

from streams.delivery.records import Effect
from tests.streams.sense.builders import crowd, pack, partition, report, until, video

GOLDEN = Path(__file__).parent / "golden"
BEFORE = [
    pack(("gas-1/ch4", 5.0, 3_000.0), ("gas-2/ch4", 6.0, 2_400.0), ("air-1/pm25", 5.0, 20.0), ident="a"),
    pack(("gas-1/co", 7.0, 50.0), ("gas-1/co", 8.0, 3.0), ("gas-1/co", 9.0, 3.0), ("gas-2/ch4", 8.0, -5.0)),
    crowd(30.0, 450, flow=(80, 10), ident="b"),
    video(30.0, 320, ident="c"),
    report(30.0),
    *until(0.0),
]
AFTER = [
    pack(("gas-1/ch4", 5.0, 3_000.0), ident="a"),  # a repeat
    pack(("gas-1/ch4", 10.0, 10.0), ("gas-1/ch4", 11.0, 10.0), ("gas-2/ch4", 40.0, 2_900.0), ("gas-1/co", 7.0, 400.0)),
    crowd(50.0, 510),
    *until(60.0),
]


def written() -> dict[str, bytes]:
    """Return the blocks after ``BEFORE``, by file name."""
    state = partition()
    state.fold(BEFORE)
    return {f"{name.replace('/', '__')}.block": block for name, block in state.changed_blocks().items()}


def shown(effects: list[Effect]) -> bytes:
    """Return effects as JSON lines."""
    return b"".join(msgspec.json.encode(_shown(effect)) + b"\n" for effect in effects)


def _shown(effect: Effect) -> dict[str, Any]:
    return {
        "topic": effect.topic,
        "partition": effect.partition,
        "key": None if effect.key is None else effect.key.decode(),
        "value": base64.b64encode(effect.value).decode(),
        "headers": {name: raw.decode() for name, raw in effect.headers},
    }


def effects_after() -> list[Effect]:
    """Return what ``AFTER`` gives on the blocks that lie in the golden files."""
    state = partition()
    files = GOLDEN.glob("*.block")
    state.restore({path.name.removesuffix(".block").replace("__", "/"): path.read_bytes() for path in files})
    return state.fold(AFTER)


def test_what_was_written_is_read_and_gives_the_effects_that_it_must() -> None:
    assert shown(effects_after()) == (GOLDEN / "effects.jsonl").read_bytes()


def test_what_we_write_has_not_changed() -> None:
    assert written() == {path.name: path.read_bytes() for path in GOLDEN.glob("*.block")}


def test_there_is_a_file_of_each_kind_of_block() -> None:
    kinds = {path.name.partition("__")[0].removesuffix(".block") for path in GOLDEN.glob("*.block")}
    assert kinds == {"names", "hot", "windows", "anomalies", "dedup", "clock"}


if __name__ == "__main__":
    for old in GOLDEN.glob("*.block"):
        old.unlink()
    for file_name, block in written().items():
        (GOLDEN / file_name).write_bytes(block)
    (GOLDEN / "effects.jsonl").write_bytes(shown(effects_after()))
