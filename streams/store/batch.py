"""Records of a topic-partition become work: points to write, and what to count once they are written.

``Intake`` reads ahead of what is confirmed; ``Batch`` is what one write confirms; ``Progress`` is what has been
confirmed and may be committed. All pure.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from schemas import channels
from schemas.judged import Judged, decode_judged
from schemas.watermarks import WATERMARK_TYPE
from streams.delivery.records import Record
from streams.store.counters import SourceCounts, source_key
from streams.store.points import Block, Bucket, Origin, Refusal
from streams.store.rows import Limits, Rows, event_rows, judged_rows

log = logging.getLogger(__name__)
REVISIONS_KEPT = 50_000  # windows that late rows have revised: some 20 MB; those of 500,000 devices in 10 minutes


class Slot(NamedTuple):
    """A topic-partition that is read; the topic is without namespace."""

    topic: str
    partition: int


class Share(NamedTuple):
    """What one judged record adds to its source partition's counts, when it is confirmed."""

    slot: Slot
    key: str
    next: int
    total: int
    rows: int
    expired: int
    skipped: int
    missing: int


@dataclass(slots=True)
class Batch:
    """Records that are confirmed together."""

    opened: float  # of a monotonic clock
    blocks: dict[Bucket, list[Block]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    cuts: dict[Slot, int] = field(default_factory=dict)  # offset after the last record of each
    appended_ms: list[int] = field(default_factory=list)  # when those that hold something were appended
    points: int = 0
    records: int = 0

    def add(self, rows: Rows) -> None:
        """Take the points of one record."""
        self.refused += rows.refused
        for block in rows.blocks:
            self.blocks.setdefault(block.bucket, []).append(block)
            self.points += block.rows


class Intake:
    """Reads records in log order, ahead of what is confirmed: repeats are skipped, gaps are noticed."""

    def __init__(self, confirmed: Mapping[str, SourceCounts]) -> None:
        self._seen = {key: (counts.next, counts.total) for key, counts in confirmed.items()}
        self._revised: dict[Hashable, float] = {}  # indicator and window -> its revision, where that is above 0

    def take(self, record: Record, limits: Limits, batch: Batch) -> None:
        """Put what one record holds into a batch."""
        slot = Slot(record.topic, record.partition)
        batch.cuts[slot] = record.offset + 1
        batch.records += 1
        if not record.value or record.headers.get("ce_type") == WATERMARK_TYPE.encode():
            return
        batch.appended_ms.append(record.append_ns // 1_000_000)
        origin = Origin(record.topic, record.partition, record.offset, record.append_ns)
        try:
            if record.topic == channels.JUDGED:
                self._take_judged(decode_judged(record.value), slot, limits, record.append_ns, batch)
            else:
                rows = event_rows(record.value, origin)
                if record.topic != channels.INDICATORS or self._is_newest(rows):
                    batch.add(rows)
        except (msgspec.MsgspecError, ValueError) as error:
            batch.refused.append(Refusal(origin, record.value, f"not what {record.topic} carries: {error}"))

    def _is_newest(self, rows: Rows) -> bool:
        """Whether an indicator is not older than what was seen of its window: else it would overwrite a newer point.

        Such a one comes from a worker that was stopped, and went on when another had long taken over.
        """
        for block in rows.blocks:
            for point in block.points:
                key, revision = (block.bucket, point.tags, point.time_ns), point.numbers[-1] or 0.0
                if revision < self._revised.get(key, 0.0):
                    return False
                if revision > 0.0:
                    self._revised.pop(key, None)
                    self._revised[key] = revision
        while len(self._revised) > REVISIONS_KEPT:
            del self._revised[next(iter(self._revised))]
        return True

    def _take_judged(self, judged: Judged, slot: Slot, limits: Limits, append_ns: int, batch: Batch) -> None:
        key = source_key(judged.source, judged.partition)
        seen_next, seen_total = self._seen.get(key, (0, 0))
        if judged.offset < seen_next:
            return  # sense repeats itself after a crash; these rows are on their way already
        rows = judged_rows(judged, limits, append_ns)
        missing = abs(judged.total - seen_total - rows.total)
        if missing:
            log.error(
                "%s: %d rows judged before offset %d never came (total %d, seen %d and %d)",
                key, missing, judged.offset, judged.total, seen_total, rows.total,
            )  # fmt: skip
        self._seen[key] = (judged.offset + 1, judged.total)
        batch.add(rows)
        ends = (rows.total, rows.expired, rows.skipped, missing)
        batch.shares.append(Share(slot, key, judged.offset + 1, judged.total, *ends))


class Ends(NamedTuple):
    """How the rows of a batch have ended."""

    stored: int
    expired: int
    skipped: int
    store_dead: int


class Progress:
    """What the database has confirmed, by topic-partition: the next offset, and the counts of its source partitions."""

    def __init__(self, offsets: Mapping[Slot, int], counts: Mapping[Slot, dict[str, SourceCounts]]) -> None:
        self.offsets = dict(offsets)
        self.counts = {slot: dict(of_slot) for slot, of_slot in counts.items()}
        self.changed: set[Slot] = set()

    def confirm(self, batch: Batch, refused: list[Refusal]) -> Ends:
        """Count a batch that the database has confirmed but for what it ``refused``."""
        for share in batch.shares:
            counts = self.counts.setdefault(share.slot, {}).setdefault(share.key, SourceCounts())
            counts.next, counts.total = share.next, share.total
            counts.stored += share.rows - share.expired - share.skipped
            counts.expired += share.expired
            counts.skipped += share.skipped
            counts.missing += share.missing
        slots = {share.key: share.slot for share in batch.shares}
        for refusal in (*batch.refused, *refused):
            key = source_key(refusal.origin.topic, refusal.origin.partition)
            if key in slots:  # a row of a source; alerts and the like are in no balance
                counts = self.counts[slots[key]][key]
                counts.stored -= 1
                counts.expired += refusal.expired
                counts.store_dead += not refusal.expired
        self.offsets |= batch.cuts
        self.changed |= set(batch.cuts)
        late = sum(refusal.expired for refusal in refused)
        return Ends(
            stored=batch.points - len(refused),
            expired=late + sum(share.expired for share in batch.shares),
            skipped=sum(share.skipped for share in batch.shares),
            store_dead=len(batch.refused) + len(refused) - late,
        )
