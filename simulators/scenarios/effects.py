"""What a staged fault does: values that move, contacts that close, sensors that fail, cameras that see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.video import CameraHealth, VideoKind
from simulators.scenarios.fault import Fault


@dataclass(frozen=True, kw_only=True)
class Ramp:
    """Values that go to ``to`` while the cause is at work, along an exponential, and back when it has ended.

    Parameters
    ----------
    series
        ``<device_id>/<quantity>`` of each.
    to
        Where they end, in the quantity's unit; ``shares`` of it for each series, where given.
    grow_s, fade_s
        Time constants, divided by the clock scale.
    jitter
        Half the width of the noise around ``to``: a real sensor's value never stands still.
    """

    series: tuple[str, ...]
    to: float
    grow_s: float = 60.0
    fade_s: float = 30.0
    decimals: int = 2
    jitter: float = 0.0

    def value(self, fault: Fault, series: str, second: float, normal: float) -> float | None:
        """Return what the sensor reports in place of ``normal``."""
        share = self._share(fault, second)
        if share == 0.0:
            return normal
        wobble = self.jitter * math.sin(second * (1.0 + self.series.index(series)))
        return round(normal + (self.to + wobble - normal) * share, self.decimals)

    def _share(self, fault: Fault, second: float) -> float:
        if second < fault.onset_s:
            return 0.0
        grow, fade = fault.scaled(self.grow_s, 3.0), fault.scaled(self.fade_s, 1.0)
        until = second if fault.end_s is None else min(second, fault.end_s)
        grown = 1.0 - math.exp((fault.onset_s - until) / grow)
        if fault.end_s is None or second < fault.end_s:
            return grown
        left = grown * math.exp((fault.end_s - second) / fade)
        return left if left > 0.002 else 0.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """Values that are ``to`` while the cause is at work: contacts and switches, or a jump."""

    series: tuple[str, ...]
    to: float

    def value(self, fault: Fault, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - all alike
        """Return what the sensor reports in place of ``normal``."""
        return self.to if fault.is_on(second) else normal


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Sensors that say nothing while the cause is at work."""

    series: tuple[str, ...]

    def value(self, fault: Fault, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - all alike
        """Return ``None`` where the sensor says nothing."""
        return None if fault.is_on(second) else normal


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What cameras see while the cause is at work, in ``share`` of their pictures."""

    cameras: tuple[str, ...]
    kind: VideoKind
    confidence: float = 0.9
    share: float = 0.9


@dataclass(frozen=True, kw_only=True)
class Blind:
    """Cameras that see badly while the cause is at work."""

    cameras: tuple[str, ...]
    health: CameraHealth


Effect = Ramp | Step | Silence | Sight | Blind


@dataclass(kw_only=True)
class Staged(Fault):
    """A fault, or a near miss, that is the sum of its effects."""

    effects: tuple[Effect, ...]
    _by_series: dict[str, Ramp | Step | Silence] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        moving = [effect for effect in self.effects if isinstance(effect, (Ramp, Step, Silence))]
        self._by_series = {series: effect for effect in moving for series in effect.series}

    def series(self) -> Sequence[str]:
        return tuple(self._by_series)

    def value(self, series: str, second: float, normal: float) -> float | None:
        return self._by_series[series].value(self, series, second, normal)

    def sights(self, camera_id: str, second: float) -> list[tuple[VideoKind, float]]:
        if not self.is_on(second):
            return []
        return [
            (effect.kind, effect.confidence)
            for effect in self.effects
            if isinstance(effect, Sight) and camera_id in effect.cameras and _is_seen(effect.share, second)
        ]

    def health(self, camera_id: str, second: float) -> CameraHealth:
        for effect in self.effects:
            if isinstance(effect, Blind) and camera_id in effect.cameras and self.is_on(second):
                return effect.health
        return "ok"


def _is_seen(share: float, second: float) -> bool:
    """Whether a picture is among the share: by the golden ratio, so that any stretch of time has its part."""
    return (int(second) * 0.6180339887) % 1.0 < share
