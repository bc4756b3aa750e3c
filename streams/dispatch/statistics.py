"""How well things are handled: time per step, on-time share, first-time fix, reopen rate, false dispatch (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Literal

import msgspec

from schemas.ids import TIERS
from schemas.orders import Order, Step, StepEntry
from schemas.times import SECOND_NS, parse_time

By = Literal["scenario", "level", "subdistrict"]
ESCALATED = "escalated:"  # as ``overrun_note`` begins
HANDS_ON: frozenset[Step] = frozenset({"handling", "handled"})


class CaseStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Cases of one group; shares are 0 to 1, ``None`` where there is nothing to divide by.

    ``median_s`` is the time from entering each step to the next step, s. On time: no step overran its clock. First-time
    fix: of the closed ones, by the first team and never reopened. False dispatch: of those sent to a team, ended
    before anybody had begun.
    """

    group: str
    cases: int
    open: int
    closed: int
    on_time: float | None
    first_time_fix: float | None
    reopened: float | None
    false_dispatch: float | None
    median_s: dict[str, float]


def statistics_of(cases: Iterable[Order], by: By) -> list[CaseStatistics]:
    """Return the statistics of each group, by name; ``level`` is the highest tier that a case has reached."""
    key: dict[By, Callable[[Order], str]] = {
        "scenario": lambda case: case.scenario,
        "level": _highest_tier,
        "subdistrict": lambda case: ".".join(case.unit_id.split(".")[:2]),
    }
    groups: dict[str, list[Order]] = defaultdict(list)
    for case in cases:
        groups[key[by](case)].append(case)
    return [_of_group(name, found) for name, found in sorted(groups.items())]


def render_statistics(found: Sequence[CaseStatistics]) -> str:
    """Return a table as terminal text."""
    columns = (("cases", 6), ("open", 6), ("on time", 9), ("1st fix", 9), ("reopened", 10), ("false", 7))
    head = " " * 22 + "".join(f"{name:>{width}}" for name, width in columns) + "   median s to the next step"
    return "\n".join([head, *map(_line, found)]) if found else "no case yet"


def _line(one: CaseStatistics) -> str:
    shares = (f"{one.on_time:>9.0%}" if one.on_time is not None else f"{'-':>9}") + "".join(
        f"{share:>{width}.0%}" if share is not None else f"{'-':>{width}}"
        for share, width in ((one.first_time_fix, 9), (one.reopened, 10), (one.false_dispatch, 7))
    )
    steps = ", ".join(f"{step} {seconds:.0f}" for step, seconds in one.median_s.items() if seconds >= 1)
    return f"{one.group:<22}{one.cases:>6}{one.open:>6}{shares}   {steps}"


def _of_group(name: str, cases: Sequence[Order]) -> CaseStatistics:
    closed = [case for case in cases if any(entry.step == "closed" for entry in case.steps)]
    sent = [case for case in cases if any(entry.step == "dispatched" for entry in case.steps)]
    ended = [case for case in sent if case.step in {"closed", "rejected", "merged"}]
    times: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for step, seconds in _times(case.steps):
            times[step].append(seconds)
    return CaseStatistics(
        group=name,
        cases=len(cases),
        open=sum(case.step not in {"closed", "rejected", "merged"} for case in cases),
        closed=len(closed),
        on_time=_share([not _is_overdue(case) for case in cases]),
        first_time_fix=_share([case.attempt <= 1 and not _is_reopened(case) for case in closed]),
        reopened=_share([_is_reopened(case) for case in closed]),
        false_dispatch=_share([not any(entry.step in HANDS_ON for entry in case.steps) for case in ended]),
        median_s={step: round(median(found), 3) for step, found in times.items()},
    )


def _times(steps: Sequence[StepEntry]) -> Iterable[tuple[str, float]]:
    """Yield (step, seconds until the next one) of each stay at a step; words at the same step do not end it."""
    entered: StepEntry | None = None
    for entry in steps:
        if entered is not None and entry.step != entered.step:
            yield entered.step, (parse_time(entry.time) - parse_time(entered.time)) / SECOND_NS
        if entered is None or entry.step != entered.step:
            entered = entry


def _is_overdue(case: Order) -> bool:
    return any(entry.note.startswith(ESCALATED) for entry in case.steps)


def _is_reopened(case: Order) -> bool:
    return any(entry.step == "reopened" for entry in case.steps)


def _highest_tier(case: Order) -> str:
    return max((case.tier, *(entry.tier for entry in case.steps)), key=TIERS.index)


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None
