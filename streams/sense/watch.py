"""The limits beyond which single series are followed for rules, and for how long."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from schemas.catalogue import Catalogue, Table
from schemas.registry import Unit
from schemas.rules import AgreeRule, LevelRule, RisingRule, Rule, TogetherRule, signals_of
from streams.pace import Pace

WINDOWS = 3  # of the longest kind, for which a series is followed after its last reading beyond
READINGS = 20  # or so many, where it reports seldom
MOST_READINGS = 65_535
RISE_SHARE = 0.5  # of a level, from where a rise over it is followed


class Watch:
    """The limits beyond which a series is followed, by quantity and unit; built from the rules of a catalogue."""

    def __init__(self, catalogue: Catalogue, pace: Pace) -> None:
        self._tables = catalogue.tables
        self._rules: dict[str, list[Rule]] = {}
        self._catalogue = catalogue
        longest_s = 0.0
        for scenario in catalogue.scenarios.values():
            for rule in scenario.rules:
                for name in signals_of(rule):
                    self._rules.setdefault(name, []).append(rule)
                    longest_s = max(longest_s, rule.window_s)
        self._longest_ns = pace.window_ns(longest_s) if longest_s else 0

    def bounds(self, quantity: str, unit: Unit | None) -> tuple[float, float]:
        """Return (over, under): at or beyond them a reading of a unit is followed; infinite where no rule looks."""
        over, under = np.inf, -np.inf
        for rule in self._rules.get(quantity, ()):
            for is_over, limit in _limits(rule, quantity, self._catalogue, self._tables, unit):
                over, under = (min(over, limit), under) if is_over else (over, max(under, limit))
        return over, under

    def readings(self, interval_s: float) -> int:
        """Return for how many good readings a series of this interval is followed."""
        return min(max(READINGS, round(WINDOWS * self._longest_ns / (interval_s * 1e9))), MOST_READINGS)


def _limits(
    rule: Rule, quantity: str, catalogue: Catalogue, tables: Mapping[str, Table], unit: Unit | None
) -> list[tuple[bool, float]]:
    """Return (whether over, limit) of a rule, relaxed by its hysteresis, as low as any date and class may make it."""
    if isinstance(rule, (RisingRule, AgreeRule)):
        levels = catalogue.quantities[quantity].levels
        limits = [] if levels is None else [limit for limit in levels.values() if limit is not None]
        return [(True, RISE_SHARE * min(limits))] if limits else []
    if isinstance(rule, LevelRule):
        least = next(limit for limit in rule.levels.values() if limit is not None)
        is_over = rule.levels.side == "over"
        relaxed = least - rule.levels.hysteresis if is_over else least + rule.levels.hysteresis
        return [(is_over, relaxed + above) for above in _aboves(rule, tables, unit)]
    if isinstance(rule, TogetherRule):
        found = []
        for sign in rule.signs:
            if sign.quantity == quantity and sign.under is not None:
                found.append((False, sign.under))
            elif sign.quantity == quantity:
                found.append((True, -np.inf if sign.over is None else sign.over))
        return found
    return []


def _aboves(rule: LevelRule, tables: Mapping[str, Table], unit: Unit | None) -> list[float]:
    if rule.above is None:
        return [0.0]
    of = rule.above.of
    if of == "noise_class":
        if unit is None or unit.noise_class is None:
            return []
        of = unit.noise_class
    return [version.limits[of] for version in tables[rule.above.table].versions if of in version.limits]
