"""Records in, events out: what dispatch decides on, in the one order in which it decides.

An alert counts at its ``sent`` time, feedback at its own; neither earlier than what its topic had promised when it
came, so that nothing arrives behind a decision whatever the order of fetches.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.bounded import decode_one
from schemas.envelope import PROVISIONAL, dedup_key, read_envelope
from schemas.feedback import Feedback
from schemas.refusals import Reason, RefusedError
from schemas.times import parse_time
from schemas.watermarks import Watermark
from streams.delivery.records import Record
from streams.delivery.watermarks import BandClock, SourceClock, decode_watermark, is_watermark

MAX_FEEDBACK_BYTES = 16_384
MAX_ALERT_BYTES = 1 << 20
MAX_ID_LENGTH = 128
BUFFER_BLOCKS = 16
ALERT, FEEDBACK = 0, 1  # kinds, in order at one time; timers follow
_alerts = msgspec.json.Decoder(Alert)
_feedback = msgspec.json.Decoder(Feedback)


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One word of feedback with its place in the log, for its dead letter."""

    feedback: Feedback
    id: str
    copy_key: str | None  # what two copies of one word share; ``None`` without an envelope
    partition: int
    offset: int
    key: bytes | None
    raw: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True, order=False):
    """An alert or a word of feedback that waits for the watermark; ``rank`` is its place in the order of decisions.

    ``rank`` is (kind, alert id, version), or (kind, offset with leading zeros, 0): the log's own order.
    """

    time_ns: int
    rank: tuple[int, str, int]
    alert: Alert | None = None
    heard: Heard | None = None


class Clocks(msgspec.Struct, kw_only=True):
    """The watermarks of both topics, as they are kept in a state block."""

    alerts: int
    feedback: int


def block_of(event: Event) -> int:
    """Return the block in which an event is kept."""
    return zlib.crc32(event.rank[1].encode()) % BUFFER_BLOCKS


class Intake:
    """The clocks and the buffer of what is not decided yet."""

    def __init__(self, partition: int, disorder_ns: int) -> None:
        self._partition = partition
        self._disorder_ns = disorder_ns
        self.restore((), Clocks(alerts=0, feedback=0))

    def restore(self, events: Iterable[Event], clocks: Clocks) -> None:
        """Take what ``events`` and ``clocks`` gave."""
        self._band = BandClock((channels.ALERTS,), 1)
        self._band.observe(channels.ALERTS, Watermark(source_partition=0, watermark=clocks.alerts))
        self._source = SourceClock((channels.FEEDBACK,), self._disorder_ns)
        self._source.by_topic[channels.FEEDBACK] = clocks.feedback
        self._heap: list[tuple[int, tuple[int, str, int], Event]] = []
        self._ranks: set[tuple[int, str, int]] = set()
        self.changed_blocks: set[int] = set()
        for event in events:
            self._put(event)
        self.changed_blocks.clear()

    def events(self) -> list[Event]:
        """Return what is not decided yet, in order."""
        return [event for *_, event in sorted(self._heap, key=lambda item: item[:2])]

    def clocks(self) -> Clocks:
        return Clocks(alerts=self._band.minimum(), feedback=self._source.minimum())

    def watermark(self) -> int:
        """Return what both topics have passed."""
        return min(self._band.minimum(), self._source.minimum())

    def head(self) -> tuple[int, int] | None:
        """Return time and kind of the next event."""
        return (self._heap[0][0], self._heap[0][1][0]) if self._heap else None

    def pop(self) -> Event:
        event = heapq.heappop(self._heap)[2]
        self._ranks.discard(event.rank)
        self.changed_blocks.add(block_of(event))
        return event

    def take(self, record: Record) -> None:
        """Take one record of either topic.

        Raises
        ------
        RefusedError
            The record says nothing that can be judged; it moves no clock.
        """
        if record.topic == channels.ALERTS:
            self._take_alert(record)
        else:
            self._take_feedback(record)

    def _take_alert(self, record: Record) -> None:
        if is_watermark(record.headers):
            mark = decode_watermark(record.value)
            if mark.source_partition == self._partition:
                own = Watermark(source_partition=0, watermark=mark.watermark)
                self._band.observe(channels.ALERTS, own)
            return
        if record.headers.get(PROVISIONAL) == b"true":
            return
        alert = decode_one(_alerts, record.value, MAX_ALERT_BYTES)
        time_ns = max(_time_of(alert.sent), self._band.minimum())
        self._put(Event(time_ns=time_ns, rank=(ALERT, alert.alert_id, alert.version), alert=alert))

    def _take_feedback(self, record: Record) -> None:
        envelope = read_envelope(record.headers)
        if envelope.is_tick:
            if envelope.time_ns is not None:
                self._source.observe(channels.FEEDBACK, envelope.time_ns, record.append_ns)
            return
        feedback = decode_one(_feedback, record.value, MAX_FEEDBACK_BYTES)
        said_ns = _time_of(feedback.time)
        time_ns = max(min(said_ns, record.append_ns), self._source.minimum())
        self._source.observe(channels.FEEDBACK, said_ns, record.append_ns)
        copy = dedup_key(envelope)
        heard = Heard(
            feedback=feedback,
            id=(envelope.id or f"{record.topic}/{record.partition}/{record.offset}")[:MAX_ID_LENGTH],
            copy_key=None if copy is None else copy.hex(),
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            raw=record.value,
        )
        self._put(Event(time_ns=time_ns, rank=(FEEDBACK, f"{record.offset:020d}", 0), heard=heard))

    def _put(self, event: Event) -> None:
        if event.rank in self._ranks:
            return  # the same version again, after a crash upstream: the first one counts
        self._ranks.add(event.rank)
        self.changed_blocks.add(block_of(event))
        heapq.heappush(self._heap, (event.time_ns, event.rank, event))


def _time_of(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise RefusedError(Reason.SCHEMA, str(error)) from error
