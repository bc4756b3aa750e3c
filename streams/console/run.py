"""The console as a process: what ``vitals up`` and ``vitals console`` start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiokafka.errors import KafkaError

from schemas.times import SECOND_NS
from streams.catalogue.files import CatalogueError, load_catalogue
from streams.clock import EventClock
from streams.console.api import console_app
from streams.console.auth import Access
from streams.console.feed import Feed, Outbox
from streams.console.hour import MINUTE_S, MINUTES
from streams.console.hub import Hub
from streams.console.live import Live
from streams.console.overall import overall
from streams.health import serve
from streams.kafka import consumer, producer
from streams.pace import Pace
from streams.pollution.case import sources_of_case
from streams.settings import Settings, SettingsError
from streams.twin.log import twin_at

MAX_PORT = 65_535


async def run_console(
    settings: Settings, tokens: Mapping[str, str], stop: asyncio.Event, started: Callable[[str], None]
) -> None:
    """Serve the console until ``stop``.

    Parameters
    ----------
    tokens
        A secret for each role (``viewer``, ``operator``); ``<url>?token=<secret>`` opens the page, once.
    started
        Told the real address, ``http://host:port/``, when the page can be opened.

    Raises
    ------
    SettingsError
        A bad address or catalogue, or no broker there.
    """
    host, port = address(settings.console)
    try:
        catalogue = load_catalogue(Path(settings.catalogue))
        access = Access(tokens)
    except (CatalogueError, ValueError) as error:
        raise SettingsError(str(error)) from error
    minute_ns = Pace(settings.clock_scale).window_ns(MINUTE_S)
    live = Live(partial(overall, catalogue.exponent), minute_ns=minute_ns)
    now_ns = EventClock(settings).now_ns
    feed = Feed(live, consumer(settings), settings, MINUTES * minute_ns / SECOND_NS)
    hub, sender = Hub(live, now_ns), producer(settings, linger_ms=0)
    runner: web.AppRunner | None = None
    try:
        await _connected(settings, sender.start(), feed.start())
        send = Outbox(settings, sender).send
        looks = partial(twin_at, settings, catalogue), partial(sources_of_case, settings, catalogue)
        app = console_app(live, hub, access, catalogue, send, now_ns, *looks)
        runner, real_port = await _served(app, host, port)
        started(f"http://{f'[{host}]' if ':' in host else host}:{real_port}/")
        await _until(stop, feed.run(), hub.run())
    finally:
        if runner is not None:
            await runner.cleanup()
        await feed.stop()
        await sender.stop()


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[host]:port``.

    Raises
    ------
    SettingsError
        It is no such thing.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise SettingsError(f"bad setting: console must be host:port, for instance 127.0.0.1:8080, not {text!r}")
    return host.strip("[]"), int(port)


async def _connected(settings: Settings, *starts: Awaitable[None]) -> None:
    try:
        await asyncio.gather(*starts)
    except KafkaError as error:
        raise SettingsError(f"no broker at {settings.kafka} ({error}); start one, or set VITALS_KAFKA") from error


async def _served(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    try:
        return await serve(app, host, port)
    except OSError as error:
        raise SettingsError(f"the console cannot listen: {error}; set VITALS_CONSOLE to another host:port") from error


async def _until(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until ``stop``; what ends before that has failed, and its error goes on."""
    tasks = [asyncio.create_task(one) for one in work]
    waiting = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
