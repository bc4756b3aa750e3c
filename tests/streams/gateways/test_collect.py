"""The collector commits what it has sent, and drops nothing, whenever the group rebalances."""

import asyncio
import json
from collections.abc import Sequence

from aiokafka import TopicPartition

from schemas.senml import decode_pack
from streams.delivery.records import Effect
from streams.gateways.collect import Collector
from streams.settings import Settings
from tests.streams.rebalancing import RebalancingConsumer

FIRST, SECOND = TopicPartition("vitals.readings.single", 0), TopicPartition("vitals.readings.single", 1)


class Sent:
    """Stands in for the sender: keeps the values of what is sent."""

    def __init__(self) -> None:
        self.values: list[float] = []

    async def effects(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self.values += decode_pack(effect.value, 0).values


def single(value: float) -> bytes:
    return json.dumps(
        {"device_id": "d-1", "quantity": "pm25", "value": value, "time": f"2026-11-27T00:00:{value:02.0f}Z"}
    ).encode()


def collecting(log: dict[TopicPartition, list[bytes]]) -> tuple[Collector, RebalancingConsumer, Sent]:
    collector, consumer, sent = Collector(Settings()), RebalancingConsumer(log), Sent()
    vars(collector).update(_consumer=consumer, _sender=sent)
    return collector, consumer, sent


async def turn(collector: Collector) -> None:
    """Let one batch be read, sent and committed."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, stop.set)
    await collector._turn(stop)  # noqa: SLF001 - one turn of its loop


async def test_what_comes_right_after_a_rebalance_is_collected() -> None:
    log = {FIRST: [single(1), single(2)], SECOND: [single(3)]}
    collector, consumer, sent = collecting(log)
    consumer.rebalance_in_next_poll(collector, FIRST)
    await turn(collector)
    consumer.rebalance_in_next_poll(collector, FIRST, SECOND)
    await turn(collector)
    log[FIRST].append(single(4))
    await turn(collector)
    assert sorted(sent.values) == [1, 2, 3, 4]
    assert consumer.group == {FIRST: 3, SECOND: 1}


async def test_a_commit_that_failed_at_a_rebalance_does_not_spoil_those_after_it() -> None:
    log = {FIRST: [single(1)], SECOND: [single(2)]}
    collector, consumer, sent = collecting(log)
    consumer.rebalance_in_next_poll(collector, FIRST)
    consumer.refuses_commits = True
    await turn(collector)
    consumer.rebalance_in_next_poll(collector, SECOND)
    await turn(collector)
    consumer.refuses_commits = False
    await turn(collector)
    assert consumer.group == {SECOND: 1}
    assert set(sent.values) == {1, 2}  # the next owner of the first sends it again, under the same id
