from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from schemas.times import format_time
from streams.settings import Settings
from streams.store.api import add_routes
from streams.store.database import Query
from streams.store.duck import DuckStore
from streams.store.influxql import influxql
from streams.store.line_protocol import Heads
from streams.store.points import READINGS, Bucket
from streams.store.rows import Limits, judged_rows
from tests.streams.store.rig import pack

QUANTITIES = frozenset({"LAeq"})
TIME = 1_800_000_000_000_000_000
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store = DuckStore(Settings(), tmp_path / "vitals.duckdb")
    await store.open()
    rows = [("d1/LAeq", TIME + n * 10**9, 60.0 + n) for n in range(5)]
    blocks = judged_rows(pack(0, 0, 5, rows), Limits(0, keep_readings=True, heads=Heads(QUANTITIES))).blocks
    await store.write(Bucket("actual", "readings"), blocks)
    app = web.Application()
    add_routes(app, store, QUANTITIES)
    async with TestClient(TestServer(app)) as opened:
        yield opened
    await store.close()


async def test_points_are_rows_of_time_tags_and_fields(client: Client) -> None:
    asked = {"measurement": "readings_LAeq", "tag.device_id": "d1", "from": format_time(TIME + 10**9), "limit": "2"}
    answer = await (await client.get("/api/points", params=asked)).json()
    assert answer == {
        "measurement": "readings_LAeq",
        "rows": [
            {"time": "2027-01-15T08:00:01Z", "device_id": "d1", "value": 61.0, "quality": 1.0},
            {"time": "2027-01-15T08:00:02Z", "device_id": "d1", "value": 62.0, "quality": 1.0},
        ],
    }


async def test_last_is_the_newest_of_each_series(client: Client) -> None:
    answer = await (await client.get("/api/last", params={"measurement": "readings_LAeq"})).json()
    assert [row["value"] for row in answer["rows"]] == [64.0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "measurement must be"),
        ({"measurement": 'x"; DROP'}, "measurement must be"),
        ({"measurement": "readings_unheard"}, "measurement must be"),
        ({"measurement": "alerts", "tag.alert_id": "a"}, "alerts has no tag alert_id"),
        ({"measurement": "alerts", "tag.unit_id": "u' OR 1=1"}, "must be an id"),
        ({"measurement": "alerts", "mode": "real"}, "mode must be"),
        ({"measurement": "alerts", "order": "up"}, "order must be"),
        ({"measurement": "alerts", "from": "yesterday"}, "not an RFC 3339 time"),
        ({"measurement": "alerts", "limit": "0"}, "limit must be"),
        ({"measurement": "alerts", "limit": "-1"}, "limit must be"),
        ({"measurement": "alerts", "what": "x"}, "unknown parameter"),
    ],
)
async def test_a_wrong_question_says_what_is_wrong(client: Client, asked: dict[str, str], said: str) -> None:
    answer = await client.get("/api/points", params=asked)
    assert answer.status == 400
    assert said in (await answer.json())["error"]


def test_influxql_holds_only_closed_names_ids_and_numbers() -> None:
    asked = Query(name="readings_LAeq", measurement=READINGS, tags={"device_id": "d:1"}, start_ns=1, end_ns=2, limit=3)
    assert influxql(asked) == (
        'SELECT "device_id", "value", "quality" FROM "readings_LAeq" '
        "WHERE \"device_id\" = 'd:1' AND time >= 1 AND time < 2 ORDER BY time ASC LIMIT 3"
    )
