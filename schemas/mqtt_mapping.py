"""The mapping file of the MQTT bridge: which topics, whose, and where in a payload the readings are (YAML).

::

    topics:
    - topic: gateways/{gateway}/senml        # one level {gateway}: the MQTT broker lets a login write only its own
      format: senml
    - topic: lora/{device}/up
      gateway: gw-lora                       # all that comes there is this gateway's
      format: json
      device: "hp-{device}"                  # names of levels in braces, or a JSON path: $.deviceInfo.devEui
      time: $.time                           # RFC 3339, or a number of seconds or milliseconds since 1970
      readings:
      - {quantity: temperature, value: $.object.temp, unit: Cel}
      - {quantity: humidity, value: $.object.hum}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.files import FileFormatError, read_bytes
from schemas.ids import Id, is_id
from schemas.senml_records import UnitText

MAX_ROUTES = 1_000
MAX_STEPS = 16
Text = Annotated[str, Meta(min_length=1, max_length=256)]
Steps = tuple[str | int, ...]
_LEVEL = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^'\\]+)'\]|\[(\d{1,4})\]")


class MappedReading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reading of a payload; left out where ``value`` is missing or null there."""

    quantity: Annotated[Text, Meta(description="the catalogue's name, or a level of the topic in braces: {quantity}")]
    value: Annotated[Text, Meta(description="JSON path of a number, a boolean, or a number as text; $ is all of it")]
    unit: Annotated[UnitText | None, Meta(description="unit of measure")] = None


class MqttRoute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What comes under one topic pattern; the first pattern that fits counts."""

    topic: Annotated[Text, Meta(description="levels, {names} for those to take out, + for any one, # for the rest")]
    format: Annotated[Literal["senml", "json"], Meta(description="senml: packs; json: as `readings` says")] = "senml"
    gateway: Annotated[Id | None, Meta(description="whose it is, where the topic has no level {gateway}")] = None
    device: Annotated[Text, Meta(description="levels in braces within text, or a JSON path")] = "{device}"
    time: Annotated[Text | None, Meta(description="JSON path of the event time; without it that of the receipt")] = None
    readings: Annotated[tuple[MappedReading, ...], Meta(max_length=64)] = ()


class MqttMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    topics: Annotated[tuple[MqttRoute, ...], Meta(min_length=1, max_length=MAX_ROUTES)]


def read_mqtt_mapping(path: Path) -> MqttMapping:
    """Read a mapping and check what its fields say of each other.

    Raises
    ------
    FileFormatError
        With file, place and reason.
    """
    try:
        mapping = msgspec.convert(msgspec.yaml.decode(read_bytes(path)), MqttMapping)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{path}: {error}") from error
    for number, route in enumerate(mapping.topics):
        for fault in _faults(route):
            raise FileFormatError(f"{path}: topics[{number}] ({route.topic}): {fault}")
    return mapping


def level_names(topic: str) -> list[str]:
    """Return the names in braces of a topic pattern, in order."""
    return [match[1] for level in topic.split("/") if (match := _LEVEL.fullmatch(level))]


def subscription(topic: str) -> str:
    """Return the MQTT filter of a topic pattern: a named level is any one."""
    return "/".join("+" if _LEVEL.fullmatch(level) else level for level in topic.split("/"))


def json_path(path: str) -> Steps:
    """Return the names and places that a JSON path of single steps leads through (RFC 9535's singular queries).

    Raises
    ------
    ValueError
        Not ``$`` with ``.name``, ``['name']`` and ``[0]`` after it, at most 16 of them.
    """
    steps: list[str | int] = []
    at = 1
    while path.startswith("$") and at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            break
        steps.append(int(match[3]) if match[3] is not None else match[1] or match[2])
        at = match.end()
    if at != len(path) or not path.startswith("$") or len(steps) > MAX_STEPS:
        raise ValueError(f"not a JSON path of single steps like $.data.temp or $.values[0]: {path!r}")
    return tuple(steps)


def filled(template: str, levels: dict[str, str]) -> str:
    """Return a template with the topic's levels in place of their names."""
    return _LEVEL.sub(lambda match: levels.get(match[1], ""), template)


def _faults(route: MqttRoute) -> Iterator[str]:
    levels = route.topic.split("/")
    names = level_names(route.topic)
    for place, level in enumerate(levels):
        if (level == "#" and place != len(levels) - 1) or ("#" in level and level != "#"):
            yield "# must be the last level, alone"
        if ("+" in level and level != "+") or ("{" in level and not _LEVEL.fullmatch(level)):
            yield f"level {level!r}: + and {{name}} must be a level alone"
    if len(set(names)) < len(names):
        yield "a level's name comes twice"
    if ("gateway" in names) == (route.gateway is not None):
        yield "whose it is must be said once: by a level {gateway}, which the broker ties to the login, or by gateway:"
    if route.format == "senml" and (route.readings or route.time is not None):
        yield "format senml takes neither readings nor time: a pack says both"
    if route.format == "json":
        yield from _json_faults(route, set(names))


def _json_faults(route: MqttRoute, names: set[str]) -> Iterator[str]:
    if not route.readings:
        yield "format json needs readings: [{quantity, value}]"
    texts = {"device": route.device} | {f"readings[{i}].quantity": r.quantity for i, r in enumerate(route.readings)}
    for field, text in texts.items():
        if field == "device" and text.startswith("$"):
            continue
        missing = sorted(set(_LEVEL.findall(text)) - names)
        if missing:
            yield f"{field}: the topic has no level {{{missing[0]}}}"
        elif not is_id(_LEVEL.sub("x", text)):
            yield f"{field}: {text!r} makes no id (letters, digits, and . _ : -)"
    paths = {"time": route.time} | {f"readings[{i}].value": r.value for i, r in enumerate(route.readings)}
    if route.device.startswith("$"):
        paths["device"] = route.device
    for field, path in paths.items():
        if path is not None:
            try:
                json_path(path)
            except ValueError as error:
                yield f"{field}: {error}"
