"""Identifiers: what they may look like, and how those that we make are computed.

Ids of what we make are hashes of what they stand for, never random, so that a replay makes the same ones again.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal

from msgspec import Meta

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
_ID = re.compile(ID_PATTERN, re.ASCII)

# Python's ``$`` also matches before a newline at the end; ECMA's, which JSON Schema means, does not.
NO_NEWLINE = r"(?!\n)"
Id = Annotated[str, Meta(pattern=ID_PATTERN + NO_NEWLINE, max_length=64)]
Mode = Literal["actual", "exercise", "test"]
Colour = Literal["green", "blue", "yellow", "orange", "red"]
Tier = Literal["unit", "grid", "subdistrict", "district", "city"]

MODES: tuple[Mode, ...] = ("actual", "exercise", "test")
COLOURS: tuple[Colour, ...] = ("green", "blue", "yellow", "orange", "red")
TIERS: tuple[Tier, ...] = ("unit", "grid", "subdistrict", "district", "city")


def is_id(text: str) -> bool:
    """Whether ``text`` may stand as an id: 1 to 64 of the characters that are safe in keys, tags and URLs."""
    return _ID.fullmatch(text) is not None


def district_of(unit_id: str) -> str:
    """Return the district of a unit: the first label, and the key of all district topics."""
    return unit_id.split(".", 1)[0]


def short_id(*parts: object) -> str:
    """Return 20 hex digits that stand for ``parts``: the same parts give the same id, on any machine."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:20]


def alert_id(mode: str, scenario: str, unit_id: str, subject: str, episode: int) -> str:
    """Return the id of an alert; ``episode`` counts how often its key has returned to ``NORM``."""
    return short_id(mode, scenario, unit_id, subject, episode)


def anomaly_id(series: str, detector: str, onset_ns: int) -> str:
    """Return the id of an anomaly: one series, one detector, one onset (ns)."""
    return short_id(series, detector, onset_ns)


def case_id(first_alert_id: str) -> str:
    """Return the id of the case that an alert opens."""
    return short_id("case", first_alert_id)


def order_id(case: str, attempt: int) -> str:
    """Return the id of a dispatch order: one team's try at a case, counted from 1."""
    return f"{case}-{attempt}"
