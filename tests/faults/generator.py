"""A seeded log of sources: what gateways would send in an hour, with all that goes wrong on the way.

Event time does not follow the wall clock: the log spans ``minutes`` that end some time before now, and is sent as fast
as one likes. Each record says what it is (``what``), for the figures only: what becomes of it is the oracle's to say.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas import channels
from schemas.envelope import Headers, gateway_urn, tick_headers, write_envelope
from streams.topics import partition_for, partitions_of
from tests.faults.district import GATEWAY, INTERVAL_S, devices_of, unit_ids

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
What = Literal["pack", "tick", "duplicate", "disordered", "late", "too_late", "conflict", "bad_rows", "undecodable"]
FAR_FUTURE_S = 4_000_000_000  # 2096: ahead of any wall clock
BASE = {"LAeq": 58.0, "temperature": 18.0, "pm25": 40.0}
UNIT = {"LAeq": "dB", "temperature": "Cel", "pm25": "ug/m3"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One record to send."""

    topic: str  # without namespace
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers
    what: What
    rows: int  # elements that count as ``in``; 0 for a tick


@dataclass(frozen=True, kw_only=True)
class LogPlan:
    """What log to make; the same plan gives the same records.

    Parameters
    ----------
    start_ns
        Event time of the first row, a whole minute.
    tail_minutes
        How long time goes on by ticks alone, so that windows close and alarms settle.
    shares
        Of the packs, how many get which treatment.
    alarms_per_unit_hour
        How often a lift breaks down.
    """

    seed: int
    start_ns: int
    minutes: int = 20
    tail_minutes: int = 8
    units: int = 12
    disorder_s: float = 10.0
    grace_s: float = 120.0
    tick_s: float = 15.0
    alarms_per_unit_hour: float = 4.0
    shares: dict[str, float] = field(
        default_factory=lambda: {
            "duplicate": 0.03, "disordered": 0.10, "late": 0.03, "too_late": 0.02, "conflict": 0.02, "bad_rows": 0.03,
            "undecodable": 0.01,
        }
    )  # fmt: skip


def start_before_now(minutes: int, tail_minutes: int = 8) -> int:
    """Return the start of a log that ends a little before now, on a whole minute: younger than what stores keep."""
    return time.time_ns() // MINUTE_NS * MINUTE_NS - (minutes + tail_minutes + 2) * MINUTE_NS


def generate(plan: LogPlan) -> list[Planned]:
    """Return the records of a plan in the order in which they are to be sent."""
    rng = random.Random(plan.seed)
    queue: list[tuple[int, int, Planned]] = []  # when it is sent (in event time), running number
    for unit_id in unit_ids(plan.units):
        for due_ns, record in _packs(plan, unit_id, rng):
            queue.append((due_ns, len(queue), record))
    for due_ns, record in _ticks(plan):
        queue.append((due_ns, len(queue), record))
    return [record for _, _, record in sorted(queue, key=lambda entry: entry[:2])]


def rows_of(records: list[Planned]) -> int:
    """Return how many elements the records hold."""
    return sum(record.rows for record in records)


