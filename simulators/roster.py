"""The district's field teams: those of the catalogue, and by rule one a grid and one a skill in each subdistrict.

All are of mode ``exercise``: a team that the catalogue has as a real one is left out, so that no simulation changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.ids import Tier
from schemas.registry import RegistryFile, Team, Unit
from simulators.places import DISTRICT

GENERAL = "general"


def teams(known: RegistryFile, units: Sequence[Unit]) -> tuple[Team, ...]:
    """Return every team that is simulated.

    Parameters
    ----------
    known
        Its teams come first, those of mode ``exercise``; the skills of its city tier are there in each subdistrict.
    units
        All units of the district; a grid's or subdistrict's team is at home in the first one there.
    """
    skills = _city_skills(known.teams)
    taken = {team.team_id for team in known.teams}
    simulated = (team for team in known.teams if team.mode == "exercise")
    made = (*_grid_teams(units, skills), *_subdistrict_teams(units, skills))
    return (*simulated, *(team for team in made if team.team_id not in taken))


def _city_skills(known: Sequence[Team]) -> tuple[str, ...]:
    skills = (skill for team in known if team.tier == "city" for skill in team.skills)
    return tuple(dict.fromkeys(skill for skill in skills if skill != GENERAL))


def _grid_teams(units: Sequence[Unit], skills: Sequence[str]) -> Iterator[Team]:
    for number, (grid, home) in enumerate(sorted(_first_of(units, labels=3).items())):
        own = (GENERAL, skills[number % len(skills)]) if skills else (GENERAL,)
        yield _team(f"{DISTRICT}-grid-{grid.split('.', 1)[1].replace('.', '-')}", own, "grid", home)


def _subdistrict_teams(units: Sequence[Unit], skills: Sequence[str]) -> Iterator[Team]:
    for place, home in sorted(_first_of(units, labels=2).items()):
        name = place.split(".")[1]
        for skill in skills:
            yield _team(f"{DISTRICT}-sub-{name}-{skill}", (GENERAL, skill), "subdistrict", home, capacity=2)


def _first_of(units: Sequence[Unit], labels: int) -> dict[str, Unit]:
    first: dict[str, Unit] = {}
    for unit in units:
        first.setdefault(".".join(unit.unit_id.split(".")[:labels]), unit)
    return first


def _team(team_id: str, skills: tuple[str, ...], tier: Tier, home: Unit, capacity: int = 1) -> Team:
    return Team(
        team_id=team_id, skills=skills, tier=tier, home_unit=home.unit_id, lat=home.lat, lon=home.lon,
        capacity=capacity, mode="exercise",
    )  # fmt: skip
