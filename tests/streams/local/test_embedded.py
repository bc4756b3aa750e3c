"""The embedded broker as the stages use it; its program is a wheel of ours, so these tests always run."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import OffsetAndMetadata

from streams.local import embedded
from streams.local.embedded import NOIDA, ClientQuirks, EmbeddedBroker, pace_empty_fetches
from streams.local.process import ServiceMissingError

TOPIC = "vitals.readings"
PARTITIONS = 12
GROUP = "vitals.store"
FIRST = TopicPartition(TOPIC, 0)
LOG_APPEND_TIME = 1
CONFIG = NOIDA.topic_config({"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(4 << 20)})

RUN_BROKER = """
import sys, time
from pathlib import Path
from streams.local.embedded import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(60)
"""

JOIN_AND_HANG = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer
async def main():
    consumer = AIOKafkaConsumer("vitals.readings", bootstrap_servers=sys.argv[1], group_id="vitals.store",
                                group_instance_id=sys.argv[2], session_timeout_ms=6000)
    await consumer.start()
    print(len(consumer.assignment()), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as started:
        yield started


@pytest.fixture(autouse=True)
def paced() -> Iterator[None]:
    send = AIOKafkaClient.send
    NOIDA.apply()
    yield
    AIOKafkaClient.send = send  # type: ignore[method-assign]  # what the next test finds


@pytest.fixture
async def admin(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client, and the topic anew."""
    client = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await client.start()
    await client.create_topics([NewTopic(TOPIC, PARTITIONS, 1, topic_configs=CONFIG)])
    yield client
    await client.delete_topics([TOPIC])
    await client.close()


