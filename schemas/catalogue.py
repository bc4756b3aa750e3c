"""The catalogue: quantities, indicators and scenarios that domain people change, as YAML in ``deploy/catalogue``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.ids import ID_PATTERN, Colour
from schemas.registry import UnitKind
from schemas.signs import Domain

Word = Annotated[str, Field(pattern=ID_PATTERN)]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 31)]
T = TypeVar("T", bound="Entry")
CATALOGUE_FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "catalogue"


class CatalogueError(Exception):
    """A catalogue file is wrong: file, place and reason."""


class Entry(BaseModel):
    """What all catalogue entries share: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Name(Entry):
    """What people read."""

    zh: str
    en: str


class Levels(Entry):
    """Thresholds of the four colours; ``None`` where a colour is not used. Rising (``over``) or falling (``under``)."""

    blue: float | None = None
    yellow: float | None = None
    orange: float | None = None
    red: float | None = None
    side: Literal["over", "under"] = "over"
    hysteresis: float = Field(default=0.0, ge=0)  # in the quantity's unit: how far back before it clears
    source: str  # where the numbers come from

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = [v for v in self.values() if v is not None]
        if not given or given != sorted(given, reverse=self.side == "under"):
            raise ValueError("thresholds must be given in the order blue, yellow, orange, red, getting worse")
        return self

    def values(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Return the thresholds of blue, yellow, orange and red."""
        return self.blue, self.yellow, self.orange, self.red


class Quantity(Entry):
    """What a sensor measures."""

    id: Word
    name: Name
    unit: str  # SenML (RFC 8428, RFC 8798)
    boolean: bool = False  # an alarm or a switch: SenML ``vb``
    low: float  # physical range: outside it is no reading
    high: float
    resolution: float = Field(default=0.0, ge=0)  # values no further apart than this are the same
    stuck_after: int | None = Field(default=None, ge=2, le=10_000)  # the same in a row, and the sensor is suspect
    interval_s: Seconds = 10.0
    domain: Domain
    scenario: Word | None = None  # what a level over its limits is a sign of
    levels: Levels | None = None
    clear_readings: int = Field(default=2, ge=2)

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        if self.boolean and self.stuck_after is not None:
            raise ValueError("an alarm or a switch stays the same: it takes no stuck_after")
        return self


class Point(Entry):
    """One corner of a score curve."""

    value: float
    score: float = Field(ge=0, le=100)


class IndicatorEntry(Entry):
    """An indicator: what of a unit, over which window, how it is scored."""

    id: Word
    name: Name
    domain: Domain
    of: Word  # a quantity, or crowd_density, crowd_inflow, people_in, person_count
    aggregate: Literal["mean", "max", "min", "sum", "last"]
    window_s: Seconds = 60.0
    unit: str
    curve: Annotated[tuple[Point, ...], Field(min_length=2)]  # piecewise linear, value rising
    weight: float = Field(default=1.0, gt=0)
    source: str

    @model_validator(mode="after")
    def _rising(self) -> Self:
        values = [p.value for p in self.curve]
        if values != sorted(set(values)):
            raise ValueError("the curve's values must rise")
        return self


class Rule(Entry):
    """A pattern beyond single limits, decided when the watermark passes; raises an anomaly with ``score``."""

    id: Word
    pattern: Literal["rising", "agree", "density", "inflow", "video_count"]
    quantities: tuple[Word, ...] = ()
    window_s: Seconds = 60.0
    at_least: float = Field(default=2, gt=0)  # sensors that agree, or the rise over the window
    while_over: Colour | None = None  # the level that the quantity must hold beside
    levels: Levels | None = None
    score: float = Field(default=3.0, ge=0, le=4)


class StepClocks(Entry):
    """How long each step may take at one tier before the case escalates, in seconds."""

    accept_s: Seconds = 600.0
    arrive_s: Seconds = 1_800.0
    handle_s: Seconds = 7_200.0
    verify_s: Seconds = 3_600.0


class Scenario(Entry):
    """One kind of thing that goes wrong, from its signs to its verified end."""

    id: Word
    name: Name
    unit_kinds: tuple[UnitKind, ...]  # all: every kind
    cap_category: Literal[
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
    ]
    group_by: Literal["subject", "unit"]  # one alert a subject, or one a unit
    on_delay_s: float = Field(default=0.0, ge=0)
    off_delay_s: float = Field(default=0.0, ge=0)
    settle_s: Seconds  # how long all subjects must stay clear before the case closes
    acknowledge_s: Seconds = 300.0
    clocks: StepClocks = StepClocks()
    responsible_first: bool = False
    skills: Annotated[tuple[str, ...], Field(min_length=1)]
    emergency_plan: str | None = None  # opened by red
    instruction: str = ""
    rules: tuple[Rule, ...] = ()


class Catalogue(Entry):
    """All of it, by id."""

    quantities: dict[str, Quantity]
    indicators: dict[str, IndicatorEntry]
    scenarios: dict[str, Scenario]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for quantity in self.quantities.values():
            if quantity.scenario is not None and quantity.scenario not in self.scenarios:
                raise ValueError(f"quantity {quantity.id}: unknown scenario {quantity.scenario}")
        for scenario in self.scenarios.values():
            for rule in scenario.rules:
                unknown = set(rule.quantities) - set(self.quantities)
                if unknown:
                    raise ValueError(f"scenario {scenario.id}, rule {rule.id}: unknown quantities {sorted(unknown)}")
        return self


def load_catalogue(folder: Path = CATALOGUE_FOLDER) -> Catalogue:
    """Read and check every file of a catalogue.

    Raises
    ------
    CatalogueError
        A file is missing, not YAML, or says something wrong; the message names file, place and reason.
    """
    quantities = _entries(folder / "quantities.yaml", Quantity)
    indicators = _entries(folder / "indicators.yaml", IndicatorEntry)
    scenarios: dict[str, Scenario] = {}
    for path in sorted((folder / "scenarios").glob("*.yaml")):
        scenario = _checked(path, Scenario, _read(path))
        scenarios[scenario.id] = scenario
    if not scenarios:
        raise CatalogueError(f"{folder}: no scenarios/*.yaml; point VITALS_CATALOGUE to a catalogue folder")
    whole = {"quantities": quantities, "indicators": indicators, "scenarios": scenarios}
    return _checked(folder, Catalogue, whole)


def _entries(path: Path, kind: type[T]) -> dict[str, T]:
    found: dict[str, T] = {}
    rows = _read(path)
    if not isinstance(rows, list):
        raise CatalogueError(f"{path}: must be a list of entries")
    for row in rows:
        entry = _checked(path, kind, row)
        found[str(row["id"])] = entry
    return found


def _checked(path: Path, kind: type[T], value: Any) -> T:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        name = value.get("id", "?") if isinstance(value, dict) else "?"
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        raise CatalogueError(f"{path}: {name}: {place}: {first['msg']}") from error


def _read(path: Path) -> Any:
    try:
        return msgspec.yaml.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise CatalogueError(f"{path}: {error}") from error
