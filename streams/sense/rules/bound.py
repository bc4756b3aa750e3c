"""A rule with what it needs of the catalogue, and the window that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from detectors.levels import LevelScale
from schemas import channels
from schemas.anomalies import MAX_EVIDENCE, AnomalyKind, Evidence
from schemas.catalogue import Catalogue, Quantity, Scenario, Table
from schemas.ids import COLOURS, Colour
from schemas.registry import Unit
from schemas.rules import (
    AgreeRule,
    CameraRule,
    DensityRule,
    InflowRule,
    LevelRule,
    RisingRule,
    Rule,
    SeenRule,
    StandstillRule,
    TogetherRule,
    VideoCountRule,
)
from schemas.times import format_time
from streams.sense.anomalies import Finding
from streams.sense.windows import Cell, SeriesWindow

IsOpen = Callable[[str], bool]  # whether a subject has an open anomaly of the rule
Levelled = LevelRule | DensityRule | InflowRule | VideoCountRule | StandstillRule


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule with what it needs of the catalogue."""

    scenario: Scenario
    rule: Rule
    scale: LevelScale | None
    limits: Mapping[str, float]  # quantity -> that of the level which it must hold, in its unit
    tables: Mapping[str, Table]

    @property
    def kind(self) -> AnomalyKind:
        """Return the kind of its anomalies."""
        if isinstance(self.rule, (DensityRule, InflowRule, VideoCountRule, StandstillRule)):
            return "crowd"
        if isinstance(self.rule, (SeenRule, CameraRule)):
            return "video"
        return "correlation" if isinstance(self.rule, TogetherRule) else "rule"


@dataclass(frozen=True, slots=True)
class Window:
    """What a rule looks at: the rows of one unit and mode in a window, and in the one before it."""

    start_ns: int
    end_ns: int
    partition: int
    unit: Unit | None
    cell: Cell
    before: Cell | None

    @property
    def minutes(self) -> float:
        """Return its length in minutes."""
        return (self.end_ns - self.start_ns) / 60e9

    def evidence(self, topic: str, offset: int, name: str, time_ns: int, value: float | None) -> Evidence:
        """Return where in the log a reason lies."""
        at = format_time(time_ns)
        return Evidence(topic=topic, partition=self.partition, offset=offset, name=name, time=at, value=value)

    def finding(
        self,
        severity: float,
        relaxed: float,
        value: float,
        *,
        good: int,
        quality: float = 1.0,
        evidence: Iterable[Evidence] = (),
        expected: float | None = None,
    ) -> Finding:
        """Return what a rule says at the window's end."""
        return Finding(
            time_ns=self.end_ns,
            severity=severity,
            relaxed=relaxed,
            value=value,
            quality=quality,
            evidence=tuple(evidence)[:MAX_EVIDENCE],
            expected=expected,
            good=good,
        )

    def readings(self, found: Iterable[tuple[str, SeriesWindow]]) -> list[Evidence]:
        """Return the last readings of series as evidence."""
        return [self.evidence(channels.READINGS, seen.offset, name, seen.last_ns, seen.last) for name, seen in found]


def bind_rules(catalogue: Catalogue) -> list[BoundRule]:
    """Return the rules of all scenarios, in order of their ids.

    Raises
    ------
    ValueError
        A rule needs levels that its quantities do not have.
    """
    found = []
    for scenario in catalogue.scenarios.values():
        for rule in scenario.rules:
            scale = scale_of(rule) if isinstance(rule, Levelled) else None
            limits = _limits(rule, catalogue) if isinstance(rule, (RisingRule, AgreeRule)) else {}
            found.append(BoundRule(scenario, rule, scale, limits, catalogue.tables))
    return sorted(found, key=lambda bound: bound.rule.id)


def scale_of(rule: Levelled) -> LevelScale:
    """Return the levels of a rule as a scale of severities."""
    return LevelScale.of(rule.levels.values(), rule.levels.side, rule.levels.hysteresis)


def level_of(levels: tuple[float | None, ...], colour: Colour) -> float | None:
    """Return the threshold of a colour after green."""
    return levels[COLOURS.index(colour) - 1]


def _limits(rule: RisingRule | AgreeRule, catalogue: Catalogue) -> dict[str, float]:
    found = {}
    for quantity in (catalogue.quantities[name] for name in rule.quantities):
        limit = _limit(rule, quantity)
        if limit is not None:
            found[quantity.id] = limit
    return found


def _limit(rule: RisingRule | AgreeRule, quantity: Quantity) -> float | None:
    limit = None if quantity.levels is None else level_of(quantity.levels.values(), rule.while_over)
    if limit is not None and (limit <= 0 or (quantity.levels is not None and quantity.levels.side == "under")):
        raise ValueError(f"rule {rule.id}: {quantity.id} must have limits over 0, on the side `over`")
    return limit