def _packs(plan: LogPlan, unit_id: str, rng: random.Random) -> Iterator[tuple[int, Planned]]:
    step_ns = round(INTERVAL_S * SECOND_NS)
    alarms = {device: _alarms(plan, rng) for device, quantity in devices_of(unit_id) if quantity == "lift_fault"}
    first_ns = plan.start_ns + rng.randrange(step_ns // SECOND_NS) * SECOND_NS
    for number, at_ns in enumerate(range(first_ns, plan.start_ns + plan.minutes * MINUTE_NS, step_ns)):
        rows = [_row(device, quantity, at_ns, alarms, rng) for device, quantity in devices_of(unit_id)]
        what: Any = rng.choices(["pack", *plan.shares], [1.0 - sum(plan.shares.values()), *plan.shares.values()])[0]
        yield from _treated(plan, unit_id, rows, at_ns, f"{unit_id}-{number}", what, rng)


def _treated(
    plan: LogPlan, unit_id: str, rows: list[dict[str, Any]], at_ns: int, ident: str, what: What, rng: random.Random
) -> Iterator[tuple[int, Planned]]:
    """Yield a pack and what its treatment adds, each with the event time at which it is sent."""
    due_ns = at_ns + _delay_ns(plan, what, rng)
    if what == "bad_rows":
        rows = [*rows, *rng.sample(_bad_rows(unit_id, at_ns), 3)]
    value = b"\xff" + rng.randbytes(rng.randrange(1, 200)) if what == "undecodable" else json.dumps(rows).encode()
    count = 1 if what == "undecodable" else len(rows)
    record = _record(unit_id, value, ident, at_ns, what, count)
    yield due_ns, record
    if what == "duplicate":
        yield due_ns + rng.randrange(0, 60) * SECOND_NS, record
    if what == "conflict":  # at once, under another id: one row again as it was, one with another value
        again = [rows[0], {**rows[-1], "v": rows[-1]["v"] + 1.0}]
        yield due_ns, _record(unit_id, json.dumps(again).encode(), f"{ident}-again", at_ns, what, len(again))


def _delay_ns(plan: LogPlan, what: What, rng: random.Random) -> int:
    bounds = {
        "disordered": (0.0, plan.disorder_s),
        "late": (plan.disorder_s * 1.5, plan.grace_s * 0.8),
        "too_late": (plan.disorder_s + plan.grace_s * 1.3, plan.grace_s * 2),
    }
    low, high = bounds.get(what, (0.0, 0.0))
    return round(rng.uniform(low, high) * SECOND_NS)


def _row(
    device: str, quantity: str, at_ns: int, alarms: dict[str, list[tuple[int, int]]], rng: random.Random
) -> dict[str, Any]:
    row: dict[str, Any] = {"n": f"{device}/{quantity}", "t": at_ns // SECOND_NS}
    if quantity == "lift_fault":
        return row | {"vb": any(start <= at_ns < end for start, end in alarms[device])}
    return row | {"u": UNIT[quantity], "v": round(rng.gauss(BASE[quantity], 2.0), 2)}


def _bad_rows(unit_id: str, at_ns: int) -> list[dict[str, Any]]:
    noise, at_s = f"{unit_id}.LAeq-0", at_ns // SECOND_NS
    return [
        {"n": f"{noise}/LAeq", "t": FAR_FUTURE_S, "v": 60.0},
        {"n": "nobody/LAeq", "t": at_s, "v": 60.0},
        {"n": f"{noise}/colour", "t": at_s, "v": 60.0},
        {"n": f"{noise}/LAeq", "t": at_s, "u": "ppm", "v": 60.0},
        {"n": f"{noise}/LAeq", "t": at_s, "vb": True},
        {"n": f"{noise}/LAeq", "t": at_s, "v": 2**70},
        {"n": f"{noise}/LAeq", "t": at_s, "vs": "loud"},
    ]


def _alarms(plan: LogPlan, rng: random.Random) -> list[tuple[int, int]]:
    """Return (begin, end) of each breakdown: they come at random and last half a minute to five minutes."""
    found: list[tuple[int, int]] = []
    at_ns = plan.start_ns
    while True:
        at_ns += round(rng.expovariate(plan.alarms_per_unit_hour / 2) * 60) * MINUTE_NS
        end_ns = at_ns + rng.randrange(30, 300) * SECOND_NS
        if end_ns > plan.start_ns + (plan.minutes - 2) * MINUTE_NS:
            return found
        found.append((at_ns, end_ns))
        at_ns = end_ns + 2 * MINUTE_NS


def _record(unit_id: str, value: bytes, ident: str, at_ns: int, what: What, rows: int) -> Planned:
    headers = write_envelope(
        id=ident, source=gateway_urn(GATEWAY), type=channels.EVENT_TYPES[channels.READINGS], time_ns=at_ns
    )
    partition = partition_for(unit_id.encode(), partitions_of(channels.READINGS))
    return Planned(
        topic=channels.READINGS, partition=partition, key=unit_id.encode(), value=value, headers=headers, what=what,
        rows=rows,
    )  # fmt: skip


def _ticks(plan: LogPlan) -> Iterator[tuple[int, Planned]]:
    end_ns = plan.start_ns + (plan.minutes + plan.tail_minutes) * MINUTE_NS
    for at_ns in [*range(plan.start_ns, end_ns, round(plan.tick_s * SECOND_NS)), end_ns]:
        for topic in channels.TICKED:
            for partition in range(partitions_of(topic)):
                headers = tick_headers(at_ns)
                yield (
                    at_ns,
                    Planned(
                        topic=topic, partition=partition, key=None, value=b"", headers=headers, what="tick", rows=0
                    ),
                )
