"""Records from standard input: for trying out, and for whoever has nothing but a pipe."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import click
import msgspec
from aiokafka.errors import KafkaError

from schemas.ids import MODES, is_id
from streams.clock import EventClock
from streams.commands import running
from streams.delivery.records import Effect
from streams.gateways.ingest import WHAT, BadBodyError, Ingest, Ingester
from streams.gateways.packing import gateway, record
from streams.kafka import producer, topic_name
from streams.registry.apply import read_known
from streams.settings import Settings, SettingsError

CHUNK = 500
CONFIRM_SECONDS = 30.0


def publish_lines(settings: Settings, unit_id: str | None, what: str, gateway_id: str, mode: str, *, old: bool) -> int:
    """Publish standard input, JSON lines; return how many records were confirmed.

    With a unit a line is a pack of it, or one row; without one it is a body as ``POST /ingest/<what>`` takes it, and
    the registry says whose its rows are.
    """
    if not is_id(gateway_id):
        raise SettingsError("--gateway must be an id: letters, digits, and . _ : -")
    if unit_id is not None and not is_id(unit_id):
        raise SettingsError("--unit must be an id: letters, digits, and . _ : -")
    origin = gateway(gateway_id, next(one for one in MODES if one == mode), is_backfill=old)
    run, lines = f"stdin-{time.time_ns()}", values(sys.stdin.buffer, is_pack=unit_id is not None and what != "reports")
    topic, clock = WHAT[what], EventClock(settings)

    def of_unit(number: int, value: bytes) -> list[Effect]:
        return [record(topic, unit_id or "", value, origin, clock.now_ns(), ident=f"{run}-{number}")]

    async def work() -> int:
        make = of_unit
        if unit_id is None:
            ingester = Ingester(await read_known(settings), running.catalogue_of(settings).quantities)

            def of_any(number: int, value: bytes) -> list[Effect]:
                asked = Ingest(what=what, origin=origin, now_ns=clock.now_ns(), ident=f"{run}-{number}")
                return _taken(ingester, asked, value, number)

            make = of_any
        return await _publish(settings, lines, make)

    return asyncio.run(work())


def _taken(ingester: Ingester, asked: Ingest, value: bytes, number: int) -> list[Effect]:
    try:
        taken = ingester.take(asked, value)
    except BadBodyError as error:
        raise SettingsError(f"record {number} of standard input: {error.reason}: {error.detail}") from error
    for warning in taken.warnings:
        click.echo(f"record {number}: {warning.reason}: {warning.detail}", err=True)
    return taken.effects


async def _publish(settings: Settings, lines: Iterable[bytes], make: Callable[[int, bytes], list[Effect]]) -> int:
    """Send what is made of each line, some at a time, and return how many records Kafka has confirmed."""
    count = number = 0
    async with producer(settings) as sender:
        for chunk in chunks(lines):
            effects = []
            for line in chunk:
                number += 1
                effects += make(number, line)
            try:
                sent = [
                    await sender.send(
                        topic_name(settings, one.topic), one.value, key=one.key, headers=list(one.headers)
                    )
                    for one in effects
                ]
                # An idempotent producer never gives up by itself.
                await asyncio.wait_for(asyncio.gather(*sent), CONFIRM_SECONDS)
            except (KafkaError, TimeoutError) as error:
                raise SettingsError(
                    f"Kafka at {settings.kafka} failed ({type(error).__name__}) after {count} records were confirmed; "
                    f"publish again from record {number - len(chunk) + 1}"
                ) from error
            count += len(effects)
    return count


def values(lines: Iterable[bytes], *, is_pack: bool) -> Iterator[bytes]:
    """Yield the value of each record; where records are packs, a row alone becomes a pack of one."""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            raise SettingsError(f"line {number} of standard input is no JSON: {error}") from error
        yield b"[" + text + b"]" if is_pack and text.startswith(b"{") else text


def chunks(given: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield what is given in lists of at most ``CHUNK``."""
    rest = iter(given)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
