"""How freely what a topic or a field says may be passed on: every one has a class, none is ``sensitive-personal``."""

from __future__ import annotations

from typing import Literal

from schemas import channels

Classification = Literal["public", "internal", "important", "personal"]
ORDER: tuple[Classification, ...] = ("public", "internal", "important", "personal")

TOPICS: dict[str, Classification] = {
    channels.READINGS: "internal",
    channels.SINGLE_READINGS: "internal",
    channels.CROWD: "internal",
    channels.VIDEO: "important",
    channels.REPORTS: "personal",
    channels.JUDGED: "personal",  # reports are among its rows
    channels.LATE: "personal",
    channels.DEAD_LETTERS: "personal",
    channels.DEAD_LETTERS_REPLAYED: "internal",
    channels.INDICATORS: "public",
    channels.UNIT_SCORES: "internal",
    channels.ANOMALIES: "internal",
    channels.ALERTS: "personal",
    channels.ORDERS: "personal",
    channels.ACTIONS: "personal",
    channels.FEEDBACK: "personal",
    channels.AUDIT: "personal",
    channels.REGISTRY_DEVICES: "important",
    channels.REGISTRY_UNITS: "important",
    channels.REGISTRY_TEAMS: "internal",
    channels.REGISTRY_RULES: "internal",
    channels.REGISTRY_GATEWAYS: "important",
}

# Who did or said something; everything else in an event is ``internal``, or ``public`` in what is public as a whole.
PERSONAL_FIELDS = frozenset(("by", "acknowledged_by", "reporter", "text", "note", "reason"))
IMPORTANT_FIELDS = frozenset(("box", "track", "key"))
PUBLIC_SCHEMAS = frozenset(("indicator",))


def field_class(schema: str, field: str) -> Classification:
    """Return the class of a field of an exported schema."""
    if field in PERSONAL_FIELDS:
        return "personal"
    if field in IMPORTANT_FIELDS:
        return "important"
    return "public" if schema in PUBLIC_SCHEMAS else "internal"
