"""Hostile input: a seeded stream of records of which every one must die, with a reason, and do no more harm than that.

Bytes, JSON, SenML, rows, keys and headers are at fault; what is mutated names devices and places that nobody has, so
that no row of it can be judged and none moves the time of good traffic beside it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas import channels
from streams.topics import partition_for, partitions_of
from tests.faults.district import unit_ids

UNITS = unit_ids()
Header = tuple[str, bytes]
ROWS_OF = {
    channels.READINGS: [{"n": "x-1/LAeq", "t": 1_700_000_000, "u": "dB", "v": 61.5}, {"n": "x-2/LAeq", "v": 60}],
    channels.CROWD: [{"zone_id": "x", "source": "camera", "time": "2026-11-26T08:00:00Z", "people_count": 3}],
    channels.VIDEO: [{"camera_id": "x", "time": "2026-11-26T08:00:00Z", "counts": {"person": 1}, "health": "ok"}],
    channels.REPORTS: {
        "report_id": "r", "unit_id": "x.y.z.w", "category": "other", "time": "2026-11-26T08:00:00Z", "text": "t",
        "reporter": "p",
    },
    channels.FEEDBACK: {
        "order_id": "x-1", "unit_id": "hp.a.b.c", "team_id": "t", "action": "accept", "time": "2026-11-26T08:00:00Z",
        "by": "b", "note": "",
    },
    channels.ACTIONS: {
        "action": "acknowledge", "alert_id": "x", "reason": "", "by": "b", "time": "2026-11-26T08:00:00Z",
        "district": "hp",
    },
}  # fmt: skip
NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, "1" * 5_000, "0x10", "01", "-", "1.", ".5", "9" * 20,
)  # fmt: skip
TEXTS = ("\\ud800", "\\u0000", "\\u202e", "a b", "", "../..", "a,b=c d", "x" * 300, "\\n", "é", "\N{ZERO WIDTH SPACE}")
VALUES: tuple[Any, ...] = (None, True, [], {}, [[]], {"a": {}}, "text", 1e308, -1, [1, "a", None])
BAD_TIMES = (
    b"yesterday", b"9999-12-31T23:59:59Z", b"0000-01-01T00:00:00Z", b"-1", b"2262-04-12T00:00:00Z", b"\xff", b"",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Hostile:
    """One record that must die."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    kind: str


def hostile_records(seed: int, count: int, topics: tuple[str, ...] = channels.TICKED) -> Iterator[Hostile]:
    """Yield ``count`` records; the same seed gives the same ones."""
    rng = random.Random(seed)
    kinds = list(KINDS.items())
    weights = [0.02 if name in RARE else 1.0 for name, _ in kinds]
    for _ in range(count):
        name, make = rng.choices(kinds, weights)[0]
        topic = rng.choice(topics)
        yield make(rng, topic, name)


def _record(
    rng: random.Random,
    topic: str,
    kind: str,
    value: bytes | None,
    *,
    key: bytes | None = b"",
    headers: tuple[Header, ...] = (),
    partition: int | None = None,
) -> Hostile:
    """Return a record; an empty ``key`` means a right one."""
    is_of_district = topic in {channels.FEEDBACK, channels.ACTIONS}
    right = rng.choice(UNITS).split(".")[0].encode() if is_of_district else rng.choice(UNITS).encode()
    key = right if key == b"" else key
    number = partition_for(key or b"", partitions_of(topic)) if partition is None else partition
    return Hostile(topic=topic, partition=number, key=key, value=value, headers=headers, kind=kind)


def _valid(topic: str) -> bytes:
    return json.dumps(ROWS_OF[topic]).encode()


def _bytes(rng: random.Random, topic: str, kind: str) -> Hostile:
    return _record(rng, topic, kind, b"\xff" + rng.randbytes(rng.randrange(0, 300)))


def _truncated(rng: random.Random, topic: str, kind: str) -> Hostile:
    value = _valid(topic)
    return _record(rng, topic, kind, value[: rng.randrange(1, len(value))])


