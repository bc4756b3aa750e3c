"""How a crowd's night was judged: when each colour was reached in each unit, and how long before people fell."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_alert
from schemas.ids import COLOURS, Colour
from schemas.times import parse_time
from streams.dispatch.chain import local_time
from streams.newest import events
from streams.settings import Settings

SCENARIO = "crowd-surge"


class UnitNight(msgspec.Struct, frozen=True, kw_only=True):
    """When a unit reached each colour first (event time), and the minutes from there to the fall, where one was."""

    unit_id: str
    reached: dict[Colour, str]
    lead_min: dict[Colour, float]


class CrowdNight(msgspec.Struct, frozen=True, kw_only=True):
    """One night; ``above_yellow`` counts its alerts of crowd risk that went above yellow."""

    night: str
    fall: str | None
    units: tuple[UnitNight, ...]
    above_yellow: int
    synthetic: str = "zones, stair, speeds and flows are simulated from official totals: docs/bund-night.md"


async def read_crowd_night(settings: Settings, night: str, fall: str | None) -> CrowdNight:
    """Return how the night in the settings' namespace was judged."""
    found = [decode_alert(record.value or b"") async for record in events(settings, channels.ALERTS)]
    return judge_crowd_night(night, fall, found)


def judge_crowd_night(night: str, fall: str | None, versions: Iterable[Alert]) -> CrowdNight:
    """Return when alerts of crowd risk reached each colour, of all their versions in any order."""
    reached: dict[str, dict[Colour, str]] = {}
    worst: dict[str, int] = {}
    for alert in versions:
        if alert.scenario != SCENARIO or alert.state == "NORM":
            continue
        level = COLOURS.index(alert.colour)
        worst[alert.alert_id] = max(level, worst.get(alert.alert_id, 0))
        times = reached.setdefault(alert.unit_id, {})
        for colour in COLOURS[1 : level + 1]:  # who is orange has passed blue and yellow
            times[colour] = min(alert.last_seen, times.get(colour, alert.last_seen), key=parse_time)
    units = tuple(
        UnitNight(unit_id=unit_id, reached=times, lead_min=_leads(times, fall))
        for unit_id, times in sorted(reached.items())
    )
    above = sum(level > COLOURS.index("yellow") for level in worst.values())
    return CrowdNight(night=night, fall=fall, units=units, above_yellow=above)


def render_crowd_night(found: CrowdNight) -> str:
    """Return a night as terminal text, with times of Asia/Shanghai."""
    lines = [f"{found.night}: alerts of crowd risk above yellow: {found.above_yellow}"]
    for unit in found.units:
        for colour, time in sorted(unit.reached.items(), key=lambda item: COLOURS.index(item[0])):
            lead = unit.lead_min.get(colour)
            before = "" if lead is None else f", {lead:.0f} min before people fell"
            lines.append(f"  {unit.unit_id:<34}{colour:<8}{local_time(time)}{before}")
    return "\n".join([*lines, f"({found.synthetic})"])


def _leads(times: dict[Colour, str], fall: str | None) -> dict[Colour, float]:
    if fall is None:
        return {}
    return {colour: round((parse_time(fall) - parse_time(time)) / 60e9, 1) for colour, time in times.items()}
