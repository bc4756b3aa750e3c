"""What is read around a time: whatever clocks are fast, rows late, data replayed or filled in later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.times import SECOND_NS, parse_time
from streams.twin.around import Around, Found, OutOfLogError

PLACE = TopicPartition("vitals.indicators", 3)
T0 = parse_time("2026-01-01T00:00:00Z")
GRACE_S = 600
LOOK_BACK_S = 900.0
OTHER = "backfill"


@dataclass
class Stored:
    """A record: event and append time in s after ``T0``."""

    offset: int
    event_s: int
    append_s: int
    value: bytes = b"event"
    headers: tuple[tuple[str, bytes], ...] = ()


class Partition:
    """What Around asks of a consumer, over a list of records."""

    def __init__(self, records: Iterable[tuple[int, int, bytes]], begin: int = 0) -> None:
        self.records = [Stored(begin + n, event, append, value) for n, (event, append, value) in enumerate(records)]
        self.begin, self.end, self.at, self.given = begin, begin + len(self.records), begin, 0

    def assign(self, _: object) -> None: ...

    def pause(self, *_: object) -> None: ...

    def seek(self, _: object, offset: int) -> None:
        self.at = offset

    async def beginning_offsets(self, _: object) -> Mapping[TopicPartition, int]:
        return {PLACE: self.begin}

    async def end_offsets(self, _: object) -> Mapping[TopicPartition, int]:
        return {PLACE: self.end}

    async def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Stored | None]:
        since_ns = times[PLACE] * 1_000_000
        return {PLACE: next((one for one in self.records if T0 + one.append_s * SECOND_NS >= since_ns), None)}

    async def position(self, _: object) -> int:
        return self.at

    async def getone(self, _: object) -> Stored:
        found = self.records[self.at - self.begin]
        self.at, self.given = self.at + 1, self.given + 1
        return found

    async def getmany(self, *_: object, **__: object) -> Mapping[TopicPartition, list[Stored]]:
        found = self.records[self.at - self.begin :][:10]
        self.at, self.given = self.at + len(found), self.given + len(found)
        return {PLACE: found}


def time_of(record: Found) -> int | None:
    one = cast("Stored", record)
    return None if one.value == OTHER.encode() else T0 + one.event_s * SECOND_NS


async def read(partition: Partition, at_s: int, look_back_s: float | None = LOOK_BACK_S, small: int = 0) -> set[int]:
    reader = cast("AIOKafkaConsumer", cast("Any", partition))
    around = Around(reader, T0 + at_s * SECOND_NS, GRACE_S * SECOND_NS, small=small)
    return {cast("Stored", one).event_s async for one in around.read(PLACE, time_of, look_back_s)}


def live(seconds: Iterable[int], late_s: int = 2) -> list[tuple[int, int, bytes]]:
    return [(second, second + late_s, b"event") for second in seconds]


def replayed(seconds: Iterable[int]) -> list[tuple[int, int, bytes]]:
    return [(second, 10_000_000, b"event") for second in seconds]


@pytest.mark.parametrize("make", [live, replayed])
@pytest.mark.parametrize("at_s", [0, 450, 30_000, 60_000, 99_990])
async def test_the_span_is_read_and_little_more(make: Any, at_s: int) -> None:
    partition = Partition(make(range(0, 100_000, 10)))
    found = await read(partition, at_s)
    assert set(range(max(0, at_s - 900), at_s + 1, 10)) <= found
    assert partition.given < 400  # of 10,000


async def test_without_a_span_it_is_read_from_the_beginning() -> None:
    found = await read(Partition(live(range(0, 5_000, 10))), 4_000, None)
    assert set(range(0, 4_001, 10)) <= found
    assert max(found) < 4_000 + 400


@pytest.mark.parametrize("make", [live, replayed])
async def test_a_clock_that_is_five_minutes_fast_does_not_end_the_reading(make: Any) -> None:
    records = make(range(0, 10_000, 10))
    records[500] = (5_000 + 299, records[500][1], b"event")
    assert {4_990, 5_010, 5_200} <= await read(Partition(records), 5_200)


@pytest.mark.parametrize("make", [live, replayed])
@pytest.mark.parametrize("late_at", range(4_000, 6_000, 90))
async def test_a_row_as_late_as_may_be_does_not_lead_astray(make: Any, late_at: int) -> None:
    records = make(range(0, 10_000, 10))
    for n in range(late_at // 10, late_at // 10 + 40):
        records[n] = (records[n][0] - GRACE_S, records[n][1], b"event")
    wanted = {event for event, _, _ in records if 5_100 <= event <= 6_000}
    assert wanted <= await read(Partition(records), 6_000)


async def test_what_was_filled_in_later_does_not_lead_astray() -> None:
    filled = [(second, 50_000, b"event") for second in range(-90_000, -86_000)]  # indicators say not what they are
    partition = Partition([*live(range(0, 50_000, 10)), *filled, *live(range(50_000, 60_000, 10))])
    assert set(range(39_100, 40_001, 10)) <= await read(partition, 40_000)
    assert set(range(49_100, 50_001, 10)) <= await read(partition, 50_000)


async def test_a_marked_backfill_neither_ends_the_reading_nor_says_where_it_is() -> None:
    records = [*replayed(range(0, 40_000, 10)), *((90_000, 10_000_000, OTHER.encode()),) * 500]
    assert set(range(39_000, 39_501, 10)) <= await read(Partition(records), 39_500)


async def test_a_small_log_is_read_from_its_beginning_whatever_its_times() -> None:
    records = [*replayed(range(0, 3_000, 10)), *replayed(range(-90_000, -80_000, 10))]
    assert set(range(0, 1_001, 10)) <= await read(Partition(records), 1_000, small=5_000)


@pytest.mark.parametrize("look_back_s", [None, LOOK_BACK_S])
async def test_a_time_that_the_log_has_dropped_is_an_error_that_says_what_is_left(look_back_s: float | None) -> None:
    with pytest.raises(OutOfLogError, match=r"before what .* vitals\.indicators begins at 2026-01-01T01:00:00Z"):
        await read(Partition(live(range(3_600, 9_000, 10)), begin=70), 3_000, look_back_s)


async def test_before_a_log_that_has_dropped_nothing_there_was_nothing() -> None:
    found = await read(Partition(live(range(3_600, 9_000, 10))), 1_000)
    assert all(event > 1_000 for event in found)


async def test_an_empty_partition_holds_nothing() -> None:
    assert await read(Partition([], begin=70), 1_000) == set()
