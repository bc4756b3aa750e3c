"""Which clock runs at which step, and what an overrun does: it escalates one tier, and the clock starts anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.catalogue import Catalogue, StepClocks
from schemas.ids import TIERS, Colour, Tier
from schemas.orders import Step
from schemas.times import SECOND_NS
from streams.pace import Pace

ClockName = Literal["accept", "arrive", "handle", "verify"]
RUNS_AT: dict[Step, ClockName] = {
    "registered": "accept",
    "verified": "accept",
    "filed": "accept",
    "dispatched": "accept",
    "reopened": "accept",
    "accepted": "arrive",
    "handling": "handle",
    "handled": "verify",
    "checked": "verify",
}
_UNDONE: dict[ClockName, str] = {
    "accept": "not accepted",
    "arrive": "not arrived",
    "handle": "not handled",
    "verify": "not verified",
}
RED_TIER: Tier = "district"
DEFAULT_SETTLE_S = 300.0  # of a scenario that the catalogue does not know (any more)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the catalogue says of a scenario's cases, at the present pace; all times in ns."""

    settle_ns: int
    clocks: dict[ClockName, int]
    skills: frozenset[str] = frozenset()
    responsible_first: bool = False
    by_unit: bool = False  # one alert a unit; else one a subject
    plan: str | None = None


def terms_of(catalogue: Catalogue, pace: Pace, scenario_id: str) -> Terms:
    """Return the terms of a scenario; one that the catalogue lacks has default clocks, and no team fits it."""
    scenario = catalogue.scenarios.get(scenario_id)
    if scenario is None:
        return Terms(settle_ns=pace.clock_ns(DEFAULT_SETTLE_S), clocks=_paced(StepClocks(), pace))
    return Terms(
        settle_ns=pace.clock_ns(scenario.settle_s),
        clocks=_paced(scenario.clocks, pace),
        skills=frozenset(scenario.skills),
        responsible_first=scenario.responsible_first,
        by_unit=scenario.group_by == "unit",
        plan=scenario.emergency_plan,
    )


def _paced(clocks: StepClocks, pace: Pace) -> dict[ClockName, int]:
    return {
        "accept": pace.clock_ns(clocks.accept_s),
        "arrive": pace.clock_ns(clocks.arrive_s),
        "handle": pace.clock_ns(clocks.handle_s),
        "verify": pace.clock_ns(clocks.verify_s),
    }


def due_at(step: Step, now_ns: int, terms: Terms) -> int | None:
    """Return when the clock of a step that begins now overruns; ``None`` where no clock runs."""
    clock = RUNS_AT.get(step)
    return None if clock is None else now_ns + terms.clocks[clock]


def overrun_note(step: Step, terms: Terms, *, has_team: bool) -> str:
    """Return the words of an escalation: ``escalated: not accepted in 300 s``."""
    clock = RUNS_AT[step]
    seconds = terms.clocks[clock] / SECOND_NS
    why = "" if has_team or clock != "accept" else " (no team free)"
    return f"escalated: {_UNDONE[clock]} in {seconds:g} s{why}"


def next_tier(tier: Tier) -> Tier | None:
    """Return the tier above; ``None`` above the city."""
    place = TIERS.index(tier) + 1
    return TIERS[place] if place < len(TIERS) else None


def start_tier(colour: Colour) -> Tier:
    """Return the tier at which a case of a colour begins: red is the district's at once."""
    return RED_TIER if colour == "red" else "unit"


def is_below(tier: Tier, other: Tier) -> bool:
    """Whether ``tier`` is lower than ``other``."""
    return TIERS.index(tier) < TIERS.index(other)
