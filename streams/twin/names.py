"""Which unit a person means."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

CLOSE = 3


def meant(units: Collection[str], name: str) -> list[str]:
    """Return the units and tiers that ``name`` means: the one of that id, else those that end with it."""
    if name in units or any(unit_id.startswith(f"{name}.") for unit_id in units):
        return [name]
    return sorted(unit_id for unit_id in units if unit_id.endswith(f".{name}"))


def close_to(units: Collection[str], name: str) -> list[str]:
    """Return the few units whose id, or the end of it, is most like ``name``; none where nothing is like it."""
    ends = {unit_id.rpartition(".")[2]: unit_id for unit_id in sorted(units, reverse=True)}
    alike = get_close_matches(name, units, CLOSE, 0.75)
    alike += [ends[end] for end in get_close_matches(name.rpartition(".")[2], ends, CLOSE)]
    return list(dict.fromkeys(alike))[:CLOSE]


def or_close(units: Collection[str], name: str) -> str:
    """Return the end of a sentence that says that there is no such unit: the close ones."""
    close = close_to(units, name)
    return f"; close to it: {', '.join(close)}" if close else ""
