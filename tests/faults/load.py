"""A steady load of readings that are all well: so many rows a second, in packs of 200, of 12,000 devices."""

from __future__ import annotations

import asyncio
import json
import time

from schemas import channels
from schemas.envelope import gateway_urn, write_envelope
from schemas.registry import Device, RegistryFile, Unit
from streams.kafka import producer, topic_name
from streams.provision import create_topics
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.ticker import write_ticks

UNITS, DEVICES = 60, 200
SECOND_NS = 1_000_000_000
ROUND_SECONDS = 0.1
ROUNDS_A_TICK = 10  # time goes on in the other topics too, so that windows close


class Load:
    """Sends packs at a rate; each has a second of event time of its own, so that every row is a point."""

    def __init__(self, settings: Settings, rows_per_s: int, units: int = UNITS) -> None:
        self._settings, self._packs_per_round = settings, round(rows_per_s * ROUND_SECONDS / DEVICES)
        self._units = [f"hp.s{n % 5}.g{n % 3}.load{n:02d}" for n in range(units)]
        self._at_ns = time.time_ns() // SECOND_NS * SECOND_NS - 3_600 * SECOND_NS
        self._next = 0
        self.sent = 0  # rows that the broker has confirmed

    async def prepare(self) -> None:
        """Make the topics, and register units and devices."""
        await create_topics(self._settings)
        devices = tuple(
            Device(device_id=f"{unit}-{n}", unit_id=unit, quantities=("LAeq",), interval_s=1.0)
            for unit in self._units
            for n in range(DEVICES)
        )
        units = tuple(Unit(unit_id=unit, kind="building", name_zh=unit, name_en=unit) for unit in self._units)
        await apply_registry(self._settings, RegistryFile(units=units, devices=devices))

    async def run_for(self, seconds: float) -> None:
        """Send for so long by the clock, however few rounds that are."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            await self.run(ROUND_SECONDS)

    async def run(self, seconds: float) -> None:
        """Send for so long."""
        async with producer(self._settings) as sender:
            began, at_ns, units = time.monotonic(), self._at_ns, self._units
            for number in range(round(seconds / ROUND_SECONDS)):
                futures = []
                for _ in range(self._packs_per_round):
                    unit, at_ns = units[self._next % len(units)], self._at_ns + self._next // len(units) * SECOND_NS
                    rows = [
                        {"n": f"{unit}-{n}/LAeq", "t": at_ns // SECOND_NS, "v": 50 + n % 30} for n in range(DEVICES)
                    ]
                    headers = write_envelope(
                        id=f"{unit}-{self._next}", source=gateway_urn("gw"), time_ns=at_ns,
                        type=channels.EVENT_TYPES[channels.READINGS],
                    )  # fmt: skip
                    name = topic_name(self._settings, channels.READINGS)
                    futures.append(
                        await sender.send(name, json.dumps(rows).encode(), key=unit.encode(), headers=list(headers))
                    )
                    self._next += 1
                if number % ROUNDS_A_TICK == 0:
                    await write_ticks(self._settings, sender, at_ns)
                await asyncio.gather(*futures)
                self.sent += len(futures) * DEVICES
                await asyncio.sleep(max(0.0, began + (number + 1) * ROUND_SECONDS - time.monotonic()))
