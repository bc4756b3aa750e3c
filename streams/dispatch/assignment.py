"""Who goes: one assignment problem over a district's waiting cases and the free slots of its teams.

A pair costs the seconds of its way plus what load, a tier too high and an earlier refusal weigh; pairs that do not fit
cost more than anything. A higher colour goes first where slots are short, then the older case.

References
----------
D. F. Crouse, "On implementing 2D rectangular assignment algorithms", 2016 (``scipy.optimize.linear_sum_assignment``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from schemas.ids import COLOURS, TIERS, Tier, district_of
from schemas.registry import Team, Unit
from schemas.times import SECOND_NS, SHANGHAI, parse_time
from streams.dispatch.case import Case
from streams.dispatch.clocks import Terms

EARTH_M = 6_371_000.0
TRAVEL_MPS = 4.0  # e-bike and on foot, door to door in a dense old town
UNKNOWN_TRAVEL_S = 1_800.0
MAX_TRAVEL_S = 100_000.0
LOAD_S = 600.0  # a team that is full but for this slot, against an idle one
TIER_S = 300.0  # for each tier that the team stands above the case's
TRIED_S = 1_800.0  # it was asked before and did not take it
RESPONSIBLE_S = 200_000.0  # more than all of the above: the unit's own people first
COLOUR_S = 1_000_000.0
MAX_AGE_S = 7_200.0
FORBIDDEN_S = 1e9
TIE_S = 0.001  # equal costs: the lower team id
MAX_PULLS = 64  # red cases at a time that may take a blue one's team
MAX_PROBLEM = 256  # most urgent cases at a time; the rest waits for the next change
PULLABLE = ("dispatched", "accepted", "handling")  # in the order in which a blue case gives its team up


@dataclass(kw_only=True)
class Roster:
    """The registry as dispatch sees it, and which open cases each team holds."""

    units: Mapping[str, Unit]
    teams: Mapping[str, Team]
    held: dict[str, set[str]] = field(default_factory=dict)  # team id -> case ids

    def load(self, team_id: str) -> int:
        return len(self.held.get(team_id, ()))

    def free(self, now_ns: int) -> list[Team]:
        """Return the teams that could take one case more, by id."""
        return [
            self.teams[team_id]
            for team_id in sorted(self.teams)
            if self.teams[team_id].capacity > self.load(team_id) and is_on_duty(self.teams[team_id], now_ns)
        ]

    def place_of(self, unit_id: str) -> tuple[float, float] | None:
        unit = self.units.get(unit_id)
        return None if unit is None else _place(unit.lat, unit.lon)

    def responsible(self, unit_id: str) -> str | None:
        unit = self.units.get(unit_id)
        return None if unit is None else unit.responsible


def _place(lat: float | None, lon: float | None) -> tuple[float, float] | None:
    return None if lat is None or lon is None else (lat, lon)


def is_on_duty(team: Team, now_ns: int) -> bool:
    """Whether a team is known and in a shift at an event time (Asia/Shanghai); no shifts means round the clock."""
    if parse_time(team.valid_from) > now_ns:
        return False
    local = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).astimezone(SHANGHAI)
    hour = local.hour + local.minute / 60 + local.second / 3_600
    return not team.shifts or any(_covers(shift.start, shift.until, hour) for shift in team.shifts)


def _covers(start: float, until: float, hour: float) -> bool:
    if start < until:
        return start <= hour < until
    return hour >= start or hour < until  # past midnight; equal hours: all day


def area(unit_id: str, tier: Tier) -> str:
    """Return the prefix of a unit's id that names its place at a tier; empty for the city."""
    labels = {"unit": 4, "grid": 3, "subdistrict": 2, "district": 1, "city": 0}[tier]
    return unit_id if tier == "unit" else ".".join(unit_id.split(".")[:labels])


def is_in(unit_id: str, prefix: str) -> bool:
    """Whether a unit lies in an area; the empty one is the city."""
    return prefix in ("", unit_id) or unit_id.startswith(prefix + ".")


def fits(case: Case, terms: Terms, team: Team, roster: Roster) -> bool:
    """Whether a team may be sent: mode, district, reach at the case's tier, skill, and not excluded.

    A team is within reach if its own area covers the unit, or if it is at home in the area that the case has
    escalated to. The unit's own responsible team needs no skill of the scenario: it is the first on the spot.
    """
    if team.mode != case.mode or team.team_id in case.excluded:
        return False
    if district_of(team.home_unit) != district_of(case.unit_id):
        return False  # another district's dispatcher sees its load, not this one
    if is_first(case, terms, team, roster):
        return True
    if not terms.skills.intersection(team.skills):
        return False
    covers = is_in(case.unit_id, area(team.home_unit, team.tier))
    reached = is_in(team.home_unit, area(case.unit_id, case.tier)) and TIERS.index(team.tier) <= TIERS.index(case.tier)
    return covers or reached


