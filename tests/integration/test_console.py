"""The console over a real log: what was there before it, what comes after, and what people say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import msgspec
import pytest

from schemas import channels
from schemas.actions import Action
from streams.console.run import run_console
from streams.delivery.records import Record
from streams.kafka import producer, topic_name
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settings import Settings, SettingsError
from streams.topics import partition_for, partitions_of
from tests.streams.console.builders import (
    TOKENS,
    UNIT,
    alert,
    alerted,
    bearer,
    indicator,
    ordered,
    scores,
    unit,
    watermark,
)
from tests.streams.store.rig import read_all, until

OLD = (
    unit(),
    scores(safety=75.0),
    indicator("overall", 88.0, "hp"),
    alerted(1),
    alerted(2),
    watermark(channels.ALERTS),
)


@pytest.fixture
async def settings(kafka: LocalKafka, namespace: str) -> Settings:
    made = Settings(kafka=kafka.bootstrap, namespace=namespace, console=f"127.0.0.1:{free_port()}")
    await create_topics(made)
    return made


@pytest.fixture
async def console(settings: Settings) -> AsyncIterator[str]:
    """The address of a console over a log that already holds ``OLD``."""
    await send(settings, OLD)
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_console(settings, TOKENS, stop, started.set_result))
    await asyncio.wait([running, started], return_when=asyncio.FIRST_COMPLETED)
    yield started.result()
    stop.set()
    await asyncio.wait_for(running, 10)


async def send(settings: Settings, records: Sequence[Record]) -> None:
    async with producer(settings) as sender:
        for one in records:
            key = one.key or b"hp"
            await sender.send_and_wait(
                topic_name(settings, one.topic),
                one.value,
                key=one.key,
                partition=partition_for(key, partitions_of(one.topic)),
                headers=list(one.headers.items()),
            )


async def test_it_shows_what_was_there_and_what_comes_and_an_action_reaches_the_log(
    settings: Settings, console: str
) -> None:
    async with aiohttp.ClientSession(console, headers=bearer("operator")) as client:

        async def summary() -> dict[str, object]:
            async with client.get("/api/summary") as response:
                found: dict[str, object] = await response.json()
                return found

        async def has_caught_up() -> bool:
            return (await summary())["caught_up"] is True

        async def has_the_case() -> bool:
            return (await summary())["closed_cases"] == 1

        await until(has_caught_up)
        found = await summary()
        assert (found["units"], found["alerts"], found["score"]) == (1, 1, 88.0)
        async with client.get("/events") as stream:
            await stream.content.readuntil(b"event: snapshot\n")
            await send(settings, [ordered(4, "dispatched"), ordered(9, "closed", by="sensor")])
            await stream.content.readuntil(b"event: changes\n")
            await until(has_the_case)
        body = {"action": "acknowledge", "alert_id": alert().alert_id}
        async with client.post("/api/actions", json=body) as response:
            assert response.status == 202
            where = await response.json()
        (said,) = await read_all(settings, channels.ACTIONS)
        assert (said.partition, said.offset) == (where["partition"], where["offset"])
        assert msgspec.json.decode(said.value or b"", type=Action).alert_id == alert().alert_id
        async with client.get(f"/api/units/{UNIT}") as response:
            assert (await response.json())["place"]["name_en"] == "Nanjing Building"


async def test_open_streams_do_not_hold_up_its_end(settings: Settings) -> None:
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_console(settings, TOKENS, stop, started.set_result))
    async with (
        aiohttp.ClientSession(await started, headers=bearer("viewer")) as client,
        client.get("/events") as stream,
    ):
        await stream.content.readuntil(b"event: snapshot\n")
        stop.set()
        await asyncio.wait_for(running, 10)
        assert (await stream.content.read()).endswith(b"\n\n")  # it ends, and not within an event


async def test_a_broker_that_is_not_there_is_one_line_that_says_so(settings: Settings) -> None:
    nowhere = msgspec.structs.replace(settings, kafka=f"127.0.0.1:{free_port()}")
    with pytest.raises(SettingsError, match=r"no broker at .*VITALS_KAFKA"):
        await run_console(nowhere, TOKENS, asyncio.Event(), print)


@pytest.mark.parametrize("address", ["8080", "localhost:http", ":8080", "127.0.0.1:99999"])
async def test_a_bad_address_is_one_line_that_says_so(address: str) -> None:
    with pytest.raises(SettingsError, match="console must be host:port"):
        await run_console(Settings(console=address), TOKENS, asyncio.Event(), print)