@pytest.fixture
async def producer(broker: EmbeddedBroker, admin: AIOKafkaAdminClient) -> AsyncIterator[AIOKafkaProducer]:
    del admin
    made = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=900_000,
        max_request_size=4 << 20,
    )
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def reader(broker: EmbeddedBroker, admin: AIOKafkaAdminClient) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group that has assigned itself every partition, from offset 0."""
    del admin
    made = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
    await made.start()
    made.assign([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
    await made.seek_to_beginning()
    yield made
    await made.stop()


def member(broker: EmbeddedBroker, **options: Any) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=broker.bootstrap,
        group_id=GROUP,
        group_instance_id=broker.quirks.group_instance_id(GROUP),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **options,
    )


async def send(producer: AIOKafkaProducer, *values: bytes, partition: int = 0) -> list[int]:
    """Send all at once, so that they share batches; the offsets that were confirmed."""
    sent = [await producer.send(TOPIC, value, partition=partition) for value in values]
    return [(await future).offset for future in sent]


def bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def ends_within(seconds: float, pid: int) -> bool:
    try:
        psutil.Process(pid).wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


async def test_headers_null_keys_and_empty_values_come_back_as_sent(
    producer: AIOKafkaProducer, reader: AIOKafkaConsumer
) -> None:
    headers = [("vitals_tick", b"true"), ("ce_time", b"2026-01-01T00:00:00Z"), ("empty", b"")]
    await producer.send_and_wait(TOPIC, b"", partition=3, headers=headers)
    record = await reader.getone()
    assert (record.partition, record.offset, record.key, record.value) == (3, 0, None, b"")
    assert [(name, bytes(value)) for name, value in record.headers] == headers
    assert record.timestamp_type == LOG_APPEND_TIME


async def test_each_record_of_a_batch_is_read_alone_at_its_confirmed_offset(
    producer: AIOKafkaProducer, reader: AIOKafkaConsumer
) -> None:
    values = [b"block %d" % number for number in range(50)]
    offsets = await send(producer, *values)
    assert offsets == list(range(50))
    for offset in (0, 17, 31, 49):
        reader.seek(FIRST, offset)
        found = await reader.getmany(FIRST, timeout_ms=5_000, max_records=1)
        assert [(record.offset, record.value) for record in found[FIRST]] == [(offset, values[offset])]


async def test_the_end_offset_counts_each_record_of_a_batch(
    producer: AIOKafkaProducer, reader: AIOKafkaConsumer
) -> None:
    await send(producer, *[b"x"] * 50)
    assert await reader.end_offsets([FIRST]) == {FIRST: 50}


async def test_a_record_of_two_mib_passes(producer: AIOKafkaProducer, reader: AIOKafkaConsumer) -> None:
    block = bytes(range(256)) * (2 << 12)
    await producer.send_and_wait(TOPIC, block, partition=0)
    assert (await reader.getone()).value == block


async def test_a_consumer_resumes_where_its_predecessor_committed_and_finds_its_metadata(
    broker: EmbeddedBroker, producer: AIOKafkaProducer, admin: AIOKafkaAdminClient
) -> None:
    await send(producer, b"stored", b"stored too", b"not yet")
    committed = OffsetAndMetadata(2, "counters " + "1" * 1_500)
    first = member(broker)
    await first.start()
    await first.commit({FIRST: committed})
    await first.stop()
    second = member(broker)
    await second.start()
    try:
        record = await second.getone()
    finally:
        await second.stop()
    assert (record.offset, record.value) == (2, b"not yet")
    assert (await admin.list_consumer_group_offsets(GROUP))[FIRST] == committed


async def test_a_killed_member_is_succeeded_at_once(broker: EmbeddedBroker, producer: AIOKafkaProducer) -> None:
    instance = broker.quirks.group_instance_id(GROUP)
    assert instance is not None
    command = [sys.executable, "-c", JOIN_AND_HANG, broker.bootstrap, instance]
    dead = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert dead.stdout is not None
    assert await dead.stdout.readline() == b"%d\n" % PARTITIONS
    dead.kill()
    await dead.wait()
    await send(producer, b"after the kill")
    successor = member(broker, session_timeout_ms=6_000)
    began = time.monotonic()
    await successor.start()
    try:
        found = [record.value for records in (await successor.getmany(timeout_ms=5_000)).values() for record in records]
    finally:
        await successor.stop()
    assert found == [b"after the kill"]
    assert time.monotonic() - began < 5.0


async def test_deleted_records_are_gone_and_the_rest_stays_at_its_offset(
    producer: AIOKafkaProducer, reader: AIOKafkaConsumer, admin: AIOKafkaAdminClient
) -> None:
    for number in range(10):
        await producer.send_and_wait(TOPIC, b"%d" % number, partition=0)
    await admin.delete_records({FIRST: RecordsToDelete(before_offset=6)})
    assert await reader.beginning_offsets([FIRST]) == {FIRST: 6}
    reader.seek(FIRST, 6)
    assert (await reader.getone()).value == b"6"


async def test_an_idle_consumer_does_not_spin(reader: AIOKafkaConsumer, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches: list[object] = []
    answered = embedded._is_empty_fetch  # noqa: SLF001 - to count

    def counted(response: object) -> bool:
        fetches.append(response)
        return answered(response)

    monkeypatch.setattr(embedded, "_is_empty_fetch", counted)
    await reader.getmany(timeout_ms=1_000)
    assert 5 < len(fetches) < 60


def test_pacing_twice_waits_once() -> None:
    before = AIOKafkaClient.send.unpaced  # type: ignore[attr-defined]  # set by the fixture's apply()
    pace_empty_fetches(0.5)
    assert AIOKafkaClient.send.unpaced is before  # type: ignore[attr-defined]  # see above


@pytest.mark.parametrize("own", [{"retention.ms": "-1"}, {"cleanup.policy": "compact"}])
def test_state_and_registry_are_never_cut_by_size(own: dict[str, str]) -> None:
    assert "retention.bytes" not in NOIDA.topic_config(own)


def test_a_topic_s_own_settings_win() -> None:
    assert NOIDA.topic_config({"retention.bytes": "7"})["retention.bytes"] == "7"


async def test_memory_is_bounded_by_the_oldest_records_going_first(
    broker: EmbeddedBroker, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer
) -> None:
    small = ClientQuirks(segment_bytes=10_000, retention_bytes=50_000)
    await admin.create_topics([NewTopic("small", 1, 1, topic_configs=small.topic_config({}))])
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    for _ in range(200):
        await producer.send_and_wait("small", b"x" * 1_000)
    await producer.stop()
    only = TopicPartition("small", 0)
    first = 0
    deadline = time.monotonic() + 30
    while first < 100 and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        first = (await reader.beginning_offsets([only]))[only]
    assert 100 <= first < 200
    assert await reader.end_offsets([only]) == {only: 200}


def test_apache_kafka_needs_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "pace_empty_fetches", lambda _: pytest.fail("paced without need"))
    kafka = ClientQuirks()
    kafka.apply()
    assert kafka.group_instance_id(GROUP) is None
    assert kafka.topic_config({"retention.ms": "1000"}) == {"retention.ms": "1000"}
    assert kafka.members_per_group is None


async def test_records_never_reach_the_disk(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await producer.start()
        await producer.send_and_wait("any", os.urandom(500_000))
        await producer.stop()
        await asyncio.sleep(2.5)  # the broker saves each second
        assert bytes_in(tmp_path) < 100_000


def test_a_stop_is_quick_and_a_restart_keeps_the_port(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    first, began = broker.pid, time.monotonic()
    broker.stop()
    assert time.monotonic() - began < 2.0
    assert ends_within(0.0, first)
    where = broker.bootstrap
    broker.start()
    assert (broker.bootstrap, broker.pid != first) == (where, True)
    broker.close()


def test_it_can_be_killed_by_its_pid(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    pid = broker.pid
    os.kill(pid, signal.SIGKILL)
    assert ends_within(5.0, pid)
    assert not broker.is_running
    broker.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_dies_with_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN_BROKER, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert ends_within(5.0, pid)


def test_without_the_wheel_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(ServiceMissingError, match="pip install noida-db"):
        EmbeddedBroker(tmp_path).start()
