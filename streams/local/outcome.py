"""Whether an unattended run went as its plan demands: the exit code of ``vitals up --for``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.files import GroundTruth
from schemas.orders import Order
from streams.local.plan import UpPlan
from streams.store.balance import Balance


@dataclass(frozen=True, slots=True)
class Outcome:
    """The exit code, and what to tell."""

    exit_code: int
    lines: tuple[str, ...]


def judge_run(found: Balance, cases: Mapping[str, Order], truths: Sequence[GroundTruth], plan: UpPlan) -> Outcome:
    """Return 0 only if the balance closed and every injected scenario ended as it must.

    With recovery: its case was closed by the sensor. Without: its case is open and has climbed to the city.
    """
    lines = [f"balance: {found.status}"] + [f"  {problem}" for problem in found.problems[:5]]
    is_well = found.closed
    for scenario in plan.scenarios:
        faults = [truth for truth in truths if truth.scenario == scenario and not truth.must_stay_silent]
        units = {truth.unit_id for truth in faults}
        mine = [case for case in cases.values() if case.scenario == scenario and case.unit_id in units]
        ended = [case for case in mine if (is_verified(case) if plan.is_recovering else is_at_city(case))]
        is_well = is_well and bool(ended) and len(ended) == len(mine)
        lines += [f"{scenario} in {c.unit_id}: {c.colour}, {c.step}, tier {c.tier} ({c.case_id})" for c in mine]
        if not mine:
            lines.append(f"{scenario}: no case was opened")
    return Outcome(0 if is_well else 1, (*lines, "as it must be" if is_well else "NOT as it must be"))


def is_verified(case: Order) -> bool:
    """Whether the case is closed, and a sensor's check closed it."""
    return case.step == "closed" and any(entry.step == "checked" and entry.by == "sensor" for entry in case.steps)


def is_at_city(case: Order) -> bool:
    """Whether the case is open and has climbed to the last tier."""
    return case.step not in {"closed", "rejected", "merged"} and case.tier == "city"
