"""Devices that have spoken and that nobody has registered, out of the dead letters."""

from __future__ import annotations

from collections import Counter

import msgspec

from schemas import channels
from schemas.dead_letters import read_dead_letter
from schemas.refusals import Reason, RefusedError
from schemas.senml import decode_pack
from schemas.times import parse_time
from streams.newest import events
from streams.registry.apply import read_known
from streams.settings import Settings

LAST = 50_000  # dead letters of each partition


class UnknownDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device; ``unit_id`` is the unit whose pack it last stood in."""

    device_id: str
    unit_id: str
    quantities: tuple[str, ...]
    readings: int


async def unknown_devices(settings: Settings) -> list[UnknownDevice]:
    """Return those that the registry does not have now either, the most talkative first."""
    names: Counter[tuple[str, str]] = Counter()
    units: dict[str, str] = {}
    async for record in events(settings, channels.DEAD_LETTERS, last=LAST):
        try:
            letter = read_dead_letter(dict(record.headers), record.value)
            if letter.reason is not Reason.UNKNOWN_DEVICE or letter.topic != channels.READINGS:
                continue
            pack = decode_pack(letter.value, parse_time(letter.time))
        except (ValueError, RefusedError):
            continue
        for name in pack.names:
            device, _, quantity = name.partition("/")
            names[device, quantity] += 1
            units[device] = (record.key or b"").decode(errors="replace")
    view = await read_known(settings)
    readings = Counter[str]()
    for (device, _), count in names.items():
        if view.newest(device) is None:
            readings[device] += count
    return [
        UnknownDevice(
            device_id=device,
            unit_id=units[device],
            quantities=tuple(sorted(quantity for name, quantity in names if name == device)),
            readings=count,
        )
        for device, count in readings.most_common()
    ]
