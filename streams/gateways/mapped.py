"""From an MQTT message to readings, as a mapping says (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.bounded import MAX_SOURCE_BYTES, check_json, check_text
from schemas.ids import is_id
from schemas.mqtt_mapping import MqttMapping, MqttRoute, Steps, filled, json_path, subscription
from schemas.refusals import RefusedError
from schemas.senml import MAX_VALUE, MIN_VALUE
from schemas.senml_records import Pack
from schemas.single import decode_readings
from schemas.times import MAX_NS, MIN_NS, parse_time, seconds_to_ns
from streams.gateways.packing import Origin, gateway

MILLISECONDS_FROM = 1e11  # seconds from 1970 come to this in the year 5138: what is larger is in milliseconds
UNKNOWN = Origin("urn:vitals:gateway:unknown")


class NotMappedError(Exception):
    """A message holds no readings that the mapping could find; the message says why."""

    origin = UNKNOWN  # who speaks


class Mapper:
    """The routes of a mapping, made ready."""

    def __init__(self, mapping: MqttMapping) -> None:
        self._routes = [_Route(route) for route in mapping.topics]

    @property
    def filters(self) -> list[str]:
        """Return the MQTT filters to subscribe to."""
        return list(dict.fromkeys(route.filter for route in self._routes))

    def readings(self, topic: str, payload: bytes, now_ns: int) -> tuple[Origin, Pack]:
        """Return who speaks (the login, as the topic says it, never the payload) and the readings of one message.

        Raises
        ------
        NotMappedError
            There are none, or they cannot be read; it says who speaks.
        """
        found = self._find(topic)
        if found is None:
            raise NotMappedError("no topic pattern of the mapping fits, or its gateway is no id")
        route, origin, levels = found
        try:
            return origin, _pack(route, levels, payload, now_ns)
        except NotMappedError as error:
            error.origin = origin
            raise

    def _find(self, topic: str) -> tuple[_Route, Origin, dict[str, str]] | None:
        parts = topic.split("/")
        for route in self._routes:
            levels = route.levels_of(parts)
            if levels is not None:
                gateway_id = route.mapping.gateway or levels["gateway"]
                return (route, gateway(gateway_id), levels) if is_id(gateway_id) else None
        return None


class _Route:
    def __init__(self, mapping: MqttRoute) -> None:
        self.mapping = mapping
        self.filter = subscription(mapping.topic)
        self._pattern = mapping.topic.split("/")
        self._device = json_path(mapping.device) if mapping.device.startswith("$") else None
        self._time = None if mapping.time is None else json_path(mapping.time)
        self._values = [json_path(one.value) for one in mapping.readings]

    def levels_of(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Return the named levels of a topic, or ``None`` if the pattern does not fit."""
        found: dict[str, str] = {}
        for place, level in enumerate(self._pattern):
            if level == "#":
                return found
            if place >= len(parts):
                return None
            if level.startswith("{"):
                found[level[1:-1]] = parts[place]
            elif level not in ("+", parts[place]):
                return None
        return found if len(parts) == len(self._pattern) else None

    def map(self, content: Any, levels: dict[str, str], now_ns: int) -> Pack:
        """Return the readings that are in a payload."""
        device = self._device_of(content, levels)
        time_ns = now_ns if self._time is None else _time(_at(content, self._time))
        pack = Pack([], [], [], [], [], [])
        for place, (one, path) in enumerate(zip(self.mapping.readings, self._values, strict=True)):
            found = _at(content, path)
            if found is None:
                continue
            quantity = filled(one.quantity, levels)
            if not is_id(quantity):
                raise NotMappedError(f"{quantity[:80]!r} is no quantity")
            pack.names.append(f"{device}/{quantity}")
            pack.units.append(one.unit)
            pack.times.append(time_ns)
            pack.values.append(_value(found, one.value))
            pack.booleans.append(isinstance(found, bool))
            pack.index.append(place)
        if not pack.names:
            raise NotMappedError(f"none of {', '.join(one.value for one in self.mapping.readings)} is in the payload")
        return pack

    def _device_of(self, content: Any, levels: dict[str, str]) -> str:
        found = filled(self.mapping.device, levels) if self._device is None else _at(content, self._device)
        device = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if not is_id(device):
            raise NotMappedError(f"{self.mapping.device}: {str(found)[:80]!r} is no device id")
        return device


def _pack(route: _Route, levels: dict[str, str], payload: bytes, now_ns: int) -> Pack:
    try:
        if route.mapping.format == "senml":
            return decode_readings(payload, now_ns)
        check_text(payload, MAX_SOURCE_BYTES)
        check_json(payload)
    except RefusedError as error:
        raise NotMappedError(f"{error.reason}: {error.detail}") from error
    return route.map(msgspec.json.decode(payload), levels, now_ns)


def _at(content: Any, path: Steps) -> Any:
    """Return what lies at a path, ``None`` where nothing does."""
    for step in path:
        if isinstance(step, int):
            content = content[step] if isinstance(content, list) and step < len(content) else None
        else:
            content = content.get(step) if isinstance(content, dict) else None
    return content


def _value(found: Any, path: str) -> float:
    try:
        value = float(found) if isinstance(found, int | float | str) else math.nan
    except ValueError:
        value = math.nan
    if not MIN_VALUE < value < MAX_VALUE:
        raise NotMappedError(f"{path}: {str(found)[:80]!r} is no number")
    return value


def _time(found: Any) -> int:
    if isinstance(found, str):
        try:
            return parse_time(found)
        except ValueError as error:
            raise NotMappedError(f"time: {error}") from error
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise NotMappedError(f"time: {str(found)[:80]!r} is neither RFC 3339 nor a number")
    seconds = found / 1_000 if abs(found) >= MILLISECONDS_FROM else found
    time_ns = seconds_to_ns(seconds) if abs(seconds) < MILLISECONDS_FROM else -1
    if not MIN_NS <= time_ns < MAX_NS:
        raise NotMappedError(f"time: {found} is outside 1970 to 2100")
    return time_ns