def _mutated(rng: random.Random, topic: str, kind: str) -> Hostile:
    """Flip, delete and repeat bytes; who survives names nobody's device all the same."""
    value = bytearray(_valid(topic))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(value))
        match rng.randrange(3):
            case 0:
                value[at] ^= 1 << rng.randrange(8)
            case 1:
                del value[at : at + rng.randrange(1, 9)]
            case _:
                value[at:at] = value[at : at + rng.randrange(1, 30)] * rng.randrange(1, 9)
        value = value or bytearray(b"x")
    return _record(rng, topic, kind, bytes(value))


def _deep(rng: random.Random, topic: str, kind: str) -> Hostile:
    opening = rng.choice([b"[", b'{"a":', b'[{"n":'])
    return _record(rng, topic, kind, opening * rng.choice([9, 100, 60_000]))


def _number(rng: random.Random, topic: str, kind: str) -> Hostile:
    value = _valid(topic)
    for old in (b"61.5", b"1_700_000_000", b"3}", b"1}"):
        value = value.replace(old, rng.choice(NUMBERS).encode() + (b"}" if old.endswith(b"}") else b""))
    return _record(rng, topic, kind, value)


def _text(rng: random.Random, topic: str, kind: str) -> Hostile:
    return _record(rng, topic, kind, _valid(topic).replace(b'"x', b'"x' + rng.choice(TEXTS).encode()))


def _type(rng: random.Random, topic: str, kind: str) -> Hostile:
    found: Any = json.loads(json.dumps(ROWS_OF[topic]))
    row = rng.choice(found) if isinstance(found, list) else found
    name = rng.choice([*row, "surprise", "bn", "bt", "bver", "label_"])
    row[name] = rng.choice(VALUES)
    return _record(rng, topic, kind, json.dumps(rng.choice([found, row, [found]])).encode())


def _twice(rng: random.Random, topic: str, kind: str) -> Hostile:
    value = _valid(topic).replace(b"{", b'{"n": "y-1/LAeq", "time": "now", "n": 7, ')
    return _record(rng, topic, kind, value)


def _huge(rng: random.Random, topic: str, kind: str) -> Hostile:
    row = b'{"n":"x-1/LAeq","v":1},'
    values = (b"[" + row * 4_100 + b'{"n":"x-1/LAeq","v":1}]', b'["' + b"a" * 700_000 + b'"]', b" " * 600_000 + b"[]")
    return _record(rng, topic, kind, rng.choice(values))


def _key(rng: random.Random, topic: str, kind: str) -> Hostile:
    key = rng.choice([None, b"\xff\xfe", b"a b", b"a\nb", b"\x00", b"k" * 1_024, "\u202eunit".encode(), b"-x"])
    return _record(rng, topic, kind, _valid(topic), key=key)


def _partition(rng: random.Random, topic: str, kind: str) -> Hostile:
    right = _record(rng, topic, kind, _valid(topic))
    wrong = (right.partition + rng.randrange(1, partitions_of(topic))) % partitions_of(topic)
    return _record(rng, topic, kind, right.value, key=right.key, partition=wrong)


def _header(rng: random.Random, topic: str, kind: str) -> Hostile:
    choices: list[tuple[Header, ...]] = [
        (("ce_specversion", b"2.0"),),
        (("ce_specversion", b"1.0"), ("ce_id", b"\xff\xff")),
        (("ce_id", b"i" * 2_000),),
        (("ce_time", rng.choice(BAD_TIMES)),),
        (("vitals_mode", b"war"),),
        (("vitals_mode", b"\xff"),),
        tuple((f"h{i}", rng.randbytes(50)) for i in range(60)),
    ]
    return _record(rng, topic, kind, _valid(topic), headers=rng.choice(choices))


def _tick(rng: random.Random, topic: str, kind: str) -> Hostile:
    """Make what calls itself a tick, with a time that is none."""
    headers = (("vitals_tick", b"true"), ("ce_time", rng.choice(BAD_TIMES)))
    return _record(rng, topic, kind, b"", headers=headers)


KINDS: dict[str, Callable[[random.Random, str, str], Hostile]] = {
    "bytes": _bytes,
    "truncated": _truncated,
    "mutated": _mutated,
    "deep": _deep,
    "number": _number,
    "text": _text,
    "type": _type,
    "twice": _twice,
    "huge": _huge,
    "key": _key,
    "partition": _partition,
    "header": _header,
    "tick": _tick,
}
RARE = {"huge", "deep"}
