"""The balance on a real Kafka: manifests as sense writes them, offsets as the store commits them, ends of the logs."""

from __future__ import annotations

import time

import pytest

from schemas import channels
from schemas.envelope import tick_headers
from streams import kafka as clients
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.settings import Settings, SettingsError
from streams.state.manifest import KEY, Manifest, encode_manifest
from streams.store.balance import balance
from streams.topics import manifest_topic
from tests.streams.store import rig

PACK = b'[{"n":"a/LAeq","v":1},{"n":"b/LAeq","v":1},{"n":"c/LAeq","v":1}]'
COUNTERS = {"in": 33, "judged": 30, "late": 1, "dead": 1, "duplicate": 1}


@pytest.fixture
async def settings(kafka: LocalKafka, influx: LocalInflux, namespace: str) -> Settings:
    made = Settings(
        kafka=kafka.bootstrap, store=influx.url.replace("http", "influxdb"), namespace=namespace, store_port=free_port()
    )
    await rig.create_topics(made)
    return made


async def send_sources(settings: Settings, packs: int) -> None:
    producer = clients.producer(settings)
    await producer.start()
    name = clients.topic_name(settings, channels.READINGS)
    for _ in range(packs):
        await producer.send_and_wait(name, PACK, partition=3)
    await producer.send_and_wait(name, b"", partition=3, headers=list(tick_headers(time.time_ns())))
    await producer.stop()


async def send_manifest(settings: Settings, seq: int, next_offset: int, counters: dict[str, int]) -> None:
    manifest = Manifest(
        seq=seq, generation=1, next={channels.READINGS: next_offset}, blocks={}, counters={channels.READINGS: counters}
    )
    producer = clients.producer(settings)
    await producer.start()
    name = clients.topic_name(settings, manifest_topic("sense"))
    await producer.send_and_wait(name, encode_manifest(manifest), key=KEY, partition=3)
    await producer.stop()


async def store_everything(settings: Settings, rows: int) -> None:
    async with rig.running_store(settings):

        async def are_stored() -> bool:
            return await rig.total_stored(settings) >= rows

        await rig.until(are_stored)


async def test_the_balance_goes_from_lagging_to_closed(settings: Settings) -> None:
    assert (await balance(settings)).status == "closed"
    await send_sources(settings, 11)
    unread = await balance(settings)
    await send_manifest(settings, 1, 11, COUNTERS)
    await rig.publish(settings, rig.packs(3, 10, 3, time.time_ns()))
    unstored = await balance(settings, wait_s=0.2)
    await store_everything(settings, 30)
    done = await balance(settings, wait_s=20.0)
    assert [(found.status, found.exit_code()) for found in (unread, unstored, done)] == [
        ("lagging", 3),
        ("lagging", 3),
        ("closed", 0),
    ]
    assert [found.by_partition[0].lag for found in (unread, unstored, done)] == [33, 30, 0]
    assert (done.by_partition[0].in_, done.by_partition[0].stored) == (33, 30)


async def test_rows_that_the_store_never_saw_leave_it_open(settings: Settings) -> None:
    await send_sources(settings, 11)
    await send_manifest(settings, 1, 11, COUNTERS)
    judged = rig.packs(3, 10, 3, time.time_ns())
    await rig.publish(settings, [*judged[:4], *judged[5:]])
    await store_everything(settings, 27)
    found = await balance(settings, wait_s=20.0)
    assert (found.status, found.exit_code()) == ("open", 1)
    assert found.problems == ("vitals.readings/3: 3 judged rows never came to the store",)


async def test_a_broker_without_our_topics_is_a_setting_that_is_wrong(kafka: LocalKafka) -> None:
    with pytest.raises(SettingsError, match="run `vitals topics create`"):
        await balance(Settings(kafka=kafka.bootstrap, namespace="nowhere"))
