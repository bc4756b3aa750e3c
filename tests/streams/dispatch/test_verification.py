"""When a thing counts as put right, and who has to say so."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas import channels
from schemas.alerts import AlertSubject
from streams.dispatch.case import Case, KnownAlert
from streams.dispatch.clocks import terms_of
from streams.dispatch.verification import close, is_back, needs_check, needs_person, settle_at, subjects_of
from streams.pace import Pace
from tests.streams.dispatch.builders import CATALOGUE, HOUSE, at, subject

TERMS = terms_of(CATALOGUE, Pace(), "lift-fault")
SETTLE_NS = TERMS.settle_ns  # 60 s


def _case(*subjects: AlertSubject, **given: Any) -> Case:
    whole = {
        "case_id": "c1",
        "unit_id": HOUSE,
        "scenario": "lift-fault",
        "mode": "actual",
        "group": HOUSE,
        "colour": "yellow",
        "step": "handled",
        "tier": "unit",
        "opened_ns": at(0),
        "correlationid": "an-1",
        "causationid": "al-1:2",
        **given,
    }
    case = msgspec.convert(whole, Case)
    case.alerts["al-1"] = KnownAlert(version=2, state="RTNUN", colour="yellow", subjects=subjects)
    return case


@pytest.mark.parametrize(
    ("one", "person"),
    [
        (subject(0), False),
        (subject(0, "clear"), False),
        (subject(0, "clear", quality=0.5), False),
        (subject(0, "clear", quality=0.49), True),
        (subject(0, "dead"), True),
        (subject(0, topic=channels.REPORTS), True),
        (subject(0, "clear", topic=channels.REPORTS), False),
    ],
)
def test_who_can_judge_a_subject(one: AlertSubject, person: bool) -> None:
    assert needs_person(one) is person
    assert needs_check(_case(one)) is person


@pytest.mark.parametrize(
    ("subjects", "checked", "settled"),
    [
        ([subject(10, "clear")], None, 70),
        ([subject(10, "clear"), subject(30, "clear", "lift-2")], None, 90),
        ([subject(10, "clear"), subject(5, "active", "lift-2")], None, None),
        ([subject(10, "clear"), subject(5, "dead", "lift-2")], None, None),
        ([subject(10, "clear"), subject(5, "dead", "lift-2")], 20, 70),
        ([subject(10, "clear"), subject(5, "dead", "lift-2")], 100, 100),
        ([subject(10, "clear"), subject(50, "dead", "lift-2")], 20, None),  # dead only after the check
        ([subject(10, "clear", quality=0.3)], None, None),
        ([subject(10, "clear", quality=0.3)], 40, 40),
        ([subject(10)], 40, None),  # its sensor judges: a check alone does not close it
        ([subject(10, topic=channels.REPORTS)], 40, 40),
        ([], 40, None),
    ],
)
def test_all_subjects_must_have_settled(
    subjects: list[AlertSubject], checked: float | None, settled: float | None
) -> None:
    case = _case(*subjects, checked_ns=None if checked is None else at(checked))
    assert settle_at(case, SETTLE_NS) == (None if settled is None else at(settled))


def test_a_doubted_case_waits_for_a_check() -> None:
    assert settle_at(_case(subject(10, "clear"), is_doubted=True), SETTLE_NS) is None
    assert settle_at(_case(subject(10, "clear"), is_doubted=True, checked_ns=at(500)), SETTLE_NS) == at(500)


def test_a_later_episode_says_how_a_subject_is() -> None:
    case = _case(subject(10, "clear"))
    case.alerts["al-2"] = KnownAlert(version=2, state="UNACK", colour="yellow", subjects=(subject(50),))
    assert subjects_of(case)["lift-1"].state == "active"
    assert settle_at(case, SETTLE_NS) is None


def test_what_was_checked_is_not_back_until_it_changes() -> None:
    assert is_back(_case(subject(10)))
    assert not is_back(_case(subject(10, topic=channels.REPORTS), checked_ns=at(20)))
    assert is_back(_case(subject(30, topic=channels.REPORTS), checked_ns=at(20)))
    assert not is_back(_case(subject(10, "clear"), subject(10, "dead", "lift-2")))


def test_closing_tells_what_verified_it() -> None:
    case = _case(subject(10, "clear"), subject(30, "clear", "lift-2", 0.7))
    close(case, at(90), TERMS)
    assert [link.kind for link in case.chain] == ["verification", "verification", "step", "step"]
    assert case.chain[1].detail == "lift-2 clear: lift-2/lift_fault = 1"
    checked, closed = case.steps
    assert (checked.by, checked.note) == (
        "sensor",
        "2 of 2 subjects clear for 60 s, quality 0.7 or better",
    )
    assert (closed.step, closed.note, case.closed_ns) == ("closed", "verified by its sensors", at(90))
