"""What waits for Kafka is bounded: a slow Kafka is told of at once, and a silent one is not waited for."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from streams.delivery.records import Effect
from streams.gateways import confirmed
from streams.gateways.confirmed import NotConfirmedError, Outbox
from streams.settings import Settings

EFFECT = Effect(topic="vitals.readings", key=b"u", value=b"[]")


class Broker:
    """A producer whose confirmations come when the test says so."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[str]] = []

    async def send(self, *_: object, **__: object) -> asyncio.Future[str]:
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


def outbox() -> tuple[Outbox, Broker]:
    broker: Any = Broker()
    return Outbox(Settings(), broker), broker


async def until(is_so: Any) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)


async def test_what_is_confirmed_is_returned_in_order() -> None:
    box, broker = outbox()
    sending = asyncio.create_task(box.send([EFFECT, EFFECT]))
    await until(lambda: len(broker.futures) == 2)
    for place in (1, 0):
        broker.futures[place].set_result(f"place {place}")
    found: list[Any] = list(await sending)
    assert found == ["place 0", "place 1"]
    assert not box.is_slow()


async def test_a_kafka_that_is_silent_is_not_waited_for_and_no_more_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmed, "GIVE_UP_SECONDS", 0.05)
    monkeypatch.setattr(confirmed, "SLOW_SECONDS", 0.02)
    box, broker = outbox()
    with pytest.raises(NotConfirmedError, match="not confirmed within"):
        await box.send([EFFECT])
    assert box.is_slow()
    broker.futures[0].set_result("late")  # it comes to itself
    await until(lambda: not box.is_slow())
    await box.close()


async def test_too_many_bytes_on_their_way_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmed, "MAX_WAITING_BYTES", 3)
    box, broker = outbox()
    sending = [asyncio.create_task(box.send([EFFECT])) for _ in range(2)]
    await until(lambda: len(broker.futures) == 2)
    assert box.is_slow()
    await box.close()
    await asyncio.gather(*sending, return_exceptions=True)


async def test_a_no_of_kafka_is_not_a_yes() -> None:
    box, broker = outbox()
    sending = asyncio.create_task(box.send([EFFECT, EFFECT]))
    await until(lambda: len(broker.futures) == 2)
    broker.futures[0].set_result("place 0")
    broker.futures[1].set_exception(KafkaTimeoutError())
    with pytest.raises(NotConfirmedError, match="KafkaTimeoutError"):
        await sending
