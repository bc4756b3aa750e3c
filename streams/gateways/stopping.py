"""Ends a gateway that is told to stop, also one that waits for a Kafka that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

GRACE_SECONDS = 8.0


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
