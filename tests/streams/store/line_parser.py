"""A small parser of line protocol, written from its description, not from our writer."""

from __future__ import annotations

from typing import NamedTuple


class Parsed(NamedTuple):
    measurement: str
    tags: dict[str, str]
    fields: dict[str, float | str]
    time_ns: int


def parse_line(line: str) -> Parsed:
    """Read one line; ``ValueError`` where it is none."""
    head, at = _until(line, 0, " ")
    measurement, *pairs = _split(head, ",")
    fields: dict[str, float | str] = {}
    while True:
        key, at = _until(line, at + 1, "=")
        if line[at + 1] == '"':
            fields[key], at = _quoted(line, at + 2)
        else:
            number, at = _until(line, at + 1, ", ")
            fields[key] = float(number)
        if line[at] == " ":
            break
    tags: dict[str, str] = {}
    for pair in pairs:
        key, value = _split(pair, "=")
        tags[key] = value
    return Parsed(measurement, tags, fields, int(line[at + 1 :]))


def _until(text: str, start: int, ends: str) -> tuple[str, int]:
    at = start
    while text[at] not in ends:
        at += 2 if text[at] == "\\" else 1
    return text[start:at], at


def _split(text: str, separator: str) -> list[str]:
    parts, start = [], 0
    for at, char in enumerate(text):
        if char == separator and text[at - 1] != "\\":
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _quoted(text: str, start: int) -> tuple[str, int]:
    out, at = [], start
    while text[at] != '"':
        if text[at] == "\\" and text[at + 1] in '"\\':
            at += 1
        out.append(text[at])
        at += 1
    return "".join(out), at + 1
