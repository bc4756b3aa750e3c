"""What became of the elements of a record: nothing is left out, and each reason has its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.refusals import Reason
from streams.dead_letters.words import WORDS
from streams.trace.fate import RecordTrace, Refused, Row, shares
from streams.trace.search import Trace
from streams.trace.words import render

ROW = Row(name="d/q", time="2026-01-01T00:00:00Z", value=1.0, quality=1.0)


def refused(index: int | None, reason: Reason = Reason.SCHEMA) -> Refused:
    return Refused(index=index, reason=str(reason), detail="the detail", id=f"vitals.readings:0:1:{index}")


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_what_sense_has_passed_and_is_nowhere_else_is_a_duplicate(judged: int, late: int, dead: int, left: int) -> None:
    letters = [refused(i) for i in range(dead)] * 2  # a letter that was sent again is one
    found = shares(judged + late + dead + left, [ROW] * judged, [ROW] * late, letters, is_passed=True)
    assert found == (judged, late, dead, left)


def test_a_record_that_was_refused_as_a_whole_counts_as_one() -> None:
    assert shares(100, [], [], [refused(None)], is_passed=True) == (0, 0, 1, 0)


def test_nothing_is_a_duplicate_before_sense_has_passed_it() -> None:
    assert shares(3, [], [], [], is_passed=False) == (0, 0, 0, 0)


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    record = RecordTrace(
        place="vitals.readings:0:1", appended="2026-01-01T00:00:00Z", key="u", id="i", source="s", came_from=None,
        fault=None, backfill=False, elements=1, judged=0, late=0, dead=1, duplicate=0, behind=None, stored=None,
        refused=(refused(0, reason),),
    )  # fmt: skip
    said = render(Trace(id="i", records=(record,)))
    assert all(part in said for part in (*WORDS[reason], "the detail", "element 0", str(reason)))
