"""Reads a partition around an event time: from a span before it to where nothing of it can follow.

Where to begin is told by the times of append: an event more than ``FUTURE_NS`` ahead of its append is dead, so what
was appended before a time holds nothing much later. A replay appends long after its events' times; there the times of
append tell nothing (all lies after), and a log too long to be read whole is halved by the events' own times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.times import SECOND_NS, format_time
from streams.delivery.watermarks import is_watermark
from streams.sense.judging import FUTURE_NS
from streams.settings import SettingsError
from streams.state.manifest import read_to_end

MILLISECOND_NS = 1_000_000
SMALL = 50_000  # records that are rather read whole than halved: a backfill leads the halving astray
SLACK_NS = 60 * SECOND_NS  # how long an event is on its way from stage to stage
Found = ConsumerRecord[bytes, bytes]
TimeOf = Callable[[Found], int | None]  # event time (ns); None: says nothing of where in the log it lies


class OutOfLogError(SettingsError):
    """A time lies before what the log still holds."""


class Around:
    """Reads around one event time.

    Parameters
    ----------
    late_ns
        Events may come so late after others (the grace period).
    behind_ns
        How far event time lies behind the broker's clock, in trials.
    """

    def __init__(
        self, reader: AIOKafkaConsumer, at_ns: int, late_ns: int, behind_ns: int = 0, small: int = SMALL
    ) -> None:
        self._reader, self._at_ns, self._late_ns, self._behind_ns = reader, at_ns, late_ns, behind_ns
        self._small = small

    async def read(self, place: TopicPartition, time_of: TimeOf, look_back_s: float | None) -> AsyncIterator[Found]:
        """Yield events from ``look_back_s`` before the time (``None``: from the beginning) to some time after it.

        Raises
        ------
        OutOfLogError
            The log has dropped what lay there.
        """
        begin, end = await self._bounds(place)
        if begin > 0:
            await self._reaches(place, begin, end, time_of)
        since_ns = None if look_back_s is None else self._at_ns - round(look_back_s * SECOND_NS) - SLACK_NS
        first = begin if since_ns is None else await self._start(place, begin, end, since_ns, time_of)
        until_ns = self._at_ns + FUTURE_NS + SLACK_NS  # one clock that is fast must not hide the others' events
        async for record in read_to_end(self._reader, [place], {place: first}):
            if not _is_event(record):
                continue
            time_ns = time_of(record)
            if time_ns is not None and time_ns > until_ns:
                return
            yield record

    async def _bounds(self, place: TopicPartition) -> tuple[int, int]:
        begin = (await self._reader.beginning_offsets([place]))[place]
        return begin, (await self._reader.end_offsets([place]))[place]

    async def _reaches(self, place: TopicPartition, begin: int, end: int, time_of: TimeOf) -> None:
        first = await self._first(place, begin, end, time_of)
        if first is not None and first[1] > self._at_ns:
            at, oldest = format_time(self._at_ns), format_time(first[1])
            raise OutOfLogError(f"{at} is before what the log still holds: {place.topic} begins at {oldest}")

    async def _start(self, place: TopicPartition, begin: int, end: int, since_ns: int, time_of: TimeOf) -> int:
        append_ns = max(0, since_ns - FUTURE_NS + self._behind_ns)
        appended = (await self._reader.offsets_for_times({place: append_ns // MILLISECOND_NS}))[place]
        start = end if appended is None else int(appended.offset)
        if start > begin or end - begin <= self._small:
            return start
        return await self._halve(place, begin, end, since_ns - self._late_ns, time_of)

    async def _halve(self, place: TopicPartition, low: int, high: int, time_ns: int, time_of: TimeOf) -> int:
        """Return an offset before which nothing lies that is later than ``time_ns`` by more than the grace period."""
        while low < high:
            middle = (low + high) // 2
            found = await self._first(place, middle, high, time_of)
            if found is None or found[1] >= time_ns:
                high = middle
            else:
                low = found[0] + 1
        return low

    async def _first(self, place: TopicPartition, offset: int, end: int, time_of: TimeOf) -> tuple[int, int] | None:
        """Return offset and time of the first event with a time from ``offset`` on; ``None``: none before ``end``."""
        if offset >= end:
            return None
        self._reader.assign([place])
        self._reader.seek(place, offset)
        while True:
            record: Found = await self._reader.getone(place)
            time_ns = time_of(record) if _is_event(record) else None
            if record.offset < end and time_ns is not None:
                return record.offset, time_ns
            if record.offset + 1 >= end:
                return None


def _is_event(record: Found) -> bool:
    return bool(record.value) and not is_watermark(dict(record.headers))
