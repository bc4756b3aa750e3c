"""InfluxDB, 1.8 and 2.x, through influxdb-client's asynchronous v2 write API: joined lines, one request a batch.

Its answers: yes; refused (400, 413, 422: what was stored is unknown, so halves are sent again until the bad line is
found); denied (401, 403, 404: an operator must act; wait); anything else, or none, is tried again for ever. The
client's batching mode (drops in silence) and gzip (level 9) are never used.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from email.utils import parsedate_to_datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from schemas.times import SECOND_NS
from streams import metrics
from streams.settings import Settings, SettingsError
from streams.store.database import Query, UnavailableError, pause_seconds
from streams.store.influx_admin import DeniedError, InfluxAdmin, UnreadyError
from streams.store.influxql import influxql, result_rows
from streams.store.line_protocol import block_lines
from streams.store.points import BUCKETS, Block, Bucket, Origin, Refusal

log = logging.getLogger(__name__)

REQUEST_SECONDS = 30.0
MAX_RETRY_AFTER_S = 300.0
REFUSED = frozenset({400, 413, 422})
DENIED = frozenset({401, 403, 404})
NANOSECONDS = cast("WritePrecision", WritePrecision.NS)  # a str, though annotated as the class
BEYOND_RETENTION = "retention policy"
Sleep = Callable[[float], Awaitable[None]]


class InfluxStore:
    """An InfluxDB; ``sleep`` is how it waits between tries."""

    def __init__(self, settings: Settings, url: str, org: str = "", sleep: Sleep = asyncio.sleep) -> None:
        self.url, self._org, self._sleep = url, org, sleep
        self._token = _read_token(settings)
        self._names = {bucket: bucket.name(settings) for bucket in BUCKETS}
        self._retention: dict[Bucket, int | None] = {}
        self._problem: str | None = f"influxdb at {self.url} has not been asked yet"
        self._client: InfluxDBClientAsync | None = None
        self._admin: InfluxAdmin | None = None

    def problem(self) -> str | None:
        return self._problem

    def retention_ns(self, bucket: Bucket) -> int | None:
        return self._retention.get(bucket)

    async def open(self) -> None:
        self._client = InfluxDBClientAsync(self.url, token=self._token, timeout=int(REQUEST_SECONDS * 1_000))
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS))
        self._admin = InfluxAdmin(session, self.url, self._org, self._token)
        attempt = 0
        while not await self._buckets_are_there():
            await self._sleep(pause_seconds(attempt))
            attempt += 1
        self._problem = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        if self._admin is not None:
            await self._admin.close()

    async def write(self, bucket: Bucket, blocks: Sequence[Block]) -> list[Refusal]:
        lines = [line for block in blocks for line in block_lines(block)]
        if not lines:
            return []
        name = self._names[bucket]
        said = await self._send(name, "\n".join(lines).encode())
        if said is None:
            return []
        ends = list(accumulate(block.rows for block in blocks))
        bad = await self._narrow(name, [line.encode() for line in lines], 0, said)
        return [_refusal(blocks, ends, lines[place], place, detail) for place, detail in bad]

    async def query(self, query: Query) -> list[dict[str, Any]]:
        if self._admin is None:
            raise UnavailableError("the database is not open yet")
        name = self._names[Bucket(query.mode, query.measurement.kind)]
        try:
            return result_rows(query, await self._admin.ask(name, influxql(query)))
        except (DeniedError, UnreadyError, aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(f"influxdb at {self.url}: {error}") from error

    async def _narrow(self, name: str, lines: list[bytes], first: int, said: str) -> list[tuple[int, str]]:
        """Return place and reason of the lines that are refused even alone; ``lines`` together were."""
        if len(lines) == 1:
            return [(first, said)]
        middle = len(lines) // 2
        bad: list[tuple[int, str]] = []
        for start, half in ((first, lines[:middle]), (first + middle, lines[middle:])):
            refused = await self._send(name, b"\n".join(half))
            if refused is not None:
                bad += await self._narrow(name, half, start, refused)
        return bad

    async def _send(self, name: str, body: bytes) -> str | None:
        """Send until the database has said yes (``None``) or refused the content (its words)."""
        assert self._client is not None, "open first"
        assert self._admin is not None
        api, attempt = self._client.write_api(), 0
        while True:
            at_least = 0.0
            try:
                if await api.write(bucket=name, org=self._admin.org or "-", record=body, write_precision=NANOSECONDS):
                    self._now_well()
                    return None
                why = "it answered without confirming"
            except ApiException as error:
                if error.status in REFUSED:
                    self._now_well()
                    metrics.STORE_WRITES.labels("refused").inc()
                    return _words(error)
                why, at_least = f"HTTP {error.status}: {_words(error)}", _retry_after(error)
                if error.status in DENIED:
                    await self._denied(name, why)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                why = f"{type(error).__name__}: {error}"
            self._not_well(f"influxdb at {self.url} cannot be written to ({why}); trying again", "retried")
            await self._sleep(pause_seconds(attempt, at_least))
            attempt += 1

    async def _denied(self, name: str, why: str) -> None:
        """Tell the operator; a bucket that has gone is made again where that is allowed."""
        metrics.STORE_WRITES.labels("denied").inc()
        log.error(
            "OPERATOR: influxdb at %s denies bucket %s (%s): check token, organisation and bucket", self.url, name, why
        )
        await self._buckets_are_there()

    async def _buckets_are_there(self) -> bool:
        assert self._admin is not None, "open first"
        try:
            for bucket, name in self._names.items():
                self._retention[bucket] = await self._admin.ensure(bucket, name)
        except DeniedError as error:
            self._not_well(f"OPERATOR: influxdb at {self.url}: {error}; waiting", "denied", logging.ERROR)
        except (UnreadyError, aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            self._not_well(f"influxdb at {self.url} does not answer as it should ({why}); waiting", "retried")
        else:
            return True
        return False

    def _not_well(self, problem: str, outcome: str, level: int = logging.WARNING) -> None:
        metrics.STORE_WRITES.labels(outcome).inc()
        if problem != self._problem:
            log.log(level, "%s", problem)
        self._problem = problem

    def _now_well(self) -> None:
        metrics.STORE_WRITES.labels("ok").inc()
        if self._problem is not None:
            log.info("influxdb at %s answers again", self.url)
        self._problem = None


def _refusal(blocks: Sequence[Block], ends: list[int], line: str, place: int, detail: str) -> Refusal:
    origin: Origin = next(block.origin for block, end in zip(blocks, ends, strict=True) if place < end)
    return Refusal(origin, line.encode(), detail, expired=BEYOND_RETENTION in detail)


def _words(error: ApiException) -> str:
    """Return what the server said, in one line."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        said = None
    if isinstance(said, dict):
        body = str(said.get("error") or said.get("message") or body)
    return " ".join((body or str(error.reason)).split())[:400]


def _retry_after(error: ApiException) -> float:
    """Return the seconds that ``Retry-After`` asks for, in either of its forms."""
    text = dict(error.headers or {}).get("Retry-After", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        seconds = when.timestamp() - time.time_ns() / SECOND_NS
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)


def _read_token(settings: Settings) -> str:
    if settings.store_token_file is None:
        return ""
    try:
        return Path(settings.store_token_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"bad setting: store_token_file {settings.store_token_file}: {error}") from error
