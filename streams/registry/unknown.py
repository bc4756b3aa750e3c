"""Devices that have spoken and that nobody has registered, out of the dead letters."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from schemas import channels
from schemas.dead_letters import read_dead_letter
from schemas.ids import is_id
from schemas.refusals import Reason, RefusedError
from schemas.senml import decode_pack
from schemas.times import SECOND_NS, parse_time
from streams.newest import events
from streams.registry.apply import read_known
from streams.settings import Settings

LAST = 50_000  # dead letters of each partition
MAX_TIMES = 100  # of a series, for its interval
AFTERWARDS = "then `vitals dead-letters replay --reason unknown_device` sends again what was refused"


class UnknownDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device; ``unit_id`` is the unit whose pack it last stood in, ``None`` where a gateway did not know it."""

    device_id: str
    unit_id: str | None
    quantities: tuple[str, ...]
    readings: int
    interval_s: float | None  # as its readings came; ``None``: there was but one


@dataclass(slots=True)
class _Heard:
    readings: int = 0
    unit_id: str | None = None
    times: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by quantity, ns


async def unknown_devices(settings: Settings) -> list[UnknownDevice]:
    """Return those that the registry does not have now either, the most talkative first."""
    heard: dict[str, _Heard] = defaultdict(_Heard)
    async for record in events(settings, channels.DEAD_LETTERS, last=LAST):
        try:
            letter = read_dead_letter(dict(record.headers), record.value)
            if letter.reason is not Reason.UNKNOWN_DEVICE or letter.topic != channels.READINGS:
                continue
            pack = decode_pack(letter.value, parse_time(letter.time))
        except (ValueError, RefusedError):
            continue
        for name, time_ns in zip(pack.names, pack.times, strict=True):
            device, _, quantity = name.partition("/")
            one, key = heard[device], (record.key or b"").decode(errors="replace")
            one.readings += 1
            one.unit_id = (
                key if is_id(key) and key != device else None
            )  # a gateway that knows no unit takes the device's own id
            one.times[quantity] = [*one.times[quantity][-MAX_TIMES + 1 :], time_ns]
    view = await read_known(settings)
    found = [
        UnknownDevice(
            device_id=device,
            unit_id=one.unit_id,
            quantities=tuple(sorted(one.times)),
            readings=one.readings,
            interval_s=_interval(one),
        )
        for device, one in heard.items()
        if view.newest(device) is None
    ]
    return sorted(found, key=lambda one: (-one.readings, one.device_id))


def adopting(one: UnknownDevice) -> str:
    """Return the command that registers a device, as far as it can be told."""
    quantities = " ".join(f"--quantity {quantity}" for quantity in one.quantities)
    interval = "SECONDS" if one.interval_s is None else f"{one.interval_s:g}"
    unit_id = one.unit_id or "UNIT"
    return f"vitals registry add-device {one.device_id} --unit {unit_id} {quantities} --interval {interval}"


def _interval(one: _Heard) -> float | None:
    """Return the median time from reading to reading, s."""
    steps = []
    for times in one.times.values():
        ordered = sorted(set(times))
        steps += [later - earlier for earlier, later in pairwise(ordered)]
    return round(statistics.median(steps) / SECOND_NS, 3) or None if steps else None
