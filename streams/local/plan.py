"""What ``vitals up`` is asked to do, and the settings that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streams.settings import Settings, SettingsError

TRIAL_SCALE = 60.0
TRIAL_DISORDER_S = 2.0
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
    return msgspec.structs.replace(settings, clock_scale=scale, disorder_s=disorder_s, checkpoint_s=checkpoint_s)
