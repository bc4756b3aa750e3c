"""What the page and the API show of each thing: small structs, encoded as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detectors.scores import colour_of
from schemas.alerts import Alert, AlertSubject
from schemas.catalogue import Catalogue
from schemas.ids import Colour, Mode, Tier
from schemas.orders import ENDED, Order, Step, StepEntry
from schemas.registry import Unit
from schemas.signs import Indicator, UnitScores
from schemas.times import SECOND_NS, format_time, parse_time
from streams.console.hour import Direction, Past, Trend
from streams.console.places import place_names

OVER_ALERT_STATES = frozenset({"NORM"})
STEPS_SHOWN = 60
SENSOR = "sensor"  # who signs a step that a sensor has shown


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's names; ``featured`` units have people of their own, and stand larger on the page."""

    unit_id: str
    kind: str
    name_zh: str
    name_en: str
    featured: bool


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of a tier's prefix: a district, a subdistrict or a grid."""

    area_id: str
    mode: Mode
    name_zh: str
    name_en: str
    window_end: str
    overall: float | None
    colour: Colour | None
    domains: dict[str, float]
    coverage: float
    trend: Direction | None  # of ``overall``, in the hour up to ``window_end``; none where too little is known
    change: float | None  # points, in ``change_s`` seconds of event time
    change_s: float | None
    domain_trends: dict[str, Direction]


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's scores in its newest window; no score where no domain has one."""

    unit_id: str
    mode: Mode
    window_end: str
    score: float | None
    colour: Colour | None
    domains: dict[str, float]
    coverage: float
    trend: Direction | None
    change: float | None
    change_s: float | None


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How far event time has come in a mode: the end of its newest window."""

    mode: Mode
    window_end: str
    window_s: float


class AlertCard(msgspec.Struct, frozen=True, kw_only=True):
    """An alert without its evidence."""

    alert_id: str
    version: int
    provisional: bool
    over: bool
    unit_id: str
    scenario: str
    colour: Colour
    state: str
    certainty: str
    mode: Mode
    first_seen: str
    last_seen: str
    sent: str
    count: int
    active: int  # subjects
    headline: str
    subjects: tuple[str, ...]
    acknowledged_by: str | None


class CaseCard(msgspec.Struct, frozen=True, kw_only=True):
    """A case without its causal chain; ``verified`` says that a sensor has shown it to be put right."""

    case_id: str
    order_id: str | None
    version: int
    over: bool
    verified: bool
    unit_id: str
    scenario: str
    colour: Colour
    step: Step
    tier: Tier
    team_id: str | None
    attempt: int
    opened: str
    due: str | None
    mode: Mode
    steps: tuple[StepEntry, ...]
    alert_ids: tuple[str, ...]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that the console keeps no longer."""

    places: tuple[str, ...] = ()
    tiles: tuple[str, ...] = ()  # <mode>/<unit_id>
    areas: tuple[str, ...] = ()  # <mode>/<area_id>
    alerts: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is sent: everything (``full``), or what has changed since the last one."""

    full: bool
    caught_up: bool
    unreadable: int  # records that could not be read
    clocks: tuple[Clock, ...]
    areas: tuple[Area, ...]
    tiles: tuple[Tile, ...]
    places: tuple[Place, ...]
    alerts: tuple[AlertCard, ...]
    cases: tuple[CaseCard, ...]
    gone: Gone = Gone()


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's twin as it stands: its place, scores, indicators, open alerts and cases of one mode."""

    unit_id: str
    mode: Mode
    place: Place | None
    tile: Tile | None
    trends: dict[str, Trend]  # of ``overall`` and the domains
    hour: Past | None  # of ``overall``
    indicators: tuple[Indicator, ...]
    alerts: tuple[AlertCard, ...]
    cases: tuple[CaseCard, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The district in numbers, of one mode."""

    now: str
    mode: Mode
    modes: tuple[Mode, ...]  # those with anything to show
    caught_up: bool
    window_end: str | None
    lag_s: float | None  # from the end of the newest window to now
    districts: tuple[Area, ...]
    score: float | None  # of the worst district
    trend: Direction | None  # of the same
    units: int
    alerts: int  # open
    cases: int  # open
    open_alerts: dict[str, int]  # by colour
    open_cases: dict[str, int]  # by step
    closed_cases: int  # of those kept


def window_end_ns(window_start: str, window_s: float) -> int:
    """Return the end of a window."""
    return parse_time(window_start) + round(window_s * SECOND_NS)


def place_of(unit: Unit) -> Place:
    """Return a unit's names."""
    return Place(
        unit_id=unit.unit_id,
        kind=unit.kind,
        name_zh=unit.name_zh,
        name_en=unit.name_en,
        featured=unit.responsible is not None,
    )


def area_of(scores: dict[str, Indicator], trends: Mapping[str, Trend]) -> Area:
    """Return the card of a prefix from its newest indicator of each domain and ``overall``."""
    trend = trends.get("overall")
    newest = max(scores.values(), key=lambda one: window_end_ns(one.window_start, one.window_s))
    overall = scores.get("overall")
    name_zh, name_en = place_names(newest.unit_id)
    return Area(
        area_id=newest.unit_id,
        mode=newest.mode,
        name_zh=name_zh,
        name_en=name_en,
        window_end=format_time(window_end_ns(newest.window_start, newest.window_s)),
        overall=None if overall is None else overall.score,
        colour=None if overall is None else overall.colour,
        domains={name: one.score for name, one in scores.items() if name != "overall"},
        coverage=newest.coverage if overall is None else overall.coverage,
        trend=None if trend is None else trend.direction,
        change=None if trend is None else trend.change,
        change_s=None if trend is None else trend.seconds,
        domain_trends={name: one.direction for name, one in trends.items() if name != "overall"},
    )


def tile_of(scores: UnitScores, overall: float | None, trend: Trend | None) -> Tile:
    """Return a unit's tile."""
    return Tile(
        unit_id=scores.unit_id,
        mode=scores.mode,
        window_end=format_time(window_end_ns(scores.window_start, scores.window_s)),
        score=overall,
        colour=None if overall is None else colour_of(overall),
        domains={str(name): score for name, score in scores.scores.items()},
        coverage=scores.coverage,
        trend=None if trend is None else trend.direction,
        change=None if trend is None else trend.change,
        change_s=None if trend is None else trend.seconds,
    )


def is_provisional(alert: Alert) -> bool:
    """Whether an alert is only the raise at arrival; its settled life begins with version 2."""
    return alert.version == 1


def alert_card(alert: Alert) -> AlertCard:
    """Return an alert's card."""
    return AlertCard(
        alert_id=alert.alert_id, version=alert.version, provisional=is_provisional(alert), over=is_over_alert(alert),
        unit_id=alert.unit_id, scenario=alert.scenario, colour=alert.colour, state=alert.state,
        certainty=alert.certainty, mode=alert.mode, first_seen=alert.first_seen, last_seen=alert.last_seen,
        sent=alert.sent, count=alert.count, active=sum(map(_is_active, alert.subjects)), headline=alert.headline,
        subjects=tuple(one.subject for one in alert.subjects[:8]), acknowledged_by=alert.acknowledged_by,
    )  # fmt: skip


def case_card(order: Order) -> CaseCard:
    """Return a case's card."""
    return CaseCard(
        case_id=order.case_id, order_id=order.order_id, version=order.version, over=is_over_case(order),
        verified=is_verified(order), unit_id=order.unit_id, scenario=order.scenario, colour=order.colour,
        step=order.step, tier=order.tier, team_id=order.team_id, attempt=order.attempt, opened=order.opened,
        due=order.due, mode=order.mode, steps=order.steps[-STEPS_SHOWN:], alert_ids=order.alert_ids,
    )  # fmt: skip


def is_over_alert(alert: Alert) -> bool:
    """Whether nothing is left of an alert: it has cleared, and was acknowledged where it had to be."""
    return alert.state in OVER_ALERT_STATES


def is_over_case(order: Order) -> bool:
    """Whether a case has come to its end."""
    return order.step in ENDED


def is_verified(order: Order) -> bool:
    """Whether a sensor checked what was put right, not a person's click; a later reopening takes it back."""
    for entry in reversed(order.steps):
        if entry.step == "reopened":
            return False
        if entry.step in ("checked", "closed") and entry.by == SENSOR:
            return True
    return False


def catalogue_view(catalogue: Catalogue) -> dict[str, object]:
    """Return the names of scenarios, indicators and quantities, and what to do in a scenario."""
    return {
        "scenarios": {
            one.id: {"name": one.name.model_dump(), "instruction": one.instruction, "plan": one.emergency_plan}
            for one in catalogue.scenarios.values()
        },
        "indicators": {
            one.id: {"name": one.name.model_dump(), "domain": one.domain, "unit": one.unit}
            for one in catalogue.indicators.values()
        },
        "quantities": {
            one.id: {"name": one.name.model_dump(), "unit": one.unit} for one in catalogue.quantities.values()
        },
    }


def _is_active(subject: AlertSubject) -> bool:
    return subject.state == "active"
