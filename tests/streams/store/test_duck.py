from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from schemas.times import SECOND_NS
from streams.settings import Settings
from streams.store.database import Query
from streams.store.duck import DuckStore
from streams.store.line_protocol import Heads
from streams.store.points import ALERTS, CROWD, INDICATORS, READINGS, Block, Bucket, Origin, Point
from streams.store.rows import Limits, judged_rows
from tests.streams.store.rig import pack

READINGS_BUCKET, VITALS = Bucket("actual", "readings"), Bucket("actual", "vitals")
LIMITS = Limits(oldest_ns=0, keep_readings=True, heads=Heads({"LAeq", "pm25"}))
ORIGIN = Origin("vitals.readings", 0, 0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = DuckStore(Settings(), tmp_path / "new" / "vitals.duckdb")
    await opened.open()
    yield opened
    await opened.close()


def readings(*rows: tuple[str, int, float]) -> list[Block]:
    return judged_rows(pack(0, 0, len(rows), rows), LIMITS).blocks


def indicator(start: int, value: float, revision: int) -> list[Block]:
    point = Point(INDICATORS, ("u1", "noise"), (value, 80.0, 0.0, 5, 1.0, revision), (), start)
    return [Block(ORIGIN, VITALS, None, [point])]


async def points(store: DuckStore, **asked: Any) -> list[dict[str, Any]]:
    return await store.query(Query(**{"name": "readings_LAeq", "measurement": READINGS, **asked}))


NOW = time.time_ns()


async def test_the_same_points_twice_are_one_each(store: DuckStore) -> None:
    rows = readings(("d1/LAeq", NOW, 60.0), ("d2/LAeq", NOW, 61.0), ("d1/LAeq", NOW + 1, 62.0))
    for _ in range(3):
        await store.write(READINGS_BUCKET, rows)
    assert await points(store) == [
        {"time": NOW, "device_id": "d1", "value": 60.0, "quality": 1.0},
        {"time": NOW, "device_id": "d2", "value": 61.0, "quality": 1.0},
        {"time": NOW + 1, "device_id": "d1", "value": 62.0, "quality": 1.0},
    ]


async def test_the_value_written_last_is_the_point(store: DuckStore) -> None:
    for value, revision in ((1.0, 0), (3.0, 1), (2.0, 2)):
        await store.write(VITALS, indicator(60 * SECOND_NS, value, revision))
    found = await store.query(Query(name="indicators", measurement=INDICATORS))
    assert [(row["value"], row["revision"]) for row in found] == [(2.0, 2.0)]


async def test_a_question_narrows_by_tag_time_and_limit(store: DuckStore) -> None:
    rows = [(f"d{n % 3}/LAeq", NOW + n, float(n)) for n in range(30)]
    await store.write(READINGS_BUCKET, readings(*rows, ("d0/pm25", NOW, 5.0)))
    asked = {"tags": {"device_id": "d0"}, "start_ns": NOW + 6, "end_ns": NOW + 24}
    assert [row["value"] for row in await points(store, **asked)] == [6.0, 9.0, 12.0, 15.0, 18.0, 21.0]
    assert [row["value"] for row in await points(store, limit=2, newest_first=True, **asked)] == [21.0, 18.0]


async def test_the_last_of_each_series_is_one_row_a_series(store: DuckStore) -> None:
    await store.write(READINGS_BUCKET, readings(*[(f"d{n % 3}/LAeq", NOW + n, float(n)) for n in range(30)]))
    found = await points(store, last=True)
    assert sorted((row["device_id"], row["value"]) for row in found) == [("d0", 27.0), ("d1", 28.0), ("d2", 29.0)]


async def test_modes_do_not_mix(store: DuckStore) -> None:
    await store.write(Bucket("exercise", "vitals"), indicator(0, 1.0, 0))
    assert await store.query(Query(name="indicators", measurement=INDICATORS)) == []
    assert len(await store.query(Query(name="indicators", measurement=INDICATORS, mode="exercise"))) == 1


async def test_what_a_point_lacks_is_left_out(store: DuckStore) -> None:
    crowd = Point(CROWD, ("z1", "gate"), (60.0, None, 4, None, None, None, None), (), NOW)
    await store.write(READINGS_BUCKET, [Block(ORIGIN, READINGS_BUCKET, None, [crowd])])
    found = await store.query(Query(name="crowd", measurement=CROWD))
    assert found == [{"time": NOW, "zone_id": "z1", "source": "gate", "period_s": 60.0, "people_in": 4.0}]


async def test_text_fields_are_kept_as_they_are(store: DuckStore) -> None:
    alert = Point(ALERTS, ("gas-leak", "red", "u1"), (1, 1), ("a'1; DROP", "UNACK", "Observed"), NOW)
    await store.write(VITALS, [Block(ORIGIN, VITALS, None, [alert])])
    (row,) = await store.query(Query(name="alerts", measurement=ALERTS))
    assert row["alert_id"] == "a'1; DROP"


async def test_writes_that_wait_together_keep_their_order(store: DuckStore) -> None:
    await asyncio.gather(*(store.write(VITALS, indicator(0, float(n), n)) for n in range(20)))
    (row,) = await store.query(Query(name="indicators", measurement=INDICATORS))
    assert row["revision"] == 19.0


async def test_readings_past_their_week_are_deleted_at_start(tmp_path: Path) -> None:
    path = tmp_path / "vitals.duckdb"
    for _ in range(2):
        store = DuckStore(Settings(), path)
        await store.open()
        await store.write(
            READINGS_BUCKET, readings(("d1/LAeq", NOW - 8 * 86_400 * SECOND_NS, 1.0), ("d1/LAeq", NOW, 2.0))
        )
        await store.close()
    store = DuckStore(Settings(), path)
    await store.open()
    assert [row["value"] for row in await points(store)] == [2.0]
    await store.close()


async def test_the_file_has_one_row_a_point_for_other_readers(store: DuckStore) -> None:
    for _ in range(2):
        await store.write(READINGS_BUCKET, readings(("d1/LAeq", NOW, 60.0)))
    await store.close()
    with duckdb.connect(str(store.path), read_only=True) as reader:
        assert reader.execute("SELECT quantity, device_id, value FROM readings").fetchall() == [("LAeq", "d1", 60.0)]
