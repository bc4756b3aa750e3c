"""An HTTP server that answers like InfluxDB on a bad day: what it says to each write is given beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

Answer = Callable[[list[str]], web.Response | None]  # the lines of a write -> an answer, None: stored


def partial_write(lines: list[str]) -> web.Response | None:
    """Store the good lines and refuse the request for the sake of those that say ``bad``, as 1.8 does."""
    if not any("bad" in line for line in lines):
        return None
    return web.json_response({"error": "partial write: field type conflict dropped=1"}, status=400)


def too_large(limit: int) -> Answer:
    """Refuse requests of more than ``limit`` lines."""
    return lambda lines: web.json_response({"error": "too large"}, status=413) if len(lines) > limit else None


def once_each(*statuses: int, headers: dict[str, str] | None = None) -> Answer:
    """Answer with each status once, then store."""
    left = list(statuses)
    return lambda _: web.json_response({"error": "no"}, status=left.pop(0), headers=headers) if left else None


class FakeInflux:
    """A 1.8 server: ``/query`` knows every database; ``stored`` has the lines of accepted writes."""

    def __init__(self, answer: Answer, *, policy: str = "168h0m0s") -> None:
        self.stored: list[str] = []
        self.writes = 0
        self.buckets: list[str] = []
        self.asked: list[str] = []
        self._answer, self._policy = answer, policy
        self.app = web.Application(client_max_size=1 << 26)
        self.app.router.add_post("/api/v2/write", self._write)
        self.app.router.add_post("/query", self._query)

    async def _write(self, request: web.Request) -> web.Response:
        self.writes += 1
        self.buckets.append(request.query["bucket"])
        assert request.query["precision"] == "ns"
        lines = (await request.text()).split("\n")
        refused = self._answer(lines)
        if refused is None:
            self.stored += lines
            return web.Response(status=204)
        return refused

    async def _query(self, request: web.Request) -> web.Response:
        self.asked.append(str((await request.post())["q"]))
        columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"]
        series: dict[str, Any] = {"columns": columns, "values": [["autogen", self._policy, "24h0m0s", 1, True]]}
        return web.json_response({"results": [{"statement_id": 0, "series": [series]}]})
