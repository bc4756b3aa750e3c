"""A promise never overtakes what it promises, even where a send has to be repeated."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import NotLeaderForPartitionError

from streams.delivery import sender
from streams.delivery.records import Effect
from streams.delivery.watermarks import WATERMARK_HEADERS
from streams.settings import Settings


class Flaky:
    """A producer whose first send fails in a way that may be repeated."""

    def __init__(self) -> None:
        self.confirmed: list[bytes] = []
        self._sends = 0

    async def send(self, _topic: str, value: bytes, **_: Any) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sends += 1
        if self._sends == 1:
            done.set_exception(NotLeaderForPartitionError())
        else:
            self.confirmed.append(value)
            done.set_result(None)
        return done


async def test_a_watermark_waits_for_an_effect_that_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "RETRY_SECONDS", (0.0,))
    flaky = Flaky()
    anomaly = Effect(topic="vitals.anomalies", key=b"hp", value=b"anomaly", partition=0)
    promise = Effect(topic="vitals.anomalies", key=None, value=b"promise", headers=WATERMARK_HEADERS, partition=0)
    await sender.Sender(Settings(), cast("AIOKafkaProducer", flaky)).effects([anomaly, promise])
    assert flaky.confirmed == [b"anomaly", b"promise"]
