"""A TCP proxy that a test can make fail, between any two processes: ``async with FaultProxy(port) as proxy``.

It runs on a thread with its own event loop, so that it forwards while the test works or waits.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK = 64 << 10
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """What the wire does to each of its two directions; the default forwards everything at once.

    Parameters
    ----------
    delay_s
        How long each chunk takes.
    is_to_server_silent, is_to_client_silent
        Swallow what goes that way, and keep the connection open: one alone is half open, both are a black hole.
    is_refusing
        Reset new connections.
    reset_after, truncate_after
        After so many bytes to the client: reset (RST) the connection, or close it in the middle of a message.
    """

    delay_s: float = 0.0
    is_to_server_silent: bool = False
    is_to_client_silent: bool = False
    is_refusing: bool = False
    reset_after: int | None = None
    truncate_after: int | None = None


FAIR = Weather()
BLACK_HOLE = Weather(is_to_server_silent=True, is_to_client_silent=True)


class FaultProxy:
    """Forwards a port of its own to ``target`` (a port on loopback), as the weather is."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.target, self.port = target, port
        self.weather = FAIR
        self.connections = 0  # accepted so far
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, weather: Weather) -> None:
        """Change the weather for what is sent from now on."""
        self.weather = weather

    def break_all(self) -> None:
        """Reset every connection; they are when this returns."""
        self._call(self._reset_all())

    def _call(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    async def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            _reset(writer)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.weather.is_refusing:
            _reset(to_client)
            return
        try:
            server, to_server = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            _reset(to_client)
            return
        self._writers |= {to_client, to_server}
        try:
            await asyncio.gather(
                self._forward(client, to_server, is_to_client=False),
                self._forward(server, to_client, is_to_client=True),
            )
        except OSError:
            pass
        finally:
            for writer in (to_client, to_server):
                self._writers.discard(writer)
                writer.close()

    async def _forward(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, is_to_client: bool) -> None:
        sent = 0
        while data := await source.read(CHUNK):
            weather = self.weather
            if weather.delay_s:
                await asyncio.sleep(weather.delay_s)
            if weather.is_to_client_silent if is_to_client else weather.is_to_server_silent:
                continue
            if is_to_client:
                if weather.reset_after is not None and sent + len(data) > weather.reset_after:
                    _reset(to)
                    raise ConnectionResetError
                if weather.truncate_after is not None and sent + len(data) > weather.truncate_after:
                    to.write(data[: max(1, weather.truncate_after - sent)])
                    await to.drain()
                    raise ConnectionAbortedError
            to.write(data)
            await to.drain()
            sent += len(data)
        with suppress(OSError):
            to.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
