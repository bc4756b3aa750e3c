"""The case machine: the steps of one thing, and the only ways from one to the next.

Every change of a case goes through ``take`` (the next step), ``remark`` (a word at the present one) or ``raise_tier``
(an escalation): each writes a step entry and a link of the chain, and ``take`` and ``raise_tier`` start the clock anew.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from schemas import ids
from schemas.alerts import AlertState, AlertSubject
from schemas.ids import Colour, Mode, Tier
from schemas.orders import ENDED, MAX_CHAIN, Link, Order, Step, StepEntry
from schemas.times import format_time
from streams.dispatch.clocks import Terms, due_at

MAX_STEPS = 128
MAX_IDS = 64  # alert ids, report ids, feedback ids heard
SYSTEM = "system"
SENSOR = "sensor"
WAITING: frozenset[Step] = frozenset({"filed", "reopened"})  # for a team
UNANSWERED: frozenset[Step] = frozenset({"registered", "verified", "filed", "dispatched", "reopened"})

_OUT: frozenset[Step] = frozenset({"checked", "rejected", "merged"})
TRANSITIONS: dict[Step, frozenset[Step]] = {
    "registered": _OUT | {"verified"},
    "verified": _OUT | {"filed"},
    "filed": _OUT | {"dispatched"},
    "dispatched": _OUT | {"dispatched", "accepted", "filed"},  # anew; accepted; its team was pulled or refused
    "accepted": frozenset({"handling", "dispatched", "filed", "checked"}),
    "handling": frozenset({"handled", "dispatched", "filed", "checked"}),
    "handled": frozenset({"checked"}),
    "checked": frozenset({"closed"}),
    "closed": frozenset({"reopened"}),
    "rejected": frozenset({"reopened"}),
    "merged": frozenset({"reopened"}),
    "reopened": _OUT | {"dispatched"},
}
T = TypeVar("T")


class ForbiddenStepError(Exception):
    """A step that the machine does not know from the present one: a fault of ours, never of an input."""


class KnownAlert(msgspec.Struct, frozen=True, kw_only=True):
    """What a case remembers of the newest version of one of its alerts."""

    version: int
    state: AlertState
    colour: Colour
    subjects: tuple[AlertSubject, ...]


class Case(msgspec.Struct, kw_only=True):
    """One thing from its first alert to its close; all times in ns of event time.

    ``excluded`` are the teams that must not be asked at this tier, ``tried`` those that were asked before.
    """

    case_id: str
    unit_id: str
    scenario: str
    mode: Mode
    group: str  # the subject group of its alerts
    colour: Colour
    step: Step
    tier: Tier
    opened_ns: int
    correlationid: str
    causationid: str
    version: int = 0
    attempt: int = 0
    team_id: str | None = None
    alerts: dict[str, KnownAlert] = {}
    alert_ids: list[str] = []
    report_ids: list[str] = []
    steps: list[StepEntry] = []
    chain: list[Link] = []
    excluded: list[str] = []
    tried: list[str] = []
    heard: list[str] = []
    due_ns: int | None = None
    settle_ns: int | None = None
    forget_ns: int | None = None
    closed_ns: int | None = None
    checked_ns: int | None = None  # when a named person last checked
    is_doubted: bool = False  # a named person reopened it: sensors alone do not close it

    @property
    def is_open(self) -> bool:
        return self.step not in ENDED

    @property
    def is_waiting(self) -> bool:
        """Whether a team is wanted."""
        return self.team_id is None and self.step in WAITING

    @property
    def holder(self) -> str | None:
        """The team whose slot the case takes; an ended case takes none, though its last team is still told."""
        return self.team_id if self.is_open else None

    @property
    def order_id(self) -> str | None:
        return ids.order_id(self.case_id, self.attempt) if self.attempt else None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a new episode of the same thing shares with it."""
        return self.mode, self.scenario, self.unit_id, self.group


def keep(items: list[T], item: T, limit: int) -> None:
    """Append to a bounded list, which keeps its first half and its newest half."""
    items.append(item)
    if len(items) > limit:
        del items[limit // 2]


def link(case: Case, item: Link) -> None:
    """Append to the causal chain."""
    keep(case.chain, item, MAX_CHAIN)


def take(case: Case, step: Step, now_ns: int, terms: Terms, *, by: str = SYSTEM, note: str = "") -> None:
    """Go to a step and start its clock.

    Raises
    ------
    ForbiddenStepError
        No way leads there from the present step.
    """
    if step not in TRANSITIONS[case.step]:
        raise ForbiddenStepError(f"case {case.case_id}: {case.step} does not lead to {step}")
    case.step = step
    _enter(case, now_ns, terms, by, note)


def raise_tier(case: Case, tier: Tier, now_ns: int, terms: Terms, note: str) -> None:
    """Escalate: the step stays, the tier rises, the clock starts anew; teams excluded below may be asked again."""
    case.tier = tier
    case.excluded = []
    _enter(case, now_ns, terms, SYSTEM, note)


def remark(case: Case, now_ns: int, by: str, note: str) -> None:
    """Enter a word at the present step; the clock runs on."""
    entry = StepEntry(step=case.step, tier=case.tier, time=format_time(now_ns), by=by, note=note)
    keep(case.steps, entry, MAX_STEPS)
    detail = f"{case.step} at {case.tier} by {by}" + (f": {note}" if note else "")
    link(case, Link(kind="step", id=f"{case.case_id}:{case.version + 1}", time=entry.time, detail=detail))


def _enter(case: Case, now_ns: int, terms: Terms, by: str, note: str) -> None:
    case.due_ns = due_at(case.step, now_ns, terms)
    remark(case, now_ns, by, note)


def begin(case: Case, now_ns: int, terms: Terms, note: str) -> None:
    """Enter the first step of a new case: ``registered``."""
    _enter(case, now_ns, terms, SYSTEM, note)


def send(case: Case, team_id: str, now_ns: int, terms: Terms, note: str) -> None:
    """Send a team: the next attempt of the case, with an order id of its own."""
    case.team_id = team_id
    case.attempt += 1
    if team_id not in case.tried:
        keep(case.tried, team_id, MAX_IDS)
    take(case, "dispatched", now_ns, terms, note=f"{team_id}: {note}" if note else team_id)


def to_order(case: Case) -> Order:
    """Return the case as readers see it."""
    return Order(
        case_id=case.case_id,
        order_id=case.order_id,
        version=case.version,
        unit_id=case.unit_id,
        scenario=case.scenario,
        colour=case.colour,
        step=case.step,
        tier=case.tier,
        team_id=case.team_id,
        attempt=case.attempt,
        opened=format_time(case.opened_ns),
        due=None if case.due_ns is None else format_time(case.due_ns),
        steps=tuple(case.steps),
        alert_ids=tuple(case.alert_ids),
        report_ids=tuple(case.report_ids),
        correlationid=case.correlationid,
        causationid=case.causationid,
        chain=tuple(case.chain),
        mode=case.mode,
    )
