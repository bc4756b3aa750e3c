"""What sense writes: judged and late rows, dead letters, anomalies, signs and watermarks, as effects."""

from __future__ import annotations

from collections import Counter

import msgspec

from schemas import channels
from schemas.anomalies import Anomaly
from schemas.dead_letters import dead_letter_headers
from schemas.envelope import MAX_HEADER_BYTES, write_envelope
from schemas.ids import Mode, district_of
from schemas.judged import Judged, encode_judged
from schemas.refusals import Reason
from schemas.signs import Indicator, UnitScores
from schemas.times import parse_time
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS, encode_watermark
from streams.topics import DISTRICT_PARTITIONS, partition_for

SOURCE = "urn:vitals:stage:sense"
# The headers that a dead letter of one row takes along; of others a record may hold so many that its letters drown us.
ROW_HEADERS = frozenset(
    (
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_sequence", "traceparent", "vitals_mode",
        "vitals_backfill",
    )
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


class Outbox:
    """Effects of one fold, in the order in which they must be sent."""

    def __init__(self, partition: int) -> None:
        self.effects: list[Effect] = []
        self.refused: Counter[Reason] = Counter()
        self._partition = partition

    def judged(self, judged: Judged) -> None:
        """Pass on the accepted rows of a record."""
        self._by_unit(channels.JUDGED, judged.unit_id, encode_judged(judged))

    def late(self, judged: Judged) -> None:
        """Set aside rows that came after the grace period."""
        self._by_unit(channels.LATE, judged.unit_id, encode_judged(judged))

    def dead(
        self, record: Record, reason: Reason, detail: str, index: int | None = None, value: bytes | None = None
    ) -> None:
        """Refuse a record, or one row of it (``index``, with the row alone as ``value``)."""
        self.refused[reason] += 1
        headers = dead_letter_headers(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            index=index,
            reason=reason,
            detail=detail,
            time_ns=record.append_ns,
        )
        kept = tuple((name, raw) for name, raw in record.headers.items() if not name.startswith("dl_"))
        if index is not None:
            kept = tuple((name, raw) for name, raw in kept if name in ROW_HEADERS and len(raw) <= MAX_HEADER_BYTES)
        self.effects.append(
            Effect(
                topic=channels.DEAD_LETTERS,
                key=record.key,
                value=record.value if value is None else value,
                headers=(*kept, *headers),
                partition=self._partition,
            )
        )

    def anomaly(self, anomaly: Anomaly) -> None:
        """Tell of one phase of an anomaly."""
        time_ns = parse_time(anomaly.time)
        ident = f"{anomaly.id}:{anomaly.phase}:{time_ns}"
        headers = _headers(channels.ANOMALIES, ident, time_ns, anomaly.mode)
        self._by_district(channels.ANOMALIES, anomaly.unit_id, _encode(anomaly), headers)

    def indicator(self, indicator: Indicator) -> None:
        """Publish an indicator."""
        self._by_unit(channels.INDICATORS, indicator.unit_id, _encode(indicator))

    def scores(self, scores: UnitScores) -> None:
        """Publish a unit's scores for the roll-up."""
        time_ns = parse_time(scores.window_start)
        ident = f"{scores.unit_id}:{scores.mode}:{time_ns}:{scores.revision}"
        headers = _headers(channels.UNIT_SCORES, ident, time_ns, scores.mode)
        self._by_district(channels.UNIT_SCORES, scores.unit_id, _encode(scores), headers)

    def watermark(self, watermark: int) -> None:
        """Promise every district partition that nothing earlier follows from this partition."""
        value = encode_watermark(self._partition, watermark)
        for topic in (channels.UNIT_SCORES, channels.ANOMALIES):
            for partition in range(DISTRICT_PARTITIONS):
                self.effects.append(
                    Effect(topic=topic, key=None, value=value, headers=WATERMARK_HEADERS, partition=partition)
                )

    def _by_unit(self, topic: str, unit_id: str, value: bytes) -> None:
        self.effects.append(Effect(topic=topic, key=unit_id.encode(), value=value, partition=self._partition))

    def _by_district(self, topic: str, unit_id: str, value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
        key = district_of(unit_id).encode()
        partition = partition_for(key, DISTRICT_PARTITIONS)
        self.effects.append(Effect(topic=topic, key=key, value=value, headers=headers, partition=partition))


def _headers(topic: str, ident: str, time_ns: int, mode: Mode) -> tuple[tuple[str, bytes], ...]:
    return write_envelope(id=ident, source=SOURCE, type=channels.EVENT_TYPES[topic], time_ns=time_ns, mode=mode)
