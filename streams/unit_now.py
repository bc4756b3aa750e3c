"""A unit as it stands, out of the log: its newest indicators, and what is open there."""

from __future__ import annotations

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.orders import Order
from schemas.signs import Indicator
from streams.console.views import is_over_alert, is_over_case
from streams.dispatch.chain import local_time, plain
from streams.newest import newest_alerts, newest_cases, newest_indicators
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.settings import Settings


class UnitNow(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of one unit now; of alerts and cases the open ones."""

    unit_id: str
    indicators: tuple[Indicator, ...]
    alerts: tuple[Alert, ...]
    cases: tuple[Order, ...]


async def unit_ids(settings: Settings, name: str) -> list[str]:
    """Return the registered units and tiers that ``name`` means: the one of that id, else those that end with it."""
    topics = (channels.REGISTRY_UNITS,)
    await require_topics(settings, *topics)
    reader = RegistryReader(settings, topics)
    try:
        await reader.catch_up()
    finally:
        await reader.stop()
    units = reader.view.units
    if name in units or any(unit_id.startswith(f"{name}.") for unit_id in units):
        return [name]
    return sorted(unit_id for unit_id in units if unit_id.endswith(f".{name}"))


async def unit_now(settings: Settings, unit_id: str) -> UnitNow:
    """Return what the log says of a unit; for a tier's prefix also what is open in its units."""

    def is_there(where: str) -> bool:
        return where == unit_id or where.startswith(f"{unit_id}.")

    alerts = (await newest_alerts(settings)).values()
    cases = (await newest_cases(settings)).values()
    return UnitNow(
        unit_id=unit_id,
        indicators=tuple(await newest_indicators(settings, unit_id)),
        alerts=tuple(alert for alert in alerts if is_there(alert.unit_id) and not is_over_alert(alert)),
        cases=tuple(case for case in cases if is_there(case.unit_id) and not is_over_case(case)),
    )


def render_unit(unit: UnitNow) -> str:
    """Return a unit as terminal text, with times of Asia/Shanghai."""
    lines = [unit.unit_id, "", "Indicators"]
    lines += [
        f"  {one.indicator:<24}{one.value:>12.4g} {one.unit:<6}{one.score:>6.1f}  {one.colour:<8}"
        f"{local_time(one.window_start)}  coverage {one.coverage:.2f}{_mode(one.mode)}"
        for one in unit.indicators
    ] or ["  none yet"]
    lines += ["", "Open alerts"]
    lines += [
        f"  {one.alert_id}  {one.colour:<8}{one.state:<8}{one.scenario:<20}since {local_time(one.first_seen)}"
        f"{_mode(one.mode)}"
        for one in unit.alerts
    ] or ["  none"]
    lines += ["", "Open cases"]
    lines += [
        f"  {one.case_id}  {one.colour:<8}{one.step:<12}{one.tier:<12}{one.scenario:<20}since {local_time(one.opened)}"
        f"{_mode(one.mode)}"
        for one in unit.cases
    ] or ["  none"]
    return "\n".join(map(plain, lines))


def _mode(mode: str) -> str:
    return "" if mode == "actual" else f"  [{mode}]"
