from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from schemas.times import SECOND_NS
from streams.settings import Settings, SettingsError
from streams.store.influx import InfluxStore
from streams.store.points import REPORTS, Block, Bucket, Origin, Point
from tests.streams.store.fake_influx import Answer, FakeInflux, once_each, partial_write, too_large

VITALS = Bucket("actual", "vitals")


class Pauses:
    """A sleep that takes no time and notes how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.first = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.first.set()
        await asyncio.sleep(0)


class Rig:
    def __init__(self, server: FakeInflux, store: InfluxStore, pauses: Pauses) -> None:
        self.server, self.store, self.pauses = server, store, pauses


Make = Callable[[Answer], Awaitable[Rig]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[tuple[TestServer, InfluxStore]] = []

    async def one(answer: Answer) -> Rig:
        fake, pauses = FakeInflux(answer), Pauses()
        server = TestServer(fake.app)
        await server.start_server()
        store = InfluxStore(Settings(namespace="ns"), str(server.make_url("")).rstrip("/"), sleep=pauses)
        made.append((server, store))
        await store.open()
        return Rig(fake, store, pauses)

    yield one
    for server, store in made:
        await store.close()
        await server.close()


def blocks(*names: str) -> list[Block]:
    """Two points a record."""
    points = [Point(REPORTS, ("u1", "other"), (), (name,), time) for time, name in enumerate(names)]
    return [
        Block(Origin("vitals.reports", 0, at), VITALS, None, points[at : at + 2]) for at in range(0, len(points), 2)
    ]


async def test_a_batch_is_one_request_to_its_bucket(make: Make) -> None:
    rig = await make(lambda _: None)
    assert await rig.store.write(VITALS, blocks("a", "b", "c")) == []
    assert rig.server.buckets == ["ns.vitals"]
    assert [line.split('"')[1] for line in rig.server.stored] == ["a", "b", "c"]


async def test_only_bad_lines_of_a_refused_batch_are_given_back(make: Make) -> None:
    rig = await make(partial_write)
    names = [f"r{n}" for n in range(100)]
    names[17], names[18], names[99] = "bad1", "bad2", "bad3"
    refused = await rig.store.write(VITALS, blocks(*names))
    assert [refusal.line.split(b'"')[1] for refusal in refused] == [b"bad1", b"bad2", b"bad3"]
    assert [refusal.origin.offset for refusal in refused] == [16, 18, 98]
    assert {refusal.detail for refusal in refused} == {"partial write: field type conflict dropped=1"}
    stored = {line.split('"')[1] for line in rig.server.stored}
    assert stored == {name for name in names if not name.startswith("bad")}
    assert rig.server.writes < 60


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(make: Make) -> None:
    rig = await make(too_large(7))
    assert await rig.store.write(VITALS, blocks(*[f"r{n}" for n in range(64)])) == []
    assert len(set(rig.server.stored)) == 64


async def test_a_line_older_than_the_bucket_keeps_is_expired_not_dead(make: Make) -> None:
    said = {"error": "partial write: points beyond retention policy dropped=1"}
    rig = await make(lambda _: web.json_response(said, status=400))
    (refused,) = await rig.store.write(VITALS, blocks("old"))
    assert refused.expired


@pytest.mark.parametrize("status", [500, 503, 429, 418])
async def test_a_server_in_trouble_is_tried_again_until_it_says_yes(make: Make, status: int) -> None:
    rig = await make(once_each(*[status] * 12))
    assert await rig.store.write(VITALS, blocks("a")) == []
    assert len(rig.server.stored) == 1
    assert len(rig.pauses.seconds) == 12
    assert max(rig.pauses.seconds) <= 30
    assert rig.pauses.seconds[-1] > rig.pauses.seconds[0]


async def test_retry_after_is_honoured(make: Make) -> None:
    rig = await make(once_each(503, headers={"Retry-After": "17"}))
    await rig.store.write(VITALS, blocks("a"))
    assert rig.pauses.seconds == [17.0]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_denial_alerts_the_operator_and_loses_nothing(
    make: Make, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await make(once_each(status, status))
    assert await rig.store.write(VITALS, blocks("a")) == []
    assert len(rig.server.stored) == 1
    assert len([record for record in caplog.records if "OPERATOR" in record.message]) == 2
    assert rig.store.problem() is None


async def test_a_problem_is_told_as_long_as_it_lasts(make: Make) -> None:
    rig = await make(lambda _: web.Response(status=503))
    writing = asyncio.create_task(rig.store.write(VITALS, blocks("a")))
    await rig.pauses.first.wait()
    assert "cannot be written to (HTTP 503" in str(rig.store.problem())
    writing.cancel()
    await asyncio.wait([writing])


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    pauses = Pauses()
    store = InfluxStore(Settings(), "http://127.0.0.1:9", sleep=pauses)
    opening = asyncio.create_task(store.open())
    await pauses.first.wait()
    assert "does not answer" in str(store.problem())
    opening.cancel()
    await asyncio.wait([opening])
    await store.close()


async def test_a_bucket_keeps_what_the_server_says(make: Make) -> None:
    rig = await make(lambda _: None)
    assert rig.store.retention_ns(Bucket("actual", "readings")) == 7 * 86_400 * SECOND_NS
    assert [question for question in rig.server.asked if question.startswith("CREATE")] == []


def test_a_missing_token_file_is_a_bad_setting() -> None:
    with pytest.raises(SettingsError, match="store_token_file"):
        InfluxStore(Settings(store_token_file=os.devnull + "/none"), "http://127.0.0.1:9")
