from __future__ import annotations

import logging

import msgspec
import pytest

from schemas import channels
from schemas.judged import Judged, encode_judged
from schemas.signs import Indicator
from streams.delivery.records import Record
from streams.delivery.watermarks import WATERMARK_HEADERS, encode_watermark
from streams.store.batch import Batch, Ends, Intake, Progress, Slot
from streams.store.counters import SourceCounts
from streams.store.line_protocol import Heads
from streams.store.points import Bucket, Origin, Refusal
from streams.store.rows import Limits
from tests.streams.store.rig import packs

LIMITS = Limits(oldest_ns=0, keep_readings=True, heads=Heads({"LAeq"}))
SLOT = Slot(channels.JUDGED, 3)
KEY = "vitals.readings/3"


def record(value: bytes, offset: int, topic: str = channels.JUDGED, **headers: bytes) -> Record:
    return Record(topic=topic, partition=3, offset=offset, append_ns=0, key=None, value=value, headers=headers)


def taken(judged: list[Judged], intake: Intake | None = None) -> Batch:
    batch = Batch(opened=0.0)
    reader = intake or Intake({})
    for offset, each in enumerate(judged):
        reader.take(record(encode_judged(each), offset), LIMITS, batch)
    return batch


def test_confirmed_rows_are_counted_with_the_offset() -> None:
    progress = Progress({}, {})
    ends = progress.confirm(taken(packs(3, 4, 10, 1)), [])
    assert ends == Ends(stored=40, expired=0, skipped=0, store_dead=0)
    assert progress.offsets == {SLOT: 4}
    assert progress.counts == {SLOT: {KEY: SourceCounts(next=4, total=40, stored=40)}}
    assert progress.changed == {SLOT}


def test_repeats_of_sense_are_neither_written_nor_counted() -> None:
    judged = packs(3, 4, 10, 1)
    progress = Progress({}, {})
    progress.confirm(taken([*judged[:3], *judged[1:]]), [])
    assert progress.counts[SLOT][KEY] == SourceCounts(next=4, total=40, stored=40)
    assert progress.offsets == {SLOT: 6}


def test_repeats_after_a_restart_are_skipped_by_the_committed_counters() -> None:
    batch = taken(packs(3, 4, 10, 1), Intake({KEY: SourceCounts(next=3, total=30, stored=30)}))
    assert batch.points == 10


def test_rows_that_never_came_are_missing(caplog: pytest.LogCaptureFixture) -> None:
    judged = packs(3, 4, 10, 1)
    progress = Progress({}, {})
    with caplog.at_level(logging.ERROR):
        progress.confirm(taken([judged[0], judged[3]]), [])
    assert progress.counts[SLOT][KEY] == SourceCounts(next=4, total=40, stored=20, missing=20)
    assert "20 rows judged before offset 3 never came" in caplog.text


def test_a_refused_row_is_dead_or_expired_instead_of_stored() -> None:
    progress = Progress({}, {})
    origin = Origin("vitals.readings", 3, 1)
    refused = [Refusal(origin, b"line", "no"), Refusal(origin, b"line", "too old", expired=True)]
    ends = progress.confirm(taken(packs(3, 4, 10, 1)), refused)
    counts = progress.counts[SLOT][KEY]
    assert counts == SourceCounts(next=4, total=40, stored=38, expired=1, store_dead=1)
    assert counts.is_closed()
    assert ends == Ends(stored=38, expired=1, skipped=0, store_dead=1)


def test_watermarks_and_empty_values_only_move_the_offset() -> None:
    batch = Batch(opened=0.0)
    intake = Intake({})
    intake.take(record(encode_watermark(3, 5), 0, channels.ALERTS, **dict(WATERMARK_HEADERS)), LIMITS, batch)
    intake.take(record(b"", 1, channels.ALERTS), LIMITS, batch)
    assert (batch.points, batch.refused, batch.cuts) == (0, [], {Slot(channels.ALERTS, 3): 2})


@pytest.mark.parametrize("topic", [channels.JUDGED, channels.INDICATORS, channels.ALERTS, channels.ORDERS])
def test_what_cannot_be_read_is_a_dead_letter_and_holds_nothing_up(topic: str) -> None:
    batch = Batch(opened=0.0)
    Intake({}).take(record(b"\xffnonsense", 9, topic), LIMITS, batch)
    assert [refusal.origin for refusal in batch.refused] == [Origin(topic, 3, 9)]
    assert batch.cuts == {Slot(topic, 3): 10}
    Progress({}, {}).confirm(batch, [])


@pytest.mark.parametrize(
    ("revisions", "written"), [((0, 1, 0), [0, 1]), ((0, 2, 1, 2, 3), [0, 2, 2, 3]), ((0, 0), [0, 0])]
)
def test_an_older_revision_of_a_window_overwrites_no_newer_one(revisions: tuple[int, ...], written: list[int]) -> None:
    intake, batch = Intake({}), Batch(opened=0.0)
    for offset, revision in enumerate(revisions):
        intake.take(record(indicator(revision), offset, channels.INDICATORS), LIMITS, batch)
    points = [point for block in batch.blocks[Bucket("actual", "vitals")] for point in block.points]
    assert [point.numbers[-1] for point in points] == written
    assert batch.cuts == {Slot(channels.INDICATORS, 3): len(revisions)}


def test_what_is_kept_of_revisions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.store.batch.REVISIONS_KEPT", 2)
    intake, batch = Intake({}), Batch(opened=0.0)
    for offset, unit in enumerate(("a", "b", "c")):
        intake.take(record(indicator(1, unit), offset, channels.INDICATORS), LIMITS, batch)
    for offset, unit in enumerate(("a", "c"), 3):
        intake.take(record(indicator(0, unit), offset, channels.INDICATORS), LIMITS, batch)
    points = [point for block in batch.blocks[Bucket("actual", "vitals")] for point in block.points]
    assert [point.tags[0] for point in points] == ["a", "b", "c", "a"]


def indicator(revision: int, unit_id: str = "u1") -> bytes:
    return msgspec.json.encode(
        Indicator(
            unit_id=unit_id, indicator="noise", mode="actual", window_start="2026-01-01T00:00:00Z", window_s=60.0,
            value=61.2, unit="dB", score=72.0, colour="yellow", n=30, coverage=0.9, revision=revision,
        )
    )  # fmt: skip
