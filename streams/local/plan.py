"""What ``vitals up`` is asked to do, and the settings that follow from it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from schemas.catalogue import Catalogue, Scenario
from schemas.rules import LevelRule
from streams.catalogue.files import load_catalogue
from streams.clock import seconds_since
from streams.sense.rules.series import is_within
from streams.settings import Settings, SettingsError

TRIAL_SCALE = 60.0
TRIAL_DISORDER_S = 2.0
LEAD_H = 1 / 6  # of a trial of several scenarios, before the night begins
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class UpPlan:
    """The options of ``vitals up``."""

    seconds: float | None = None  # from readiness on; ``None``: until Ctrl-C
    scenarios: tuple[str, ...] = ()
    is_recovering: bool = True
    report: Path | None = None
    clock_scale: float | None = None
    devices: int = 2_000
    seed: int = 1
    broker: str = "embedded"  # or local (Apache Kafka of deploy/local), or given


def parse_duration(text: str) -> float:
    """Return the seconds of ``90s``, ``15m``, ``1.5h`` or a plain number."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"not a duration: {text!r}; write for example 90s, 15m or 2h")
    return float(match[1]) * _SECONDS[match[2] or ""]


def settings_of(plan: UpPlan, settings: Settings) -> Settings:
    """Return the settings with what the plan makes of them: scenarios run on fast clocks and with little disorder."""
    scale = plan.clock_scale or (TRIAL_SCALE if plan.scenarios else 1.0)
    if scale < 1:
        raise SettingsError(f"--clock-scale must be 1 or more, not {scale}")
    disorder_s = TRIAL_DISORDER_S if plan.scenarios else settings.disorder_s
    checkpoint_s = min(settings.checkpoint_s, 5.0) if plan.scenarios else settings.checkpoint_s
    return msgspec.structs.replace(
        settings,
        clock_scale=scale,
        clock_behind_s=behind_s(plan.scenarios, load_catalogue(Path(settings.catalogue)), time.time_ns()),
        disorder_s=disorder_s,
        checkpoint_s=checkpoint_s,
    )


def behind_s(scenarios: Sequence[str], catalogue: Catalogue, now_ns: int) -> float:
    """Return how far event time must lie behind, s, so that rules which hold in some hours only apply in the trial.

    One such scenario is played from the begin of its hours on; among others it is played from ten minutes before, so
    that rules of the day and of the night both have their part.
    """
    begins = [hours[0] for scenario in scenarios if (hours := _hours_of(catalogue.scenarios[scenario])) is not None]
    if not begins:
        return 0.0
    if len(scenarios) > 1:
        return seconds_since(begins[0] - LEAD_H, now_ns)
    hours = _hours_of(catalogue.scenarios[scenarios[0]])
    return 0.0 if hours is not None and is_within(now_ns, hours) else seconds_since(begins[0], now_ns)


def _hours_of(scenario: Scenario) -> tuple[float, float] | None:
    """Return the local hours outside which none of a scenario's rules holds; ``None`` where one always may."""
    hours = [rule.hours if isinstance(rule, LevelRule) else None for rule in scenario.rules]
    return hours[0] if hours and None not in hours else None
