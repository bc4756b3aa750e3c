"""Event time of a partition: one watermark a source topic, moved by its own records only; their minimum decides.

All times are int64 ns. A watermark W of a topic says: what comes with an earlier time than W is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from schemas.bounded import decode_one
from schemas.watermarks import WATERMARK_TYPE, Watermark

START = 0


class SourceClock:
    """Watermarks of topics that carry events and ticks: max of min(event time, append time), minus the disorder."""

    def __init__(self, topics: Iterable[str], disorder_ns: int) -> None:
        self._disorder_ns = disorder_ns
        self.by_topic: dict[str, int] = dict.fromkeys(topics, START)

    def observe(self, topic: str, event_ns: int, append_ns: int) -> None:
        """Move the topic's watermark by one record's newest event time (a tick's is its ``ce_time``)."""
        candidate = min(event_ns, append_ns) - self._disorder_ns
        self.by_topic[topic] = max(self.by_topic[topic], candidate)

    def of(self, topic: str) -> int:
        """Return the watermark of one topic."""
        return self.by_topic[topic]

    def minimum(self) -> int:
        """Return what all topics have passed."""
        return min(self.by_topic.values())


class BandClock:
    """Watermarks that an upstream stage passes in band: one for each of its partitions; their minimum counts."""

    def __init__(self, topics: Iterable[str], source_partitions: int) -> None:
        self.by_topic: dict[str, list[int]] = {topic: [START] * source_partitions for topic in topics}

    def observe(self, topic: str, mark: Watermark) -> None:
        """Take one in-band watermark; an older one (a replay) changes nothing."""
        marks = self.by_topic[topic]
        marks[mark.source_partition] = max(marks[mark.source_partition], mark.watermark)

    def minimum(self) -> int:
        """Return what every upstream partition has passed, in every topic."""
        return min(min(marks) for marks in self.by_topic.values())


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Watermark)
WATERMARK_HEADERS = (("ce_specversion", b"1.0"), ("ce_type", WATERMARK_TYPE.encode()))


def encode_watermark(source_partition: int, watermark: int) -> bytes:
    """Return the value of an in-band watermark record (its headers are ``WATERMARK_HEADERS``, its key ``None``)."""
    return _encoder.encode(Watermark(source_partition=source_partition, watermark=watermark))


def is_watermark(headers: Mapping[str, bytes]) -> bool:
    """Whether a record is an in-band watermark."""
    return headers.get("ce_type") == WATERMARK_TYPE.encode()


def decode_watermark(raw: bytes) -> Watermark:
    """Return what ``encode_watermark`` wrote; ``RefusedError`` if it is none."""
    return decode_one(_decoder, raw)
