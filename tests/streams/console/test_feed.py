"""Where the console begins to read the log: an hour back, so that its trends outlive a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp

from schemas.times import SECOND_NS
from streams.console.feed import Feed
from streams.console.live import Live
from streams.console.overall import overall
from streams.delivery.records import Record
from streams.settings import Settings
from streams.topics import partition_for, partitions_of
from tests.streams.console.builders import UNIT, falling, indicator

HOUR = 3_600.0


@dataclass
class FakeLog:
    """A broker's log as a consumer sees it."""

    records: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    is_asked: bool = False
    is_read: asyncio.Event = field(default_factory=asyncio.Event)

    def append(self, record: Record, time_ns: int) -> None:
        key = record.key or b""
        place = TopicPartition(record.topic, partition_for(key, partitions_of(record.topic)))
        held = self.records.setdefault(place, [])
        held.append(
            ConsumerRecord(
                place.topic, place.partition, len(held), time_ns // 1_000_000, 1, key, record.value, None, 0, 0, ()
            )
        )

    async def start(self) -> None: ...

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self.positions = dict.fromkeys(partitions, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.positions[place] = offset

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        self.positions |= dict.fromkeys(places, 0)

    async def seek_to_end(self, *places: TopicPartition) -> None:
        self.positions |= await self.end_offsets(places)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: len(self.records.get(one, ())) for one in places}

    async def offsets_for_times(
        self, asked: dict[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        found: dict[TopicPartition, OffsetAndTimestamp | None] = {}
        for place, since_ms in asked.items():
            later = (one for one in self.records.get(place, ()) if one.timestamp >= since_ms)
            found[place] = next((OffsetAndTimestamp(one.offset, one.timestamp) for one in later), None)
        return found

    async def getmany(self, **_: int) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        if self.is_asked:  # all was given the first time
            self.is_read.set()
            await asyncio.Event().wait()
        self.is_asked = True
        found = {place: self.records.get(place, [])[at:] for place, at in self.positions.items()}
        self.positions |= await self.end_offsets(self.positions)
        return {place: some for place, some in found.items() if some}

    async def position(self, place: TopicPartition) -> int:
        return self.positions[place]


async def read(records: Iterable[tuple[Record, float]]) -> Live:
    """Return what a console that starts now knows of records that were appended so many seconds ago."""
    log, live, now_ns = FakeLog(), Live(partial(overall, 4.0)), time.time_ns()
    for record, age_seconds in records:
        log.append(record, now_ns - round(age_seconds * SECOND_NS))
    feed = Feed(live, cast("AIOKafkaConsumer", log), Settings(), HOUR)
    await feed.start()
    running = asyncio.create_task(feed.run())
    await asyncio.wait_for(log.is_read.wait(), 5)
    running.cancel()
    assert live.caught_up
    return live


def aged(records: list[Record]) -> list[tuple[Record, float]]:
    """Return a minute's records as they were appended, the last one a minute ago."""
    return [(record, 60.0 * (len(records) - place)) for place, record in enumerate(records)]


async def test_trends_are_there_again_after_a_restart() -> None:
    live = await read([*aged(falling(UNIT, 60)), *aged(falling("hp", 60))])
    (tile,), (area,) = live.tiles(), live.areas()
    assert (tile.trend, tile.change, area.trend, area.change) == ("down", -45.0, "down", -45.0)


async def test_what_is_older_than_the_hour_is_not_read() -> None:
    live = await read([(record, age + 2 * HOUR) for record, age in aged(falling("hp"))])
    assert list(live.areas()) == []


async def test_of_the_hour_a_units_own_indicators_are_left_out_but_for_the_last_minutes() -> None:
    old, new = indicator("noise_level", 70.0), indicator("fine_particles", 60.0)
    view = (await read([(old, 1_800.0), (new, 60.0)])).unit(UNIT, "actual")
    assert view is not None
    assert [one.indicator for one in view.indicators] == ["fine_particles"]
