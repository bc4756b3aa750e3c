"""One event posted until the receiver says yes, or its time is over."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

import aiohttp

from streams.metrics import WEBHOOK_TRIES
from streams.webhook.event import WebhookEvent
from streams.webhook.signing import signature

TIMEOUT = aiohttp.ClientTimeout(total=10)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
IN_FLIGHT = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """Where events go, and with which key they are signed."""

    url: str
    key: bytes
    dead_after_s: float


class Poster:
    """Posts events, at most ``IN_FLIGHT`` at a time; one that waits to be tried again holds nobody up."""

    def __init__(self, receiver: Receiver, session: aiohttp.ClientSession) -> None:
        self._receiver, self._session = receiver, session
        self._gate = asyncio.Semaphore(IN_FLIGHT)

    async def deliver(self, event: WebhookEvent) -> str | None:
        """Post until the answer is 2xx: return ``None``; else, when its time is over, what was wrong at last."""
        began, tried = time.monotonic(), 0
        while True:
            async with self._gate:
                problem, wait_s = await self._post(event)
            WEBHOOK_TRIES.labels("delivered" if problem is None else "failed").inc()
            if problem is None:
                return None
            pause = max(wait_s, min(FIRST_PAUSE_S * 2**tried, LONGEST_PAUSE_S)) * random.uniform(0.5, 1.0)
            tried = min(tried + 1, 10)
            if time.monotonic() + pause - began > self._receiver.dead_after_s:
                return problem
            await asyncio.sleep(pause)

    async def _post(self, event: WebhookEvent) -> tuple[str | None, float]:
        """Return what is wrong, ``None`` if nothing is, and for how long the receiver wants to be left alone."""
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "urban-vitals-webhook",
            "webhook-id": event.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._receiver.key, event.id, now, event.body),
            "ce-type": event.type,
        }
        try:
            async with self._session.post(
                self._receiver.url, data=event.body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return None, 0.0
                return f"the receiver answered {answer.status}", _retry_after(answer.headers.get("Retry-After"))
        except TimeoutError:
            return f"no answer within {TIMEOUT.total:.0f} s", 0.0
        except aiohttp.ClientError as error:
            return type(error).__name__, 0.0  # its text may hold the URL, and that a token


def _retry_after(text: str | None) -> float:
    return min(float(text), LONGEST_PAUSE_S) if text is not None and text.isdecimal() else 0.0
