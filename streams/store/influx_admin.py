"""What influxdb-client's asynchronous client lacks: finding and making buckets, and asking in InfluxQL.

A 2.x server has ``/api/v2/buckets``; a 1.x one makes a database with a default retention policy through ``/query``, and
its v2 write API takes the database's name for a bucket.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import aiohttp
import msgspec

from schemas.times import SECOND_NS
from streams.store.database import QueryError
from streams.store.points import DAY_NS, RETENTION_NS, Bucket

NOT_FOUND = 404
DENIED = frozenset({401, 403})
HTTP_OK = frozenset({200, 201, 204})
T = TypeVar("T")


class DeniedError(Exception):
    """The server will not let us: an operator must act. What, and what to do."""


class UnreadyError(Exception):
    """The server answered something that is neither yes nor a denial; it may be starting."""


class InfluxAdmin:
    """Buckets and questions of one server, over plain HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str, org: str, token: str) -> None:
        self._session, self._url, self.org = session, url, org
        self._headers = {"Authorization": f"Token {token}"} if token else {}
        self._is_v2: bool | None = None
        self._org_id: str | None = None

    async def close(self) -> None:
        await self._session.close()

    async def ensure(self, bucket: Bucket, name: str) -> int | None:
        """Make a bucket unless it is there; return how long (ns) it keeps its points, ``None`` for ever.

        Raises
        ------
        DeniedError
            The server refuses: token, organisation, or the bucket cannot be made.
        UnreadyError
            Another answer; try again.
        """
        if self._is_v2 is None:
            status, _ = await self._call("GET", "/api/v2/buckets", params={"limit": "1"})
            self._is_v2 = status != NOT_FOUND
        wanted = RETENTION_NS[bucket.kind]
        return await (self._ensure_v2(name, wanted) if self._is_v2 else self._ensure_v1(name, wanted))

    async def ask(self, name: str, question: str) -> dict[str, Any]:
        """Return the answer of ``/query``; ``QueryError`` with the server's words."""
        status, answer = await self._call("POST", "/query", data={"db": name, "q": question, "epoch": "ns"})
        problems = [answer.get("error"), *(result.get("error") for result in answer.get("results", ()))]
        problem = next((text for text in problems if text), None)
        if status not in HTTP_OK or problem:
            raise QueryError(f"influxdb: {problem or answer.get('message') or status}")
        return answer

    async def _ensure_v1(self, name: str, wanted: int | None) -> int | None:
        policies = await self._statement(f'SHOW RETENTION POLICIES ON "{name}"', missing_is_none=True)
        if policies is None:
            keep = (
                ""
                if wanted is None
                else f" WITH DURATION {wanted // SECOND_NS}s SHARD DURATION {_shard_hours(wanted)}h"
            )
            await self._statement(f'CREATE DATABASE "{name}"{keep}')
            return wanted
        series = policies["results"][0]["series"][0]
        rows = [dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
        return _duration_ns(next(row["duration"] for row in rows if row["default"]))

    async def _statement(self, statement: str, *, missing_is_none: bool = False) -> dict[str, Any] | None:
        try:
            return await self.ask("", statement)
        except QueryError as error:
            if missing_is_none and "not found" in str(error):
                return None
            raise DeniedError(f"it refused {statement!r}: {error}; make the database by hand, or allow it") from error

    async def _ensure_v2(self, name: str, wanted: int | None) -> int | None:
        status, found = await self._call(
            "GET", "/api/v2/buckets", params={"org": await self._organisation(), "name": name}
        )
        buckets = [bucket for bucket in found.get("buckets", ()) if bucket.get("name") == name]
        if buckets:
            seconds = sum(rule.get("everySeconds", 0) for rule in buckets[0].get("retentionRules", ()))
            return seconds * SECOND_NS or None
        if status not in HTTP_OK | {NOT_FOUND}:
            raise UnreadyError(f"HTTP {status}: {found.get('message', '')}")
        rules = [] if wanted is None else [{"type": "expire", "everySeconds": wanted // SECOND_NS}]
        order = {"orgID": self._org_id, "name": name, "retentionRules": rules}
        status, said = await self._call("POST", "/api/v2/buckets", json=order)
        if status not in HTTP_OK:
            raise DeniedError(f"bucket {name} cannot be made ({said.get('message', status)}): make it by hand")
        return wanted

    async def _organisation(self) -> str:
        """Return the organisation's name: the one that was given, or the only one that the token may see."""
        if self._org_id is None:
            _, found = await self._call("GET", "/api/v2/orgs", params={"org": self.org} if self.org else {})
            names = {org["name"]: org["id"] for org in found.get("orgs", ())}
            if len(names) != 1:
                raise DeniedError(
                    f"organisation {self.org!r} is not the one of {sorted(names)}: give ?org= in VITALS_STORE"
                )
            ((self.org, self._org_id),) = names.items()
        return self.org

    async def _call(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with self._session.request(method, self._url + path, headers=self._headers, **options) as response:
            body = await response.read()
        try:
            said = msgspec.json.decode(body) if body else {}
        except msgspec.DecodeError:
            said = {}
        answer = said if isinstance(said, dict) else {}
        if response.status in DENIED:
            raise DeniedError(
                f"HTTP {response.status} at {path}: {answer.get('message') or answer.get('error') or 'denied'}"
            )
        if response.status >= 500:
            raise UnreadyError(f"HTTP {response.status} at {path}")
        return response.status, answer


def _shard_hours(retention_ns: int) -> int:
    """Hours of one shard, as InfluxDB itself would choose: whole shards are what retention drops."""
    if retention_ns > 180 * DAY_NS:
        return 7 * 24
    return 24 if retention_ns >= 2 * DAY_NS else 1


def _duration_ns(text: str) -> int | None:
    """Return the ns of a duration as InfluxDB prints it (``168h0m0s``); ``0s`` is for ever."""
    hours, _, rest = text.partition("h") if "h" in text else ("0", "", text)
    minutes, _, seconds = rest.partition("m") if "m" in rest else ("0", "", rest)
    spoken = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds.rstrip("s") or 0))
    return round(spoken.total_seconds()) * SECOND_NS or None
