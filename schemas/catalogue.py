"""The catalogue that domain people change: quantities, indicators, tables, scenarios (`streams.catalogue` reads it).

Its units and teams are registry records: what is in force of them is said by the registry, once they are applied.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from schemas.network import WaterPoint, check_network
from schemas.registry import RegistryFile, UnitKind
from schemas.rules import Entry, LevelRule, Levels, Name, Rule, Seconds, Severity, Word, signals_of
from schemas.signs import Domain
from schemas.times import SECOND_NS, SHANGHAI_NS

POWER_MEAN, DEFAULT_EXPONENT = "power-mean", 4.0
DISTANCE = "~z"  # after a quantity: how far it lies from its own season, in scales


class Silence(Entry):
    """What it means when several devices of a unit no longer send a quantity: more than that they are broken."""

    scenario: Word
    at_least: int = Field(default=2, ge=2)  # devices
    score: Severity = 3.0


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
    dead_after: float = Field(default=12.0, ge=3, le=1_000)  # intervals of the device without a word
    silence: Silence | None = None
    season: bool = False  # its distance from its own season is followed too, as ``<id>~z``
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
        if self.season and (self.boolean or self.resolution <= 0):
            raise ValueError("a quantity with a season is a number with a resolution above 0")
        return self


class Point(Entry):
    """One corner of a score curve."""

    value: float
    score: float = Field(ge=0, le=100)


Curve = Annotated[tuple[Point, ...], Field(min_length=2)]  # piecewise linear, value rising


class CurveChange(Entry):
    """The curve that holds from a local day on: limits change, and old windows stay judged by what was in force."""

    valid_from: date
    curve: Curve
    source: str


class IndicatorEntry(Entry):
    """An indicator: what of a unit, over which window, how it is scored."""

    id: Word
    name: Name
    domain: Domain
    of: Word  # a quantity, or crowd_density, crowd_inflow, people_in, person_count
    aggregate: Literal["mean", "max", "min", "sum", "last"]
    window_s: Seconds = 60.0
    unit: str
    curve: Curve
    changes: tuple[CurveChange, ...] = ()  # rising dates
    weight: float = Field(default=1.0, gt=0)
    source: str

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for curve in (self.curve, *(change.curve for change in self.changes)):
            values = [p.value for p in curve]
            if values != sorted(set(values)):
                raise ValueError("the curve's values must rise")
        if [c.valid_from for c in self.changes] != sorted({c.valid_from for c in self.changes}):
            raise ValueError("the dates of changes must rise")
        return self

    def curve_at(self, time_ns: int) -> Curve:
        """Return the curve in force at an event time."""
        held = [change.curve for change in self.changes if _begins_ns(change.valid_from) <= time_ns]
        return held[-1] if held else self.curve


class TableVersion(Entry):
    """The limits of each class from a local day on."""

    valid_from: date
    limits: Annotated[dict[int, float], Field(min_length=1)]
    source: str


class Table(Entry):
    """Limits by class that a standard sets and changes."""

    id: Word
    name: Name
    unit: str
    versions: Annotated[tuple[TableVersion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if [v.valid_from for v in self.versions] != sorted({v.valid_from for v in self.versions}):
            raise ValueError("the dates of versions must rise")
        return self

    def limit_at(self, of_class: int, time_ns: int) -> float | None:
        """Return the limit of a class at an event time; ``None`` where none was in force."""
        held = [version for version in self.versions if _begins_ns(version.valid_from) <= time_ns]
        return held[-1].limits.get(of_class) if held else None


class StepClocks(Entry):
    """How long each step may take at one tier before the case escalates, in seconds."""

    accept_s: Seconds = 600.0
    arrive_s: Seconds = 1_800.0
    handle_s: Seconds = 7_200.0
    verify_s: Seconds = 3_600.0


class Reports(Entry):
    """What a person's report of this scenario weighs; an official source (a gateway) may weigh more."""

    score: Severity = 1.0
    quality: float = Field(default=0.6, ge=0, le=1)
    official: dict[Word, Severity] = Field(default={})  # gateway -> score; its quality is 1


