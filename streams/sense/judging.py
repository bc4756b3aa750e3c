"""One record under judgement: what its rows are held against, and what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.crowd import CrowdRow
from schemas.envelope import Envelope
from schemas.ids import Mode
from schemas.judged import Judged, ReadingColumns
from schemas.refusals import Reason
from schemas.reports import Report
from schemas.times import SECOND_NS
from schemas.video import VideoRow
from streams.delivery.records import Record
from streams.sense.outbox import Outbox

FUTURE_NS = 300 * SECOND_NS


@dataclass(slots=True)
class Tally:
    """What became of the rows of one record."""

    rows: int = 0
    judged: int = 0
    late: int = 0
    dead: int = 0
    duplicate: int = 0
    unscored: int = 0  # of the judged ones: a backfill into windows that are gone
    newest_ns: int | None = None  # event time of the newest accepted row


@dataclass(slots=True)
class Judging:
    """A record, the bounds that its rows must keep, and the outcome so far."""

    record: Record
    envelope: Envelope
    unit_id: str
    watermark: int  # of the record's own topic-partition, before the record
    grace_ns: int
    outbox: Outbox
    tally: Tally = field(default_factory=Tally)

    @property
    def base_ns(self) -> int:
        """Return what relative times are relative to."""
        return self.record.append_ns if self.envelope.time_ns is None else self.envelope.time_ns

    @property
    def latest_ns(self) -> int:
        """Return the last time that is not in the future: 5 minutes ahead of the record."""
        return self.record.append_ns + FUTURE_NS

    @property
    def oldest_ns(self) -> int:
        """Return the first time that windows still take."""
        return self.watermark - self.grace_ns

    def is_too_late(self, time_ns: int) -> bool:
        """Whether a row came after the grace period; a backfill never does."""
        return time_ns < self.oldest_ns and not self.envelope.is_backfill

    def is_on_time(self, time_ns: int) -> bool:
        """Whether a row may raise and clear."""
        return time_ns >= self.watermark and not self.envelope.is_backfill

    def refuse(self, reason: Reason, detail: str, index: int, value: bytes) -> None:
        """Refuse one row; ``value`` is a record of it alone."""
        self.tally.dead += 1
        self.outbox.dead(self.record, reason, detail, index, value)

    def take(self, count: int, newest_ns: int) -> None:
        """Count rows as judged."""
        self.tally.judged += count
        self.tally.newest_ns = max(newest_ns, self.tally.newest_ns or 0)

    def set_aside(self, late: Judged, count: int) -> None:
        """Count rows as late and pass them on as such."""
        self.tally.late += count
        self.outbox.late(late)

    def judged(
        self,
        *,
        readings: ReadingColumns | None = None,
        crowd: tuple[CrowdRow, ...] | None = None,
        video: tuple[VideoRow, ...] | None = None,
        reports: tuple[Report, ...] | None = None,
        modes: tuple[Mode, ...] = (),
    ) -> Judged:
        """Return rows of this record as they go on; the running total is put in later."""
        return Judged(
            source=self.record.topic,
            partition=self.record.partition,
            offset=self.record.offset,
            unit_id=self.unit_id,
            total=0,
            backfill=self.envelope.is_backfill,
            readings=readings,
            crowd=crowd,
            video=video,
            reports=reports,
            modes=modes,
        )
