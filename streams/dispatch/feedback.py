"""What a team or a named person says of an order: taken as a whole, or refused with the reason in words."""

from __future__ import annotations

from schemas.feedback import Feedback, FeedbackAction
from schemas.orders import ENDED, Link, Step
from schemas.refusals import Reason, RefusedError
from schemas.times import format_time
from streams.dispatch.alerts import reopen
from streams.dispatch.case import MAX_IDS, SENSOR, SYSTEM, Case, keep, link, remark, take
from streams.dispatch.clocks import Terms
from streams.dispatch.intake import Heard
from streams.dispatch.verification import needs_check, settle_at

VALID_AT: dict[FeedbackAction, frozenset[Step]] = {
    "accept": frozenset({"dispatched"}),
    "refuse": frozenset({"dispatched", "accepted", "handling"}),
    "arrive": frozenset({"accepted"}),
    "progress": frozenset({"accepted", "handling", "handled"}),
    "done": frozenset({"handling"}),
    "reopen": ENDED,
}
LEADS_TO: dict[FeedbackAction, Step] = {"accept": "accepted", "arrive": "handling", "done": "handled"}
NAMED: frozenset[FeedbackAction] = frozenset({"check", "reopen"})  # a person's word, not the team's
NOT_PERSONS = frozenset({SYSTEM, SENSOR})


def case_of(order_id: str) -> str:
    """Return the case that an order id names; a case's own id stands for its latest order."""
    head, dash, attempt = order_id.rpartition("-")
    return head if dash and attempt.isdigit() else order_id


def check_fits(case: Case | None, feedback: Feedback) -> Case:
    """Return the case that feedback is about.

    Raises
    ------
    RefusedError
        ``bad_feedback``: it does not fit the case's state; nothing has been changed.
    """
    if case is None:
        raise _bad(f"no order {feedback.order_id} is known at that time")
    _check_order(case, feedback)
    if feedback.action in NAMED and feedback.by in NOT_PERSONS:
        raise _bad(f"{feedback.action} needs a named person, not {feedback.by!r}")
    if feedback.action == "check":
        _check_check(case)
    elif case.step not in VALID_AT[feedback.action]:
        steps = ", ".join(sorted(VALID_AT[feedback.action]))
        raise _bad(f"{feedback.action} fits a case that is {steps}; {feedback.order_id} is {case.step}")
    return case


def _check_order(case: Case, feedback: Feedback) -> None:
    if feedback.unit_id != case.unit_id:
        raise _bad(f"order {feedback.order_id} is of unit {case.unit_id}, not {feedback.unit_id}")
    may_name_case = feedback.action in NAMED and feedback.order_id == case.case_id
    if feedback.order_id != case.order_id and not may_name_case:
        raise _bad(f"the case's order is {case.order_id}, not {feedback.order_id}")
    if feedback.action not in NAMED and case.team_id is None and case.is_open:
        raise _bad(f"order {feedback.order_id} has been given back: no team holds it")
    if feedback.team_id not in (None, case.team_id) and case.team_id is not None:
        raise _bad(f"order {feedback.order_id} is {case.team_id}'s, not {feedback.team_id}'s")


def _check_check(case: Case) -> None:
    if not case.is_open:
        raise _bad(f"the case is {case.step}: there is nothing left to check; reopen it first")
    if case.step != "handled" and not needs_check(case):
        raise _bad(f"its sensors judge this case; a check fits once it is handled, it is {case.step}")


def _bad(detail: str) -> RefusedError:
    return RefusedError(Reason.BAD_FEEDBACK, detail)


def apply(case: Case, heard: Heard, terms: Terms, now_ns: int) -> None:
    """Take feedback that ``check_fits``; after a refusal the case waits for another team."""
    feedback = heard.feedback
    if heard.copy_key is not None:
        keep(case.heard, heard.copy_key, MAX_IDS)
    detail = f"{feedback.action} by {feedback.by}" + (f": {feedback.note}" if feedback.note else "")
    link(case, Link(kind="feedback", id=heard.id, time=format_time(now_ns), detail=detail))
    if feedback.action in LEADS_TO:
        take(case, LEADS_TO[feedback.action], now_ns, terms, by=feedback.by, note=feedback.note)
    elif feedback.action == "refuse":
        _give_back(case, feedback, terms, now_ns)
    elif feedback.action == "check":
        _checked(case, feedback, terms, now_ns)
    elif feedback.action == "reopen":
        reopen(case, terms, now_ns, by=feedback.by, note=feedback.note)
    else:
        remark(case, now_ns, feedback.by, feedback.note)


def _give_back(case: Case, feedback: Feedback, terms: Terms, now_ns: int) -> None:
    word = "refused" if case.step == "dispatched" else "handed back"
    note = f"{word} by {case.team_id}" + (f": {feedback.note}" if feedback.note else "")
    if case.team_id is not None:
        keep(case.excluded, case.team_id, MAX_IDS)
    case.team_id = None
    take(case, "filed", now_ns, terms, by=feedback.by, note=note)


def _checked(case: Case, feedback: Feedback, terms: Terms, now_ns: int) -> None:
    """Take a named person's check: a step where it follows the handling or ends the case, else a word."""
    case.checked_ns = now_ns
    at = settle_at(case, terms.settle_ns)
    if case.step == "handled" or (case.step != "checked" and at is not None and at <= now_ns):
        take(case, "checked", now_ns, terms, by=feedback.by, note=feedback.note)
    else:
        remark(case, now_ns, feedback.by, f"checked: {feedback.note}" if feedback.note else "checked")
