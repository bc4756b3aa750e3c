"""Buckets of a 2.x server, by its API as documented."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from schemas.times import SECOND_NS
from streams.store.influx_admin import DeniedError, InfluxAdmin
from streams.store.points import Bucket

READINGS = Bucket("actual", "readings")


class Server:
    """Organisations and buckets, behind a token."""

    def __init__(self, *orgs: str) -> None:
        self.orgs = orgs
        self.buckets: dict[str, dict[str, Any]] = {}
        self.app = web.Application()
        self.app.router.add_get("/api/v2/buckets", self._find)
        self.app.router.add_post("/api/v2/buckets", self._make)
        self.app.router.add_get("/api/v2/orgs", self._organisations)

    async def _find(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Token secret":
            return web.json_response({"code": "unauthorized", "message": "unauthorized access"}, status=401)
        found = self.buckets.get(request.query.get("name", ""))
        return web.json_response({"buckets": [found] if found else []})

    async def _make(self, request: web.Request) -> web.Response:
        order = await request.json()
        self.buckets[order["name"]] = order
        return web.json_response(order, status=201)

    async def _organisations(self, request: web.Request) -> web.Response:
        asked = request.query.get("org")
        return web.json_response({"orgs": [{"name": o, "id": f"id-{o}"} for o in self.orgs if asked in (None, o)]})


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_buckets_are_made_in_the_only_organisation(session: aiohttp.ClientSession) -> None:
    server = Server("city")
    async with TestServer(server.app) as running:
        admin = InfluxAdmin(session, str(running.make_url("")).rstrip("/"), "", "secret")
        assert await admin.ensure(READINGS, "readings") == 604_800 * SECOND_NS
        assert await admin.ensure(READINGS, "readings") == 604_800 * SECOND_NS
    assert server.buckets["readings"]["orgID"] == "id-city"
    assert admin.org == "city"


async def test_of_several_organisations_one_must_be_named(session: aiohttp.ClientSession) -> None:
    server = Server("city", "port")
    async with TestServer(server.app) as running:
        url = str(running.make_url("")).rstrip("/")
        with pytest.raises(DeniedError, match=r"give \?org="):
            await InfluxAdmin(session, url, "", "secret").ensure(READINGS, "readings")
        await InfluxAdmin(session, url, "port", "secret").ensure(READINGS, "readings")
    assert server.buckets["readings"]["orgID"] == "id-port"


async def test_a_wrong_token_is_a_denial(session: aiohttp.ClientSession) -> None:
    async with TestServer(Server("city").app) as running:
        admin = InfluxAdmin(session, str(running.make_url("")).rstrip("/"), "", "wrong")
        with pytest.raises(DeniedError, match="unauthorized access"):
            await admin.ensure(READINGS, "readings")


async def test_a_bucket_that_exists_keeps_its_own_retention(session: aiohttp.ClientSession) -> None:
    server = Server("city")
    server.buckets["readings"] = {"name": "readings", "retentionRules": [{"type": "expire", "everySeconds": 3_600}]}
    async with TestServer(server.app) as running:
        admin = InfluxAdmin(session, str(running.make_url("")).rstrip("/"), "city", "secret")
        assert await admin.ensure(READINGS, "readings") == 3_600 * SECOND_NS
