"""The catalogue over event time: the files, and what ``vitals.registry.rules`` has changed of them since.

Each change is a whole entry. One that the catalogue would not bear is refused and leaves the one before in force; the
others go on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.catalogue import Catalogue, IndicatorEntry, Joining, PollutionSource, Quantity, Scenario, Table
from schemas.network import WaterPoint
from schemas.registry import RuleRecord
from schemas.rules import Entry
from schemas.times import parse_time
from streams.registry.view import RegistryView
from streams.sense.rules.bound import bind_rules

log = logging.getLogger(__name__)
KINDS: dict[str, tuple[str, type[Entry]]] = {
    "quantity": ("quantities", Quantity),
    "indicator": ("indicators", IndicatorEntry),
    "table": ("tables", Table),
    "source": ("sources", PollutionSource),
    "score": ("joining", Joining),
    "scenario": ("scenarios", Scenario),
    "water": ("network", WaterPoint),
}


class RuleRefusedError(Exception):
    """A change that the catalogue does not bear: which, and why."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A catalogue from an event time (ns) on."""

    since_ns: int
    catalogue: Catalogue


def changed(catalogue: Catalogue, rule: RuleRecord) -> Catalogue:
    """Return the catalogue with one entry changed.

    Raises
    ------
    RuleRefusedError
        The entry, or the whole with it, is not well; nothing has changed.
    """
    kind, _, name = rule.rule_id.partition(":")
    if kind not in KINDS or not name:
        raise RuleRefusedError(f"{rule.rule_id}: rule_id must be {', '.join(f'{k}:ID' for k in KINDS)}")
    field, model = KINDS[kind]
    try:
        entry = model.model_validate(rule.entry)
        identity = getattr(entry, "id", name)
        if identity != name:
            raise RuleRefusedError(f"{rule.rule_id}: the entry's id is {identity}")
        parts = {part: dict(getattr(catalogue, part)) for part, _ in KINDS.values()}
        parts[field][name] = entry
        found = Catalogue(registry=catalogue.registry, **parts)
        bind_rules(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        reason = first["msg"].removeprefix("Value error, ")
        raise RuleRefusedError(f"{rule.rule_id}, version {rule.version}: {place}: {reason}") from error
    except ValueError as error:
        raise RuleRefusedError(f"{rule.rule_id}, version {rule.version}: {error}") from error
    windows = {entry.window_s for entry in (*found.indicators.values(), *catalogue.indicators.values())}
    if len(windows) > 1:
        raise RuleRefusedError(f"{rule.rule_id}: indicators must share one window, not {sorted(windows)} s")
    return found


class Timeline:
    """Which catalogue is in force when; follows the registry view, which changes between batches only."""

    def __init__(self, base: Catalogue, view: RegistryView) -> None:
        self._base, self._view = base, view
        self._seen = -1
        self._found: list[InForce] = []

    def at(self, time_ns: int) -> Catalogue:
        """Return the catalogue in force at an event time."""
        return [one.catalogue for one in self.all() if one.since_ns <= time_ns][-1]

    def all(self) -> list[InForce]:
        """Return every catalogue, by the time from which it holds; the files' first."""
        if self._seen != self._view.rule_change:
            self._seen = self._view.rule_change
            self._found = [InForce(0, self._base)]
            for rule in sorted(self._view.rules.values(), key=lambda one: (parse_time(one.valid_from), one.version)):
                try:
                    catalogue = changed(self._found[-1].catalogue, rule)
                except RuleRefusedError as error:
                    log.warning("a changed rule is refused, the one before stays in force: %s", error)
                    continue
                self._found.append(InForce(parse_time(rule.valid_from), catalogue))
        return self._found
