"""Random logs of the four source topics: rows that are well, bad, repeated, in conflict, late, ahead, backfilled."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas import channels
from schemas.envelope import gateway_urn
from schemas.ids import MODES
from streams.delivery.records import Record
from tests.streams.sense.builders import GATEWAY, SQUARE, UNIT, at, record, tick, when

FAR = 100_000.0  # seconds: past every window of a log
VALUES: dict[str, tuple[float | bool, ...]] = {
    "lift-1/lift_fault": (False, False, False, True),
    "gas-1/ch4": (300.25, 400.1, 2_450.0, 2_600.0, 5_100.7, 12_000.0, -5.0),
    "gas-1/co": (3.3, 33.0, 36.1, 120.0, 500.0, 9_999.0),
    "gas-2/ch4": (310.1, 2_550.0, 4_700.3, 11_000.0),
    "air-1/pm25": (20.1, 80.7, 300.9, 5_000.0),
    "air-1/LAeq": (55.5, 71.3),
    "owned-1/pm25": (12.1, 13.9),
    "drill-1/ch4": (300.0, 9_000.0),
}
BAD_NAMES = ("nobody/pm25", "air-1/speed", "air-1/mood", "cam-1/video", "lift-1", "-/x")
SHIFTS = (0, 0, 0, 0, 0, -1, -3, -8, -12, -50, -200, -590, -650, -2_000, 2, 200, 400)
GARBAGE = (b"", b"[", b"{}", b"[]", b"[1]", b'[{"n":"a_","b_":1,"v":1}]', b"\xff", b"[{}]", b"null", b'[{"v":NaN}]')
seeds = st.integers(0, 2**32)


def random_log(seed: int, steps: int) -> dict[str, list[Record]]:
    """Return the four topics' logs; all end with a tick that closes everything."""
    rng = random.Random(seed)
    makers = {
        channels.READINGS: _readings,
        channels.CROWD: _crowd,
        channels.VIDEO: _video,
        channels.REPORTS: _report,
    }
    counts = {channels.READINGS: steps, channels.CROWD: steps // 2, channels.VIDEO: steps // 3}
    return {topic: _log(rng, topic, counts.get(topic, steps // 4), make) for topic, make in makers.items()}


def _log(rng: random.Random, topic: str, count: int, make: Any) -> list[Record]:
    now = 0.0
    sent: list[Record] = []
    for offset in range(count):
        now += rng.choice((0, 1, 1, 4, 10, 30, 61, 400))
        chance = rng.random()
        if chance < 0.2:
            sent.append(tick(topic, now + rng.choice((-10, -10, -60, 500)), offset, append_s=now))
        elif chance < 0.3 and sent:
            sent.append(_copy(rng.choice(sent), offset, at(now)))  # a copy of a record, as gateways retry
        else:
            value, key = make(rng, now)
            sent.append(_record(rng, topic, value, key, now, offset))
    sent.append(tick(topic, FAR, count))
    return sent


def _copy(one: Record, offset: int, append_ns: int) -> Record:
    """Return a copy of a record that stands elsewhere in the log."""
    return Record(
        topic=one.topic,
        partition=one.partition,
        offset=offset,
        append_ns=append_ns,
        key=one.key,
        value=one.value,
        headers=one.headers,
    )


def _record(rng: random.Random, topic: str, value: bytes, key: str, now: float, offset: int) -> Record:
    chance = rng.random()
    given: dict[str, Any] = {"ident": rng.choice((None, f"r{offset}", f"r{rng.randrange(5)}"))}
    if chance < 0.05:
        value = rng.choice(GARBAGE)
    elif chance < 0.10:
        given["key"] = rng.choice((None, b"\xff", b"not an id", b"hp.a.g01.unknown"))
    elif chance < 0.12:
        given["partition"] = 1
    elif chance < 0.22:
        given["backfill"] = True
    elif chance < 0.30:
        given["source"] = gateway_urn(rng.choice((GATEWAY, "gw-other")))
    mode = rng.choice((*MODES, "actual", "actual", "actual"))
    return record(topic, value, now, offset, **{"key": key.encode(), "mode": mode, **given})


def _readings(rng: random.Random, now: float) -> tuple[bytes, str]:
    readings = []
    for _ in range(rng.choice((1, 2, 4, 8))):
        name = rng.choice((*VALUES, *VALUES, rng.choice(BAD_NAMES)))
        value = rng.choice(VALUES.get(name, (1.0,)))
        time = {"t": (at(now + rng.choice(SHIFTS)) // 1_000) / 1_000_000}
        sort = "vb" if isinstance(value, bool) else "v"
        readings.append({"n": name, **time, rng.choice((sort,) * 20 + ("vs", "vb", "v")): value})
    if rng.random() < 0.1:
        readings[0]["u"] = rng.choice(("ppm", "dB", "furlong"))
    return msgspec.json.encode(readings), rng.choice((UNIT, UNIT, UNIT, UNIT, SQUARE))


def _crowd(rng: random.Random, now: float) -> tuple[bytes, str]:
    return _rows(rng, now, lambda: _crowd_row(rng))


def _crowd_row(rng: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {"zone_id": rng.choice(("north", "north", "south", "west")), "source": "camera"}
    row["source"] = rng.choice(("camera", "gate", "wifi"))
    if rng.random() < 0.7:
        row["people_count"] = rng.choice((5, 150, 320, 450, 700))
    if rng.random() < 0.5:
        row |= {"people_in": rng.choice((0, 60, 200)), "people_out": rng.choice((0, 10, 100))}
    return row if rng.random() < 0.95 else {**row, "face": 1}


def _video(rng: random.Random, now: float) -> tuple[bytes, str]:
    return _rows(rng, now, lambda: _video_row(rng))


def _video_row(rng: random.Random) -> dict[str, Any]:
    counts = {"person": rng.choice((3, 280, 330, 500)), "vehicle": 1}
    camera = rng.choice(("cam-1", "cam-2", "cam-2", "cam-9", "gas-1"))
    return {"camera_id": camera, "counts": counts, "health": rng.choice(("ok", "ok", "blurred"))}


def _rows(rng: random.Random, now: float, make: Any) -> tuple[bytes, str]:
    found = [{**make(), "time": when(now + rng.choice(SHIFTS))} for _ in range(rng.choice((1, 2, 5)))]
    # Rows at the very ends of windows, where before and after meet.
    for row in found:
        if rng.random() < 0.3:
            row["time"] = when((now + rng.choice((0, -60, -600))) // 60 * 60)
    return msgspec.json.encode(found), rng.choice((SQUARE, SQUARE, SQUARE, SQUARE, UNIT))


def _report(rng: random.Random, now: float) -> tuple[bytes, str]:
    said = {
        "report_id": f"rep-{rng.randrange(100)}",
        "unit_id": rng.choice((UNIT, UNIT, "hp.a.g01.x")),
        "category": rng.choice(("other", "gas-leak", "weather")),
        "time": when(now + rng.choice(SHIFTS)),
    }
    return msgspec.json.encode(said), UNIT
