"""Apache Kafka and InfluxDB as the other integration tests use them: they take, give back, and keep what they took."""

import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka, live_brokers
from tests.servers import require

HOUR_SECONDS = 3600
LOG_APPEND_TIME = 1
ANYONE = "-"  # InfluxDB 1.8 asks for no token


async def create_topic(kafka: LocalKafka, name: str, **settings: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=settings)])
    finally:
        await admin.close()


async def produce(kafka: LocalKafka, topic: str, *values: bytes) -> list[int]:
    """Send ``values`` by an idempotent producer; the offsets that were confirmed."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        return [(await producer.send_and_wait(topic, value, timestamp_ms=1)).offset for value in values]
    finally:
        await producer.stop()


async def consume(kafka: LocalKafka, topic: str, count: int) -> list[tuple[bytes | None, int, int]]:
    """The first ``count`` records of the topic: value, timestamp and its type."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        records = [await consumer.getone() for _ in range(count)]
        return [(record.value, record.timestamp, record.timestamp_type) for record in records]
    finally:
        await consumer.stop()


def values_in(influx: LocalInflux, bucket: str) -> list[float]:
    with InfluxDBClient(influx.url, token=ANYONE, org="-") as client:
        tables = client.query_api().query(f'from(bucket: "{bucket}") |> range(start: -1h)')
    return [record.get_value() for table in tables for record in table.records]


def write(influx: LocalInflux, bucket: str, line: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    with InfluxDBClient(influx.url, token=ANYONE, org="-") as client:
        client.write_api(SYNCHRONOUS).write(bucket, record=f"{line} {now_ms}", write_precision=WritePrecision.MS)


async def test_kafka_stamps_the_records_of_a_log_append_time_topic_itself(kafka: LocalKafka, namespace: str) -> None:
    before_ms = time.time_ns() // 1_000_000
    await create_topic(kafka, namespace, **{"message.timestamp.type": "LogAppendTime"})
    await produce(kafka, namespace, b"reading")
    ((value, timestamp_ms, timestamp_type),) = await consume(kafka, namespace, 1)
    assert value == b"reading"
    assert timestamp_ms >= before_ms
    assert timestamp_type == LOG_APPEND_TIME


async def test_an_idempotent_producer_is_confirmed_offset_by_offset(kafka: LocalKafka, namespace: str) -> None:
    await create_topic(kafka, namespace)
    assert await produce(kafka, namespace, b"a", b"b", b"c") == [0, 1, 2]


def test_kafka_holds_its_own_node_for_live(kafka: LocalKafka) -> None:
    assert live_brokers(kafka.port) == {kafka.node_id}


def test_a_point_is_read_back_by_flux(influx: LocalInflux, namespace: str) -> None:
    influx.create_bucket(namespace)
    write(influx, namespace, "indicators,unit_id=quxi-road value=1.5")
    assert values_in(influx, namespace) == [1.5]


async def test_the_asynchronous_client_writes_joined_lines(influx: LocalInflux, namespace: str) -> None:
    influx.create_bucket(namespace)
    now_ns = time.time_ns()
    lines = "\n".join(f"readings,device_id=d{n} value={n}.0 {now_ns}" for n in range(3)).encode()
    async with InfluxDBClientAsync(influx.url, token=ANYONE, org="-") as client:
        precision: Any = WritePrecision.NS  # its constants are strings, its parameter says they are not
        assert await client.write_api().write(namespace, record=lines, write_precision=precision)
    assert sorted(values_in(influx, namespace)) == [0.0, 1.0, 2.0]


def test_a_bucket_is_the_default_policy_of_its_database(influx: LocalInflux, namespace: str) -> None:
    influx.create_bucket(namespace)
    write(influx, f"{namespace}/autogen", "indicators value=1.0")
    assert values_in(influx, namespace) == [1.0]


def test_a_policy_is_a_bucket_of_its_own_and_its_retention_can_be_changed(influx: LocalInflux, namespace: str) -> None:
    influx.create_bucket(namespace)
    influx.create_bucket(f"{namespace}/hourly", 720 * HOUR_SECONDS)
    influx.create_bucket(f"{namespace}/hourly", 24 * HOUR_SECONDS)
    write(influx, f"{namespace}/hourly", "indicators value=2.0")
    assert values_in(influx, f"{namespace}/hourly") == [2.0]
    assert values_in(influx, namespace) == []


def test_a_bucket_that_was_not_made_is_refused(influx: LocalInflux, namespace: str) -> None:
    with pytest.raises((ApiException, InfluxDBError), match="Not Found"):
        write(influx, namespace, "indicators value=1.0")


def test_a_retention_too_short_for_influxdb_is_refused_with_its_reason(influx: LocalInflux, namespace: str) -> None:
    with pytest.raises(ValueError, match="at least 1h0m0s"):
        influx.create_bucket(namespace, 60)


async def test_kafka_keeps_its_records_over_a_restart_and_a_kill(tmp_path: Path) -> None:
    require(LocalKafka)
    with LocalKafka(tmp_path) as kafka:
        await create_topic(kafka, "kept")
        await produce(kafka, "kept", b"before")
        kafka.restart()
        await produce(kafka, "kept", b"between")
        kafka.kill()
        kafka.start()
        assert [value for value, _, _ in await consume(kafka, "kept", 2)] == [b"before", b"between"]


def test_influxdb_keeps_its_points_over_a_restart_and_a_kill(tmp_path: Path) -> None:
    require(LocalInflux)
    with LocalInflux(tmp_path) as influx:
        influx.create_bucket("kept", 24 * HOUR_SECONDS)
        write(influx, "kept", "indicators,at=before value=1.0")
        influx.restart()
        write(influx, "kept", "indicators,at=between value=2.0")
        influx.kill()
        influx.start()
        assert sorted(values_in(influx, "kept")) == [1.0, 2.0]
