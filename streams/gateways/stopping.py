"""Runs a gateway and ends it when it is told to stop, also one that waits for a Kafka that does not come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from streams.health import health_app, serve
from streams.settings import Settings

log = logging.getLogger(__name__)
GRACE_SECONDS = 8.0


class Gateway(Protocol):
    """What runs on its own and can say how it is."""

    def problem(self) -> str | None:
        """Say why nothing goes through at the moment, or ``None``."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``."""


async def run_gateway(settings: Settings, name: str, gateway: Gateway, port: int, stop: asyncio.Event) -> None:
    """Run a gateway until ``stop``, with its metrics and health on ``port`` or the next free one."""
    runner, found = await serve(health_app(gateway.problem), settings.host, port)
    log.info("%s: metrics and health on http://%s:%d", name, settings.host, found)
    try:
        await until_stopped(gateway.run(stop), stop)
    finally:
        await runner.cleanup()


async def until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event, grace_s: float = GRACE_SECONDS) -> None:
    """Do ``work``, which ends by itself soon after ``stop``; what has not ended ``grace_s`` later is cancelled.

    What it had taken and not confirmed was never acknowledged, so whoever sent it sends it again.
    """
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait((working,), timeout=grace_s)
        if working.done():
            working.result()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
