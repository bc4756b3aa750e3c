"""The invariants of a judged log, each as a function that returns what violates it, in words; none is what we want."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import duckdb

from schemas import channels
from schemas.codec import decode_alert, decode_order
from schemas.judged import Judged, decode_judged
from streams.newest import events
from streams.settings import Settings
from streams.store.balance import balance
from tests.faults.log import Logged
from tests.faults.publishing import Acknowledged

K = TypeVar("K", bound=Hashable)
SHOWN = 5
Place = tuple[str, int, int]  # source topic, partition, offset


def lost_acknowledged(history: Iterable[Acknowledged], log: Iterable[Logged]) -> list[str]:
    """I1, first half: what the broker acknowledged lies in the log."""
    there = {(one.topic, one.partition, one.offset) for one in log}
    lost = [one for one in history if (one.topic, one.partition, one.offset) not in there]
    return _some("I1: acknowledged, not in the log", lost)


async def unbalanced(settings: Settings, wait_s: float = 30.0) -> list[str]:
    """I1, second half: every row in is judged, late, dead or a duplicate, and every judged one has ended."""
    found = await balance(settings, wait_s)
    problems = found.problems or ("lag is left",)
    return [] if found.closed else [f"I1: the balance is {found.status}: {problem}" for problem in problems]


async def judged_records(settings: Settings) -> list[Judged]:
    """Return ``vitals.judged`` as it lies there: a source record twice was judged again."""
    return [decode_judged(record.value or b"") async for record in events(settings, channels.JUDGED)]


def replays(judged: Iterable[Judged]) -> int:
    """Return how many source records were judged more than once: a fault test without any shows nothing."""
    places = [_place(one) for one in judged]
    return len(places) - len(set(places))


def out_of_order(judged: Iterable[Judged]) -> list[str]:
    """I6: of each source partition no record comes before one that lies before it, but for those judged again."""
    records = list(judged)
    offsets: dict[tuple[str, int], list[int]] = {}
    for one in records:
        offsets.setdefault((one.source, one.partition), []).append(one.offset)
    found = []
    for (topic, partition), came in offsets.items():
        due = sorted(set(came))
        reached = 0  # all of due[:reached] have come
        for offset in came:
            if reached < len(due) and offset == due[reached]:
                reached += 1
            elif reached < len(due) and offset > due[reached]:
                found.append(f"I6: {topic}-{partition}: {offset} was judged before {due[reached]}")
    return found[:SHOWN]


def judged_differently(judged: Iterable[Judged]) -> list[str]:
    """I2: what was judged again was judged alike."""
    first: dict[Place, Judged] = {}
    found = [one for one in judged if first.setdefault(_place(one), one) != one]
    return _some("I2: judged again, and otherwise", [(_place(one), one.total) for one in found])


def stored_otherwise(wanted: Mapping[tuple[str, int], float], database: Path) -> list[str]:
    """I2: DuckDB (closed) shows one point a series and time: those that should be judged, and no others."""
    with duckdb.connect(str(database), read_only=True) as reader:
        rows = reader.execute("SELECT device_id, quantity, time, value FROM readings").fetchall()
    found = {(f"{device}/{quantity}", time): value for device, quantity, time, value in rows}
    violations = differences("points", wanted, found)
    if len(rows) != len(found):
        violations.append(f"I2: {len(rows) - len(found)} points more than series and times")
    return violations


async def versions_that_repeat_otherwise(settings: Settings) -> list[str]:
    """I2, I5: one version of an alert or a case is one state, however often it was sent."""
    seen: dict[tuple[str, int], object] = {}
    found = []
    async for record in events(settings, channels.ALERTS):
        alert = decode_alert(record.value or b"")
        if seen.setdefault((alert.alert_id, alert.version), alert) != alert:
            found.append(f"alert {alert.alert_id} version {alert.version}")
    async for record in events(settings, channels.ORDERS):
        case = decode_order(record.value or b"")
        if seen.setdefault((case.case_id, case.version), case) != case:
            found.append(f"case {case.case_id} version {case.version}")
    return _some("I2: sent twice, and otherwise", found)


def differences(name: str, wanted: Mapping[K, object], found: Mapping[K, object]) -> list[str]:
    """Return what two tables do not share, ``SHOWN`` of each kind."""
    both = [key for key in wanted if key in found]
    return [
        *_some(f"{name}: missing", [(key, wanted[key]) for key in wanted if key not in found]),
        *_some(f"{name}: more", [(key, found[key]) for key in found if key not in wanted]),
        *_some(f"{name}: otherwise", [(key, wanted[key], found[key]) for key in both if wanted[key] != found[key]]),
    ]


def _place(judged: Judged) -> Place:
    return judged.source, judged.partition, judged.offset


def _some(what: str, found: Sequence[object]) -> list[str]:
    return [f"{what}: {len(found)}, such as {found[:SHOWN]}"] if found else []
