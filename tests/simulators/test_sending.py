import asyncio
from typing import Any

from simulators.outgoing import Outgoing
from simulators.sending import Sender


def record(rows: int = 3, copies: int = 1) -> Outgoing:
    return Outgoing(
        topic="vitals.readings",
        key=b"hp.a",
        value=b"[]",
        headers=(("ce_id", b"1"),),
        rows=rows,
        time_ns=0,
        copies=copies,
    )


def named(topic: str) -> str:
    return f"space.{topic}"


async def no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_what_is_confirmed_is_counted(broker: Any) -> None:
    sender = Sender(broker, named)
    await sender.send(record())
    await sender.send(record(copies=2))
    await sender.drain()
    assert sender.sent.rows == {"vitals.readings": 6}
    assert sender.sent.copied_rows == {"vitals.readings": 3}
    assert sender.sent.records == {"vitals.readings": 3}
    assert [topic for topic, *_ in broker.records] == ["space.vitals.readings"] * 3


async def test_what_fails_is_sent_again_with_the_same_id(broker: Any) -> None:
    broker.failures = 5
    sender = Sender(broker, named, pause=no_pause)
    await sender.send(record())
    await sender.flush()
    assert sender.sent.rows == {"vitals.readings": 3}
    assert broker.records[0][3] == {"ce_id": b"1"}


async def test_at_the_end_a_broker_that_is_gone_is_given_up_and_said(broker: Any) -> None:
    broker.failures = 1_000
    sender = Sender(broker, named, pause=no_pause)
    await sender.send(record())
    await sender.drain()
    assert sender.sent.rows == {}
    assert sender.sent.unconfirmed_rows == {"vitals.readings": 3}


async def test_no_more_than_so_many_are_on_their_way(broker: Any) -> None:
    broker.failures = 10_000
    sender = Sender(broker, named, max_in_flight=2, pause=no_pause)
    await sender.send(record())
    await sender.send(record())
    third = asyncio.create_task(sender.send(record()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not third.done()
    broker.failures = 0
    await third
    await sender.drain()
    assert sender.sent.records.total() == 3
