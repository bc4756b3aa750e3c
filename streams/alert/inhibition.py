"""What keeps an alert from asking for attention: shelves, silences, maintenance, and alerts that explain others.

A suppressed alert is published all the same, in its suppressed state; it lives on beneath.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from schemas.actions import Action, Matcher
from schemas.ids import TIERS, Tier, district_of
from schemas.refusals import Reason, RefusedError
from schemas.times import SECOND_NS, parse_time
from streams.alert.grouping import AlertKey
from streams.alert.lifecycle import AlertLife, Suppression

WindowKind = Literal["shelve", "silence", "maintenance"]
# An operator's hand shelves: one alert, or by a silence all that match and are still to come. By design only the rules
# suppress. Where several apply the first shows.
SUPPRESSES: tuple[tuple[frozenset[WindowKind], Suppression], ...] = (
    (frozenset(("maintenance",)), "OOSRV"),
    (frozenset(("silence", "shelve")), "SHLVD"),
)
DEFAULT_NS = 8 * 3_600 * SECOND_NS  # one shift: nothing is hidden for ever because somebody gave no end
MAX_WINDOWS = 10_000  # of one partition
ORANGE = 3


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One suppression until an event time: of one alert key (``key``), or of all that the other fields match."""

    kind: WindowKind
    district: str
    until_ns: int
    by: str
    reason: str = ""
    key: AlertKey | None = None
    scenario: str | None = None
    unit_id: str | None = None  # or a tier's prefix
    subject: str | None = None

    def covers(self, key: AlertKey, subject: str) -> bool:
        """Whether it hides what one subject of an alert says."""
        if self.key is not None:
            return self.key == key
        return self.reaches(key) and self.subject in (None, subject, key.subject)

    def reaches(self, key: AlertKey) -> bool:
        """Whether scenario and place match."""
        return (
            self.district == district_of(key.unit_id)
            and self.scenario in (None, key.scenario)
            and (self.unit_id is None or is_within(key.unit_id, self.unit_id))
        )

    @property
    def target(self) -> tuple[object, ...]:
        """What it hides, whatever the time: of two windows of a kind with the same target the newer counts."""
        return self.kind, self.district, self.key, self.scenario, self.unit_id, self.subject


@dataclass(frozen=True, slots=True)
class Mutes:
    """While an alert of ``source`` is active at orange or worse, alerts of ``target`` in the same tier are its echo."""

    source: str
    target: str
    within: Tier


# A power cut silences the sensors that hang on it: their silence is no fault of theirs.
MUTES = (Mutes("power-fault", "sensor-fault", "unit"),)


class Inhibition:
    """The windows in force in one partition, and the rules between alerts."""

    def __init__(self, rules: tuple[Mutes, ...] = MUTES) -> None:
        self.windows: list[Window] = []
        self._rules = rules
        self.is_dirty = False

    def open(self, windows: Sequence[Window]) -> None:
        """Put windows in force, all or none; of two with the same target the newer replaces the older.

        Raises
        ------
        RefusedError
            ``bad_action``: too many would be in force.
        """
        targets = {window.target for window in windows}
        kept = [other for other in self.windows if other.target not in targets]
        if len(kept) + len(windows) > MAX_WINDOWS:
            raise RefusedError(Reason.BAD_ACTION, f"more than {MAX_WINDOWS} windows would be in force: end some first")
        self.windows, self.is_dirty = [*kept, *windows], True

    def close(self, is_meant: Callable[[Window], bool]) -> bool:
        """End the windows that are meant; whether there were any."""
        kept = [window for window in self.windows if not is_meant(window)]
        changed = len(kept) < len(self.windows)
        self.windows, self.is_dirty = kept, self.is_dirty or changed
        return changed

    def next_end(self) -> int | None:
        """Return when the next window ends by itself."""
        return min((window.until_ns for window in self.windows), default=None)

    def expire(self, at: int) -> None:
        """End the windows whose time is over at ``at``."""
        self.close(lambda window: window.until_ns <= at)

    def suppression(self, life: AlertLife, others: Iterable[AlertLife]) -> Suppression | None:
        """Return what hides an alert: every active subject must be covered (every subject, where none is active)."""
        active = [name for name, subject in life.subjects.items() if subject.is_active]
        names = active or list(life.subjects)
        for kinds, suppression in SUPPRESSES:
            windows = [window for window in self.windows if window.kind in kinds and self._may_cover(window, life.key)]
            if windows and all(any(window.covers(life.key, name) for window in windows) for name in names):
                return suppression
        return "DSUPR" if self._is_muted(life, others) else None

    def hides_at_once(self, key: AlertKey, subject: str) -> bool:
        """Whether a first sign of a key would be hidden: then nothing is said of it at arrival."""
        return any(window.covers(key, subject) for window in self.windows)

    def echoes(self, scenarios: Iterable[str]) -> frozenset[str]:
        """Return the scenarios whose alerts can be muted by those of ``scenarios``."""
        sources = frozenset(scenarios)
        return frozenset(rule.target for rule in self._rules if rule.source in sources)

    def can_be_muted(self, scenario: str) -> bool:
        """Whether a rule can mute alerts of a scenario: they are judged after those that mute."""
        return any(rule.target == scenario for rule in self._rules)

    @staticmethod
    def _may_cover(window: Window, key: AlertKey) -> bool:
        return window.key == key if window.key is not None else window.reaches(key)

    def _is_muted(self, life: AlertLife, others: Iterable[AlertLife]) -> bool:
        rules = [rule for rule in self._rules if rule.target == life.key.scenario]
        return bool(rules) and any(_mutes(rule, other, life) for other in others for rule in rules)


def window_of(action: Action, kind: WindowKind, at: int, key: AlertKey | None = None) -> Window:
    """Return the window that an action opens: of one key, or of all that its matcher matches, those to come too.

    Raises
    ------
    RefusedError
        ``bad_action``: the window would be over before it begins.
    """
    until_ns = at + DEFAULT_NS if action.until is None else parse_time(action.until)
    if until_ns <= at:
        raise RefusedError(Reason.BAD_ACTION, f"until {action.until} is over already")
    matcher = (action.matcher or Matcher()) if key is None else Matcher()
    return Window(
        kind=kind,
        district=action.district,
        until_ns=until_ns,
        by=action.by,
        reason=action.reason,
        key=key,
        scenario=matcher.scenario,
        unit_id=matcher.unit_id,
        subject=matcher.subject,
    )


def is_within(unit_id: str, prefix: str) -> bool:
    """Whether a unit is ``prefix``, or lies in the tier that it names."""
    return unit_id == prefix or unit_id.startswith(f"{prefix}.")


def _mutes(rule: Mutes, other: AlertLife, life: AlertLife) -> bool:
    return (
        other.key.scenario == rule.source
        and other.key.mode == life.key.mode
        and other.is_active
        and other.level >= ORANGE
        and other.state in ("UNACK", "ACKED")
        and _tier_of(other.key.unit_id, rule.within) == _tier_of(life.key.unit_id, rule.within)
    )


def _tier_of(unit_id: str, tier: Tier) -> str:
    """Return the prefix of a unit's tier: district, subdistrict and grid are its first one, two and three labels."""
    labels = unit_id.split(".")
    return ".".join(labels[: len(labels) if tier == "unit" else len(TIERS) - 1 - TIERS.index(tier)])
