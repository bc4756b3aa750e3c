"""The district's field teams, from a unit's own people up to the city's, all of mode ``exercise``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.ids import Tier
from schemas.registry import Team, Unit
from simulators.places import DISTRICT, PILOTS

SKILLS = (
    "lift",
    "gas",
    "crowd",
    "fire",
    "water",
    "power",
    "equipment",
    "facility",
    "emergency",
    "environment",
    "structure",
    "sanitation",
    "greenery",
    "care",
    "traffic",
    "patrol",
    "maintenance",
)


def teams(units: Iterable[Unit]) -> tuple[Team, ...]:
    """Return every team; each skill is there at each tier from the subdistrict up."""
    known = tuple(units)
    return (*_own(), *_grid_teams(known), *_subdistrict_teams(known), *_upper_teams(known))


def _own() -> Iterator[Team]:
    for pilot in PILOTS:
        assert pilot.unit.responsible is not None
        yield _team(pilot.unit.responsible, pilot.skills, "unit", pilot.unit)


def _grid_teams(units: tuple[Unit, ...]) -> Iterator[Team]:
    for number, (grid, home) in enumerate(sorted(_first_of(units, labels=3).items())):
        skills = ("general", SKILLS[number % len(SKILLS)])
        yield _team(f"{DISTRICT}-grid-{grid.split('.', 1)[1].replace('.', '-')}", skills, "grid", home)


def _subdistrict_teams(units: tuple[Unit, ...]) -> Iterator[Team]:
    for place, home in sorted(_first_of(units, labels=2).items()):
        name = place.split(".")[1]
        for skill in SKILLS:
            yield _team(f"{DISTRICT}-sub-{name}-{skill}", ("general", skill), "subdistrict", home, capacity=2)


def _upper_teams(units: tuple[Unit, ...]) -> Iterator[Team]:
    for number in (1, 2):
        for skill in SKILLS:
            home = units[(number * 3) % len(units)]
            yield _team(f"{DISTRICT}-district-{skill}-{number}", ("general", skill), "district", home, capacity=3)
    for skill in SKILLS:
        yield _team(f"{DISTRICT}-city-{skill}", ("general", skill), "city", units[0], capacity=10)


def _first_of(units: tuple[Unit, ...], labels: int) -> dict[str, Unit]:
    first: dict[str, Unit] = {}
    for unit in units:
        first.setdefault(".".join(unit.unit_id.split(".")[:labels]), unit)
    return first


def _team(team_id: str, skills: tuple[str, ...], tier: Tier, home: Unit, capacity: int = 1) -> Team:
    return Team(
        team_id=team_id, skills=skills, tier=tier, home_unit=home.unit_id, lat=home.lat, lon=home.lon,
        capacity=capacity, mode="exercise",
    )  # fmt: skip
