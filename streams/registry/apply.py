"""Writes registry records, and waits until sense has read them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from schemas import channels
from schemas.registry import Device, Gateway, RegistryFile, RuleRecord, Team, Unit
from schemas.times import parse_time
from streams.kafka import producer, topic_name
from streams.provision import require_topics
from streams.registry.diff import Difference, differences
from streams.registry.reader import IN_FULL, RegistryReader
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.state.manifest import read_manifests
from streams.topics import UNIT_PARTITIONS, partition_for

CHUNK = 2_000
_encode = msgspec.json.Encoder().encode
Known = Device | Unit | Team | Gateway | RuleRecord


class Change(NamedTuple):
    """One record to write; the topic is without namespace."""

    topic: str
    key: str
    partition: int
    record: Known


@dataclass(frozen=True, slots=True)
class Applied:
    """What ``apply_registry`` wrote."""

    written: int
    unchanged: int
    differences: list[Difference]
    ends: dict[tuple[str, int], int]  # (topic, partition) -> offset after the last record written


def changes(view: RegistryView, file: RegistryFile) -> list[Change]:
    """Return what of a file is new or changed; units come before the devices that stand in them.

    A device that moves is also written where it stood before: else that partition would never hear of it.
    """
    found = [Change(channels.REGISTRY_UNITS, unit.unit_id, _partition(unit.unit_id), unit) for unit in file.units]
    for device in file.devices:
        before = view.newest(device.device_id)
        places = {_partition(device.unit_id)} | ({_partition(before[1].unit_id)} if before is not None else set())
        found += [Change(channels.REGISTRY_DEVICES, device.device_id, place, device) for place in sorted(places)]
    found += [Change(channels.REGISTRY_TEAMS, team.team_id, 0, team) for team in file.teams]
    found += [Change(channels.REGISTRY_GATEWAYS, gateway.gateway_id, 0, gateway) for gateway in file.gateways]
    found += [Change(channels.REGISTRY_RULES, rule.rule_id, 0, rule) for rule in file.rules]
    return [change for change in found if not is_known(view, change.record)]


def _partition(unit_id: str) -> int:
    return partition_for(unit_id.encode(), UNIT_PARTITIONS)


def is_known(view: RegistryView, record: Known) -> bool:
    """Whether the registry holds this very record already, from the same time on."""
    if isinstance(record, Device):
        return view.device_at(record.device_id, parse_time(record.valid_from)) == record
    if isinstance(record, Unit):
        return view.unit_at(record.unit_id, parse_time(record.valid_from)) == record
    if isinstance(record, Team):
        return view.teams.get(record.team_id) == record
    if isinstance(record, RuleRecord):
        return view.rules.get((record.rule_id, record.valid_from)) == record
    return view.gateways.get(record.gateway_id) == record


async def read_known(settings: Settings) -> RegistryView:
    """Return the registry as it stands now."""
    topics = (channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS, *IN_FULL)
    await require_topics(settings, *topics)
    reader = RegistryReader(settings, topics)
    try:
        await reader.catch_up()
    finally:
        await reader.stop()
    return reader.view


async def apply_registry(settings: Settings, file: RegistryFile, is_dry_run: bool = False) -> Applied:
    """Write what is new or changed; the same file again writes nothing."""
    view = await read_known(settings)
    new = changes(view, file)
    written = len({(change.topic, change.key, change.record.valid_from) for change in new})
    unchanged = sum(len(getattr(file, kind)) for kind in file.__struct_fields__) - written
    different = differences([(change.record, view.newest_like(change.record)) for change in new])
    if is_dry_run:
        return Applied(written, unchanged, different, {})
    ends: dict[tuple[str, int], int] = {}
    sender = producer(settings)
    await sender.start()
    try:
        for start in range(0, len(new), CHUNK):
            futures = [
                await sender.send(topic_name(settings, topic), _encode(record), key=key.encode(), partition=partition)
                for topic, key, partition, record in new[start : start + CHUNK]
            ]
            for (topic, _, partition, _), metadata in zip(
                new[start : start + CHUNK], await asyncio.gather(*futures), strict=True
            ):
                ends[topic, partition] = max(ends.get((topic, partition), 0), metadata.offset + 1)
    finally:
        await sender.stop()
    return Applied(written, unchanged, different, ends)


async def wait_until_read(settings: Settings, applied: Applied, timeout_s: float = 60.0) -> bool:
    """Wait until sense's manifests say that it has read what was written; ``False`` on timeout."""
    wanted = {
        at: end for at, end in applied.ends.items() if at[0] in {channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS}
    }
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        manifests = await read_manifests(settings, "sense")
        if all(p in manifests and manifests[p].registry.get(topic, 0) >= end for (topic, p), end in wanted.items()):
            return True
        await asyncio.sleep(0.5)
    return False
