"""Who holds which partitions of a stage's sources, as its consumer group says."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError

from streams.kafka import admin, group_name, topic_name
from streams.settings import Settings
from streams.topics import STAGE_SOURCES, partitions_of

Held = dict[str, frozenset[tuple[str, int]]]  # member -> (topic, partition)
PERIOD_SECONDS = 0.3


async def owners(settings: Settings, stage: str) -> Held:
    """Return what each member of a stage's group holds; empty while the group is not there, or rebalances."""
    names = {topic_name(settings, topic): topic for topic in STAGE_SOURCES[stage]}
    client = admin(settings)
    try:
        await client.start()
        (answer,) = await client.describe_consumer_groups([group_name(settings, stage)])
    except GroupCoordinatorNotAvailableError:
        return {}
    finally:
        await client.close()
    found_groups: Any = answer  # aiokafka types its answers by their base class alone
    ((_, _, state, _, _, members, *_),) = found_groups.groups
    if state != "Stable":
        return {}
    held = {member[0]: ConsumerProtocolMemberAssignment.decode(member[-1]) for member in members}
    return {
        member: frozenset((names[topic], number) for topic, numbers in found.assignment for number in numbers)
        for member, found in held.items()
    }


async def wait_for_members(settings: Settings, stage: str, count: int, timeout_s: float = 90.0) -> Held:
    """Return what each holds once the group has ``count`` members that hold all there is."""
    wanted = {(topic, number) for topic in STAGE_SOURCES[stage] for number in range(partitions_of(topic))}
    deadline = time.monotonic() + timeout_s
    while True:
        held = await owners(settings, stage)
        if len(held) == count and set().union(*held.values()) == wanted:
            return held
        assert time.monotonic() < deadline, f"{stage}: {count} members wanted, found {held}"
        await asyncio.sleep(PERIOD_SECONDS)


def unevenly_held(stage: str, held: Held) -> list[str]:
    """Return what is wrong with an assignment: a partition with two owners, or of one number here and there."""
    found = []
    owners_of: dict[int, set[str]] = {}
    for member, places in held.items():
        for _, number in places:
            owners_of.setdefault(number, set()).add(member)
    copies = Counter(place for places in held.values() for place in places)
    found += [f"{stage}: {place} has {count} owners" for place, count in copies.items() if count > 1]
    found += [f"{stage}: partition {n} is split over {len(of)}" for n, of in owners_of.items() if len(of) > 1]
    numbers = [sorted({number for _, number in places}) for places in held.values()]
    if max(map(len, numbers)) - min(map(len, numbers)) > 1:
        found.append(f"{stage}: unevenly spread, {numbers}")
    if any(of != list(range(of[0], of[0] + len(of))) for of in numbers if of):
        found.append(f"{stage}: no ranges, {numbers}")
    return found
