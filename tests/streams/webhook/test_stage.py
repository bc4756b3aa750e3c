"""The webhook drops nothing when the group rebalances, and tells a new receiver nothing of the past."""

from aiokafka import TopicPartition

from schemas import channels
from schemas.codec import encode
from streams.settings import Settings
from streams.webhook.event import WebhookEvent
from streams.webhook.post import Receiver
from streams.webhook.stage import Webhook
from tests.streams.dispatch.builders import alert
from tests.streams.rebalancing import RebalancingConsumer

FIRST, SECOND = TopicPartition(channels.ALERTS, 0), TopicPartition(channels.ALERTS, 1)


class Delivered:
    """Stands in for the poster: keeps the ids of what is delivered."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def deliver(self, event: WebhookEvent) -> None:
        self.ids.append(event.id)


def change(name: str, version: int) -> bytes:
    return encode(alert(0.0, version, name=name))


async def turn(webhook: Webhook) -> None:
    """Let its loop look at a rebalance, find where to begin, and read."""
    for _ in range(3):
        await webhook._turn()  # noqa: SLF001 - one turn of its loop


async def test_what_comes_right_after_a_rebalance_is_delivered_and_the_past_is_not() -> None:
    log = {FIRST: [change("al-1", 1)], SECOND: [change("al-2", 1)]}
    webhook = Webhook(Settings(), Receiver(url="http://127.0.0.1", key=b"key", dead_after_s=1.0))
    consumer, delivered = RebalancingConsumer(log), Delivered()
    vars(webhook).update(_consumer=consumer, _poster=delivered)
    consumer.rebalance_in_next_poll(webhook, FIRST)
    await turn(webhook)
    assert not delivered.ids
    log[FIRST].append(change("al-1", 2))
    consumer.group[SECOND] = 0  # somebody has begun to send it
    consumer.rebalance_in_next_poll(webhook, FIRST, SECOND)
    await turn(webhook)
    await webhook.on_partitions_revoked((FIRST, SECOND))  # waits for what is under way, and commits
    assert sorted(delivered.ids) == ["alert:al-1:2", "alert:al-2:1"]
    assert consumer.group == {FIRST: 2, SECOND: 1}


async def test_one_that_holds_no_partition_stands_by() -> None:
    webhook = Webhook(Settings(), Receiver(url="http://127.0.0.1", key=b"key", dead_after_s=1.0))
    assert webhook.problem() == "starting"
    await webhook.on_partitions_assigned(())
    assert webhook.problem() is None
