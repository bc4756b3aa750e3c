"""The pace of clocks: ``--clock-scale`` divides them in trials; event time itself is never sped up."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.times import SECOND_NS

STEP_FLOOR_S = 3.0
WINDOW_FLOOR_S = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Divide the catalogue's times by ``scale`` (1 or more), down to a floor."""

    scale: float = 1.0

    def clock_ns(self, seconds: float) -> int:
        """Return a settle, delay or step clock in ns; a delay of 0 stays 0."""
        return 0 if seconds == 0 else round(self._divided(seconds, STEP_FLOOR_S) * SECOND_NS)

    def window_ns(self, seconds: float) -> int:
        """Return a rule or indicator window in ns."""
        return round(self._divided(seconds, WINDOW_FLOOR_S) * SECOND_NS)

    def _divided(self, seconds: float, floor: float) -> float:
        return max(seconds / self.scale, min(seconds, floor))
