"""What a registry file would change, a line a record (pure)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from schemas.registry_codec import Entry, id_of

MAX_TEXT = 80
SECRET, HIDDEN = frozenset(("key",)), "(hidden)"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One record that is new (``fields`` is empty) or changed: field -> before and after, as text."""

    kind: str
    id: str
    is_new: bool
    fields: dict[str, tuple[str, str]] = {}


def differences(pairs: Iterable[tuple[Entry, Entry | None]]) -> list[Difference]:
    """Return what each record to be written changes against the newest one of its id, if there is one."""
    found: dict[tuple[str, str, str], Difference] = {}
    for record, before in pairs:
        kind, ident = type(record).__name__.lower(), id_of(record)
        fields = {} if before is None else _changed(before, record)
        found[kind, ident, record.valid_from] = Difference(kind=kind, id=ident, is_new=before is None, fields=fields)
    return list(found.values())


def render_difference(one: Difference) -> str:
    """Return one line: ``+ device air-1``, or ``~ device air-1: interval_s 10.0 -> 5.0``."""
    if one.is_new:
        return f"+ {one.kind} {one.id}"
    return f"~ {one.kind} {one.id}: " + ", ".join(f"{name} {old} -> {new}" for name, (old, new) in one.fields.items())


def _changed(before: Entry, after: Entry) -> dict[str, tuple[str, str]]:
    return {
        name: (HIDDEN, HIDDEN) if name in SECRET else (_text(getattr(before, name)), _text(getattr(after, name)))
        for name in after.__struct_fields__
        if getattr(before, name) != getattr(after, name)
    }


def _text(value: object) -> str:
    text = "none" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
