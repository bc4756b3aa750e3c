"""What became of each source partition's rows, kept in the metadata of the offsets that it belongs to.

Kafka writes an offset and its metadata at once, so the counters move with the offsets and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

FORMAT = 1
MAX_BYTES = 1_500  # Kafka's own limit is 4,096 (offset.metadata.max.bytes)


class CountersError(Exception):
    """The metadata of an offset is not ours: another program uses the group."""


class SourceCounts(msgspec.Struct, array_like=True):
    """One source partition: how far it has come, and where its rows have ended.

    ``total`` is the rows that were judged up to ``next``; ``missing`` those of them that never came.
    """

    next: int = 0  # source offset after the last record seen
    total: int = 0
    stored: int = 0
    expired: int = 0
    skipped: int = 0
    store_dead: int = 0
    missing: int = 0

    def is_closed(self) -> bool:
        """Whether every row that was judged has come and has ended somewhere."""
        return self.missing == 0 and self.total == self.stored + self.expired + self.skipped + self.store_dead


class _Metadata(msgspec.Struct):
    f: int
    s: dict[str, SourceCounts]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Metadata)


def source_key(topic: str, partition: int) -> str:
    """Return the name under which a source partition is counted."""
    return f"{topic}/{partition}"


def split_key(key: str) -> tuple[str, int]:
    """Return topic and partition of a name."""
    topic, _, partition = key.rpartition("/")
    return topic, int(partition)


def encode_counters(counts: Mapping[str, SourceCounts]) -> str:
    """Return the metadata string; ``CountersError`` where it would be too long for the broker."""
    text = _encoder.encode(_Metadata(FORMAT, dict(counts))).decode()
    if len(text) > MAX_BYTES:
        raise CountersError(
            f"counters of {len(counts)} source partitions need {len(text)} bytes, more than {MAX_BYTES}"
        )
    return text


def decode_counters(text: str | None) -> dict[str, SourceCounts]:
    """Return what ``encode_counters`` wrote; nothing for no metadata."""
    if not text:
        return {}
    try:
        found = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise CountersError(f"offset metadata {text[:80]!r} is not the store's: {error}") from error
    if found.f != FORMAT:
        raise CountersError(f"offset metadata of format {found.f}, this version reads {FORMAT}")
    return found.s
