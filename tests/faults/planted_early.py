"""What joins topics is decided by the one that is furthest ahead: the others are not waited for."""

from __future__ import annotations

from typing import Any

from streams.delivery.watermarks import SourceClock
from tests.faults.planted_zombie import told


def furthest(clock: SourceClock) -> int:
    """Return what any topic has passed, in place of what all have."""
    return max(clock.by_topic.values())


def early() -> None:
    """Plant it in every stage, in a worker that tells what it is fed."""
    everywhere: Any = SourceClock  # in place: many modules have the class already
    everywhere.minimum = furthest
    told()


FAULTS = {"early": early}