class Scenario(Entry):
    """One kind of thing that goes wrong, from its signs to its verified end."""

    id: Word
    name: Name
    unit_kinds: Annotated[tuple[UnitKind, ...], Field(min_length=1)]  # all: every kind
    cap_category: Literal[
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
    ]
    group_by: Literal["subject", "unit"]  # one alert a subject, or one a unit
    on_delay_s: float = Field(default=0.0, ge=0)
    off_delay_s: float = Field(default=0.0, ge=0)
    settle_s: Seconds  # how long all subjects must stay clear before the case closes
    acknowledge_s: Seconds = 300.0
    flap_half_life_s: float = Field(default=900.0, ge=0)  # of the penalty for coming back; 0: its alerts are not held
    clocks: StepClocks = StepClocks()
    responsible_first: bool = False
    skills: Annotated[tuple[str, ...], Field(min_length=1)]
    emergency_plan: str | None = None  # opened by red
    instruction: str = ""
    reports: Reports = Reports()
    rules: tuple[Rule, ...] = ()


class Joining(Entry):
    """How scores are joined: the exponent of the weighted power mean (``detectors.power_mean``)."""

    id: Word
    exponent: float = Field(ge=1, le=64)
    source: str


class PollutionSource(Entry):
    """A place that may pollute: a candidate where sensors rise."""

    id: Word
    name: Name
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    emits: Annotated[tuple[Word, ...], Field(min_length=1)]  # quantities


class Catalogue(Entry):
    """All of it, by id."""

    model_config = ConfigDict(arbitrary_types_allowed=True)  # of the registry's records

    quantities: dict[str, Quantity]
    indicators: dict[str, IndicatorEntry]
    scenarios: dict[str, Scenario]
    tables: dict[str, Table] = Field(default={})
    sources: dict[str, PollutionSource] = Field(default={})
    joining: dict[str, Joining] = Field(default={})
    registry: RegistryFile = RegistryFile()  # of units.yaml and teams.yaml
    network: dict[str, WaterPoint] = Field(default={})

    @property
    def exponent(self) -> float:
        """Return the exponent by which scores are joined."""
        return self.joining[POWER_MEAN].exponent if POWER_MEAN in self.joining else DEFAULT_EXPONENT

    @model_validator(mode="after")
    def _known(self) -> Self:
        for quantity in self.quantities.values():
            named = [quantity.scenario] + ([quantity.silence.scenario] if quantity.silence is not None else [])
            for scenario_id in named:
                if scenario_id is not None and scenario_id not in self.scenarios:
                    raise ValueError(f"quantity {quantity.id}: unknown scenario {scenario_id}")
        self._check_sources()
        rules: dict[str, str] = {}
        for scenario in self.scenarios.values():
            for rule in scenario.rules:
                where = f"scenario {scenario.id}, rule {rule.id}"
                if rule.id in rules:
                    raise ValueError(f"{where}: the id is that of a rule of {rules[rule.id]} too")
                rules[rule.id] = scenario.id
                self._check(rule, where)
        return self

    def _check_sources(self) -> None:
        check_network(self.network)
        for kind, of in (("source", self.sources), ("network point", self.network)):
            for place in of.values():
                unknown = sorted(set(place.emits) - set(self.quantities))
                if unknown:
                    raise ValueError(f"{kind} {place.id}: unknown quantities {unknown}")

    def _check(self, rule: Rule, where: str) -> None:
        unknown = sorted(name for name in signals_of(rule) if not self._is_signal(name))
        if unknown:
            raise ValueError(f"{where}: unknown quantities {unknown}")
        if isinstance(rule, LevelRule) and rule.above is not None and rule.above.table not in self.tables:
            raise ValueError(f"{where}: unknown table {rule.above.table}")

    def _is_signal(self, name: str) -> bool:
        quantity = self.quantities.get(name.removesuffix(DISTANCE))
        return quantity is not None and (quantity.season or not name.endswith(DISTANCE))


def _begins_ns(day: date) -> int:
    """Return when a day begins in Shanghai, ns."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_NS - SHANGHAI_NS
