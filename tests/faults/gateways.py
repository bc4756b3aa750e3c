"""Devices of a gateway that speak over MQTT, HTTP or as single readings; each keeps what was not acknowledged.

Every reading has a series and a time of its own, so that each can be found again in what was judged.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import aiomqtt
from aiokafka.errors import KafkaError

from schemas import channels
from schemas.registry import Device, RegistryFile, Unit
from schemas.times import format_time
from streams.kafka import producer, topic_name
from streams.settings import Settings

GATEWAY = "gw-1"
UNITS = tuple(f"hp.bund.g0{number}.house-{number}" for number in range(1, 7))
QUANTITY = "pm25"
RETRY_S = 0.2
TIMEOUT = aiohttp.ClientTimeout(total=20)
Point = tuple[str, int]  # series, time in ns


def registry() -> RegistryFile:
    """Return six houses with four devices each, all of them the gateway's."""
    return RegistryFile(
        units=tuple(Unit(unit_id=unit, kind="building", name_zh=unit, name_en=unit) for unit in UNITS),
        devices=tuple(
            Device(device_id=device, unit_id=unit, quantities=(QUANTITY,), interval_s=1.0, gateway_id=GATEWAY)
            for unit in UNITS
            for device in devices_of(unit)
        ),
    )


def devices_of(unit_id: str) -> list[str]:
    """Return the devices of one house."""
    return [f"{unit_id}.air-{number}" for number in range(4)]


@dataclass(slots=True)
class Readings:
    """Readings one after another; ``acknowledged`` holds those that somebody has promised to keep."""

    acknowledged: dict[Point, float] = field(default_factory=dict)
    _when: dict[Point, float] = field(default_factory=dict)  # acknowledged, on the monotonic clock
    _count: int = 0

    def some(self, count: int) -> list[tuple[str, int, float]]:
        """Return the next readings: device, time in ns (one of its own to the microsecond), value."""
        devices = [device for unit in UNITS for device in devices_of(unit)]
        now_ns = time.time_ns() // 1_000 * 1_000
        found = []
        for _ in range(count):
            self._count += 1
            found.append((devices[self._count % len(devices)], now_ns + self._count * 1_000, float(self._count % 97)))
        return found

    def acknowledge(self, readings: list[tuple[str, int, float]]) -> None:
        """Note that these must be found again."""
        found = {(f"{device}/{QUANTITY}", time_ns): value for device, time_ns, value in readings}
        self.acknowledged |= found
        self._when |= dict.fromkeys(found, time.monotonic())

    def doubt(self, moments: list[float], seconds: float) -> int:
        """Take back what was acknowledged within some seconds before each of the moments; return how many."""
        doubtful = [point for point, when in self._when.items() if any(0 <= at - when < seconds for at in moments)]
        for point in doubtful:
            del self.acknowledged[point], self._when[point]
        return len(doubtful)


def as_senml(readings: list[tuple[str, int, float]]) -> bytes:
    """Return readings of any devices as one pack."""
    return json.dumps([{"n": f"{one}/{QUANTITY}", "t": ns / 1e9, "v": value} for one, ns, value in readings]).encode()


def as_single(reading: tuple[str, int, float]) -> bytes:
    """Return one reading as a simple device sends it."""
    device, time_ns, value = reading
    return json.dumps(
        {"device_id": device, "quantity": QUANTITY, "value": value, "time": format_time(time_ns)}
    ).encode()  # fmt: skip


async def speak_mqtt(port: int, readings: Readings, stop: asyncio.Event, pause_s: float = 0.02) -> None:
    """Publish packs with QoS 1; what the MQTT broker has not acknowledged is published again, over its restarts."""
    left: list[tuple[str, int, float]] = []
    while not stop.is_set():
        with suppress(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port, username=GATEWAY, password=GATEWAY, timeout=3) as client:
                while not stop.is_set():
                    left = left or readings.some(3)
                    await client.publish(f"gateways/{GATEWAY}/senml", as_senml(left), qos=1)
                    readings.acknowledge(left)
                    left = []
                    await asyncio.sleep(pause_s)
        await asyncio.sleep(RETRY_S)


async def say_last(port: int, readings: Readings) -> list[tuple[str, int, float]]:
    """Publish one pack more, for certain, and return it: what came before it in the session comes before it."""
    last = readings.some(3)
    while True:
        with suppress(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port, username=GATEWAY, password=GATEWAY, timeout=3) as client:
                await client.publish(f"gateways/{GATEWAY}/senml", as_senml(last), qos=1)
                readings.acknowledge(last)
                return last
        await asyncio.sleep(RETRY_S)


async def speak_http(url: str, token: str, readings: Readings, stop: asyncio.Event) -> int:
    """Post packs, each under one key until it is acknowledged; return how many were answered again."""
    repeats = 0
    async with aiohttp.ClientSession(timeout=TIMEOUT, headers={"Authorization": f"Bearer {token}"}) as session:
        while not stop.is_set():
            some, key = readings.some(3), uuid.uuid4().hex
            body, tries = as_senml(some), 0
            while not stop.is_set():
                tries += 1
                with suppress(aiohttp.ClientError, TimeoutError):
                    headers = {"Idempotency-Key": key, "Content-Type": "application/senml+json"}
                    async with session.post(f"{url}/ingest/readings", data=body, headers=headers) as answer:
                        assert answer.status in (202, 409, 429, 503), await answer.text()
                        if answer.status == 202:
                            readings.acknowledge(some)
                            repeats += tries > 1
                            break
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(0.01)
    return repeats


async def speak_singly(settings: Settings, readings: Readings, stop: asyncio.Event, pause_s: float = 0.05) -> None:
    """Send single readings over Kafka, without keys, some at a time."""
    async with producer(settings) as sender:
        while not stop.is_set():
            some = readings.some(20)
            sends: Iterator[Awaitable[Awaitable[object]]] = (
                sender.send(topic_name(settings, channels.SINGLE_READINGS), as_single(one)) for one in some
            )
            outcomes = await asyncio.gather(*[await one for one in sends], return_exceptions=True)
            for one, outcome in zip(some, outcomes, strict=True):
                if isinstance(outcome, KafkaError):
                    continue
                if isinstance(outcome, BaseException):
                    raise outcome
                readings.acknowledge([one])
            await asyncio.sleep(pause_s)
