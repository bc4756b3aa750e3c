"""Server-sent events: one picture of the changes at most four times a second, the same bytes for every client.

A client that reads too slowly does not make a queue grow: what waits for it is thrown away, and it gets all anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

import msgspec

from schemas.times import format_time
from streams.console.live import Live

TICK_SECONDS = 0.25
BEAT_SECONDS = 2.0  # how often a client hears the time, though nothing changes
WAITING = 16  # messages that may wait for one client
MAX_CLIENTS = 200


class TooManyClientsError(Exception):
    """All places of the event stream are taken."""


class Client:
    """What waits for one reader; it begins, and after falling behind begins again, with a snapshot."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.needs_snapshot = True
        self.ready = asyncio.Event()
        self.ready.set()

    def offer(self, message: bytes) -> None:
        """Give a message, or all up where too many wait."""
        if self.needs_snapshot:
            return
        if len(self.waiting) >= WAITING:
            self.waiting.clear()
            self.needs_snapshot = True
        else:
            self.waiting.append(message)
        self.ready.set()


class Hub:
    """All clients of one live state."""

    def __init__(self, live: Live, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._live = live
        self._now_ns = now_ns
        self._clients: set[Client] = set()
        self._sent_revision = -1
        self._snapshot: tuple[int, bytes] = (-1, b"")
        self.closed = False

    def join(self) -> Client:
        """Return a new client.

        Raises
        ------
        TooManyClientsError
            Close a page elsewhere first.
        """
        if len(self._clients) >= MAX_CLIENTS:
            raise TooManyClientsError(f"{MAX_CLIENTS} pages are open already; close one")
        client = Client()
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)

    def publish(self) -> None:
        """Offer every client what has changed since the last call."""
        if self._live.revision == self._sent_revision:
            return
        self._sent_revision = self._live.revision
        changes = self._live.take_changes()
        if self._clients:
            message = as_event("changes", changes)
            for client in self._clients:
                client.offer(message)

    async def next_message(self, client: Client) -> bytes | None:
        """Return what the client is to be sent next: a beat where nothing comes; ``None`` at the end."""
        if not client.ready.is_set():
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await client.ready.wait()
            except TimeoutError:
                return None if self.closed else self._time()
        return None if self.closed else self._take(client)

    async def run(self) -> None:
        """Publish at most once a tick, until cancelled."""
        while True:
            self.publish()
            await asyncio.sleep(TICK_SECONDS)

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        for client in self._clients:
            client.ready.set()

    def _take(self, client: Client) -> bytes:
        if client.needs_snapshot:
            client.needs_snapshot = False
            client.waiting.clear()
            client.ready.clear()
            return self._time() + self._newest_snapshot()
        message = client.waiting.popleft()
        if not client.waiting:
            client.ready.clear()
        return message

    def _time(self) -> bytes:
        return as_event("time", {"now": format_time(self._now_ns())})

    def _newest_snapshot(self) -> bytes:
        if self._snapshot[0] != self._live.revision:
            self._snapshot = (self._live.revision, as_event("snapshot", self._live.snapshot()))
        return self._snapshot[1]


def as_event(name: str, data: object) -> bytes:
    """Return a server-sent event; JSON has no line breaks outside its strings, and escapes them inside."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
