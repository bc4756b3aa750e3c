"""The case machine: which step may follow which, and what each leaves behind."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from schemas.orders import ENDED, MAX_CHAIN, Link, Step
from streams.dispatch.case import (
    MAX_STEPS,
    TRANSITIONS,
    Case,
    ForbiddenStepError,
    keep,
    link,
    raise_tier,
    remark,
    send,
    take,
    to_order,
)
from streams.dispatch.clocks import RUNS_AT, terms_of
from streams.pace import Pace
from tests.streams.dispatch.builders import CATALOGUE, HOUSE, at, when

STEPS: tuple[Step, ...] = get_args(Step)
TERMS = terms_of(CATALOGUE, Pace(), "lift-fault")
ALLOWED = {
    "registered": {"verified", "checked", "rejected", "merged"},
    "verified": {"filed", "checked", "rejected", "merged"},
    "filed": {"dispatched", "checked", "rejected", "merged"},
    "dispatched": {"dispatched", "accepted", "filed", "checked", "rejected", "merged"},
    "accepted": {"handling", "dispatched", "filed", "checked"},
    "handling": {"handled", "dispatched", "filed", "checked"},
    "handled": {"checked"},
    "checked": {"closed"},
    "closed": {"reopened"},
    "rejected": {"reopened"},
    "merged": {"reopened"},
    "reopened": {"dispatched", "checked", "rejected", "merged"},
}


def _case(step: Step = "registered") -> Case:
    return Case(
        case_id="c1",
        unit_id=HOUSE,
        scenario="lift-fault",
        mode="actual",
        group="lift-1",
        colour="yellow",
        step=step,
        tier="unit",
        opened_ns=at(0),
        correlationid="an-1",
        causationid="al-1:2",
    )


def test_every_step_is_in_the_table() -> None:
    assert {step: set(after) for step, after in TRANSITIONS.items()} == ALLOWED
    assert set(TRANSITIONS) == set(STEPS)


PAIRS = list(itertools.product(STEPS, STEPS))


@pytest.mark.parametrize(("step", "after"), [(a, b) for a, b in PAIRS if b in ALLOWED[a]])
def test_what_the_table_allows_can_be_taken(step: Step, after: Step) -> None:
    case = _case(step)
    take(case, after, at(1), TERMS)
    assert case.step == after


@pytest.mark.parametrize(("step", "after"), [(a, b) for a, b in PAIRS if b not in ALLOWED[a]])
def test_what_the_table_does_not_allow_changes_nothing(step: Step, after: Step) -> None:
    case = _case(step)
    with pytest.raises(ForbiddenStepError, match=f"{step} does not lead to {after}"):
        take(case, after, at(1), TERMS)
    assert case == _case(step)


@pytest.mark.parametrize("step", STEPS)
def test_every_open_step_has_a_clock_and_no_ended_one(step: Step) -> None:
    assert (step in RUNS_AT) is (step not in ENDED)


def test_a_step_starts_its_clock_and_leaves_entry_and_link() -> None:
    case = _case("dispatched")
    take(case, "accepted", at(5), TERMS, by="wang", note="on my way")
    assert case.due_ns == at(5 + 1_800)
    assert (case.steps[-1].by, case.steps[-1].note, case.steps[-1].time) == ("wang", "on my way", when(5))
    assert (case.chain[-1].kind, case.chain[-1].detail) == ("step", "accepted at unit by wang: on my way")


def test_a_remark_leaves_the_clock_as_it_is() -> None:
    case = _case("handling")
    case.due_ns = at(9)
    remark(case, at(5), "wang", "half done")
    assert (case.step, case.due_ns, case.steps[-1].step) == ("handling", at(9), "handling")


def test_an_escalation_is_an_entry_of_the_same_step() -> None:
    case = _case("filed")
    case.excluded = ["lift-a"]
    raise_tier(case, "grid", at(5), TERMS, "why")
    assert (case.step, case.tier, case.due_ns, case.excluded) == ("filed", "grid", at(305), [])
    assert (case.steps[-1].step, case.steps[-1].tier, case.steps[-1].by) == ("filed", "grid", "system")


def test_each_team_that_is_sent_is_an_attempt_with_its_own_order() -> None:
    assert _case("filed").order_id is None
    case = _case("filed")
    send(case, "lift-a", at(1), TERMS, "")
    send(case, "lift-b", at(2), TERMS, "")
    assert (case.order_id, case.team_id, case.tried) == ("c1-2", "lift-b", ["lift-a", "lift-b"])


def test_an_ended_case_takes_no_slot_but_tells_its_last_team() -> None:
    case = _case("checked")
    case.team_id = "lift-a"
    holder = case.holder
    assert holder == "lift-a"
    take(case, "closed", at(1), TERMS)
    assert (case.holder, to_order(case).team_id) == (None, "lift-a")


def test_lists_are_bounded_and_keep_the_first_and_the_newest() -> None:
    case = _case("handling")
    for number in range(MAX_CHAIN * 2):
        link(case, Link(kind="reading", id=str(number), time=when(0)))
        remark(case, at(number), "wang", str(number))
    order = to_order(case)
    assert len(order.chain) == MAX_CHAIN
    assert len(order.steps) == MAX_STEPS
    assert order.chain[0].id == "0"
    assert (order.steps[0].note, order.steps[-1].note) == ("0", str(MAX_CHAIN * 2 - 1))


def test_a_full_list_loses_its_middle() -> None:
    items = [1, 2, 3, 4]
    keep(items, 5, 4)
    assert items == [1, 2, 4, 5]