def is_first(case: Case, terms: Terms, team: Team, roster: Roster) -> bool:
    """Whether the team is the unit's own, and the scenario sends those first."""
    return terms.responsible_first and roster.responsible(case.unit_id) == team.team_id


def travel_s(case: Case, team: Team, roster: Roster) -> float:
    """Return the whole seconds of a team's way to the case's unit, as the crow flies."""
    there = roster.place_of(case.unit_id)
    here = _place(team.lat, team.lon) or roster.place_of(team.home_unit)
    if there is None or here is None:
        return UNKNOWN_TRAVEL_S
    return min(float(round(haversine_m(here, there) / TRAVEL_MPS)), MAX_TRAVEL_S)


def haversine_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the great-circle distance in metres of two (latitude, longitude) pairs in degrees."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def cost_s(case: Case, terms: Terms, team: Team, roster: Roster) -> float:
    """Return what it costs to send a team that fits, in seconds."""
    above = max(0, TIERS.index(team.tier) - TIERS.index(case.tier))
    cost = travel_s(case, team, roster) + LOAD_S * roster.load(team.team_id) / team.capacity + TIER_S * above
    if team.team_id in case.tried:
        return cost + TRIED_S
    return cost - RESPONSIBLE_S if is_first(case, terms, team, roster) else cost


def assign(waiting: Iterable[Case], terms: Mapping[str, Terms], roster: Roster, now_ns: int) -> list[tuple[Case, Team]]:
    """Return which team goes to which case; cases that no free team fits are left out.

    Parameters
    ----------
    waiting
        Cases without a team, in any order: the result does not depend on it.
    terms
        By scenario.
    """
    slots = [team for team in roster.free(now_ns) for _ in range(team.capacity - roster.load(team.team_id))]
    if not slots:
        return []
    teams = {team.team_id: team for team in slots}.values()
    pairs: dict[str, dict[str, float]] = {}
    cases: list[Case] = []
    free = {(team.mode, skill) for team in teams for skill in team.skills}
    for case in sorted(waiting, key=urgency):
        own = roster.responsible(case.unit_id)
        if own not in roster.teams and not any((case.mode, skill) in free for skill in terms[case.scenario].skills):
            continue  # in a storm most cases end here
        costs = _costs(case, terms[case.scenario], teams, roster)
        if costs:
            pairs[case.case_id] = costs
            cases.append(case)
        if len(cases) == MAX_PROBLEM:
            break
    return _solve(cases, slots, pairs, now_ns) if cases else []


def urgency(case: Case) -> tuple[int, int, str]:
    """Return by what cases are sorted: the higher colour first, then the older, then the lower id."""
    return -COLOURS.index(case.colour), case.opened_ns, case.case_id


def _costs(case: Case, terms: Terms, teams: Iterable[Team], roster: Roster) -> dict[str, float]:
    return {team.team_id: cost_s(case, terms, team, roster) for team in teams if fits(case, terms, team, roster)}


def _solve(
    cases: Sequence[Case], slots: list[Team], pairs: Mapping[str, dict[str, float]], now_ns: int
) -> list[tuple[Case, Team]]:
    wanted = set[str]().union(*pairs.values())
    used: dict[str, int] = {}
    columns: list[Team] = []
    for slot in slots:  # a team's second slot and on are of use only to as many cases
        used[slot.team_id] = used.get(slot.team_id, 0) + 1
        if slot.team_id in wanted and used[slot.team_id] <= len(cases):
            columns.append(slot)
    matrix = np.full((len(cases), len(columns)), FORBIDDEN_S)
    for i, case in enumerate(cases):
        age_s = min((now_ns - case.opened_ns) / SECOND_NS, MAX_AGE_S)
        first = COLOUR_S * COLOURS.index(case.colour) + age_s
        for j, team in enumerate(columns):
            cost = pairs[case.case_id].get(team.team_id)
            if cost is not None:
                matrix[i, j] = cost - first + TIE_S * j
    rows, chosen = linear_sum_assignment(matrix)
    return [
        (cases[i], columns[j])
        for i, j in zip(rows.tolist(), chosen.tolist(), strict=True)
        if matrix[i, j] < FORBIDDEN_S
    ]


def is_pullable(case: Case) -> bool:
    """Whether a case must give its team to a red one."""
    return case.colour == "blue" and case.step in PULLABLE


def pull(case: Case, terms: Terms, holders: Iterable[Case], roster: Roster, now_ns: int) -> Case | None:
    """Return the blue case that must give its team to a red one; ``None`` if there is none that helps.

    The one least far on goes first, then the shortest way, then the lower id.
    """
    best: tuple[int, float, str] | None = None
    found: Case | None = None
    for holder in holders:
        team = roster.teams.get(holder.team_id or "")
        if (
            not is_pullable(holder)
            or team is None
            or not is_on_duty(team, now_ns)
            or not fits(case, terms, team, roster)
        ):
            continue
        rank = (PULLABLE.index(holder.step), cost_s(case, terms, team, roster), holder.case_id)
        if best is None or rank < best:
            best, found = rank, holder
    return found
