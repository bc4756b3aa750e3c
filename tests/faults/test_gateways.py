"""Gateways under kills: what anybody has acknowledged is judged, and nothing is twice."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from aiokafka import TopicPartition

from schemas import channels
from schemas.judged import decode_judged
from schemas.senml import decode_pack
from streams.kafka import admin, consumer, group_name, producer, topic_name
from streams.local.kafka import LocalKafka
from streams.local.process import LocalService, free_port
from streams.newest import events
from streams.provision import create_topics
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.settled import wait_until_read
from streams.state.manifest import read_manifests
from streams.ticker import write_ticks
from streams.topics import STAGE_SOURCES, partitions_of
from tests.faults.gateways import (
    GATEWAY,
    QUANTITY,
    Point,
    Readings,
    registry,
    say_last,
    speak_http,
    speak_mqtt,
    speak_singly,
)  # fmt: skip
from tests.faults.outcome import points_of
from tests.faults.scale import Scale
from tests.faults.trial import kept_alive, running, until
from tests.faults.workers import Part, Worker
from tests.integration.mosquitto import BRIDGE, PASSWORD, LocalMosquitto
from tests.integration.system import is_ready
from tests.servers import require

SEED = 4
PAUSE_S = (0.3, 2.0)  # from kill to kill
SETTLE_SECONDS = 120.0
UNSAVED_SECONDS = 1.0
SLOW_AFTER_S = 8.0  # of no confirmation the bridge says after 5 s that it takes no more
TOKEN = "of gateway one, for the test"  # noqa: S105 - opens nothing but this test's bridge
MAPPING = "topics:\n- {topic: 'gateways/{gateway}/#'}\n"


def settings_of(kafka: LocalKafka, namespace: str, folder: Path) -> Settings:
    return Settings(
        kafka=kafka.bootstrap,
        namespace=namespace,
        data=str(folder),
        store=f"duckdb://{folder}/vitals.duckdb",
        checkpoint_s=1.0,
        disorder_s=2.0,
        bridge_port=free_port(),
    )


async def judged_points(settings: Settings) -> dict[Point, float]:
    """Return every reading that was judged, late ones too, by series and time."""
    found: dict[Point, float] = {}
    for topic in (channels.JUDGED, channels.LATE):
        async for record in events(settings, topic):
            found |= points_of(decode_judged(record.value or b""))
    return found


async def totals(settings: Settings) -> dict[str, int]:
    manifests = await read_manifests(settings, "sense")
    counts = [manifest.counters[channels.READINGS] for manifest in manifests.values()]
    return {name: sum(one[name] for one in counts) for name in ("in", "judged", "late", "dead", "duplicate")}


async def judge(settings: Settings, readings: Readings) -> dict[str, int]:
    """Let sense judge all; hold what it judged against what was acknowledged; return its counters."""
    async with producer(settings) as sender:
        await write_ticks(settings, sender, time.time_ns())
    sources = {"sense": STAGE_SOURCES["sense"]}
    async with running(settings, ("sense",)):
        assert await wait_until_read(settings, sources, SETTLE_SECONDS) is None
    found = await judged_points(settings)
    lost = {point: value for point, value in readings.acknowledged.items() if found.get(point) != value}
    assert not lost, f"{len(lost)} of {len(readings.acknowledged)} acknowledged readings lost: {list(lost)[:3]}"
    counts = await totals(settings)
    assert counts["in"] == counts["judged"] + counts["late"] + counts["dead"] + counts["duplicate"]
    assert counts["dead"] == 0
    return counts | {"points": len(found)}


async def kill_at_random(rng: random.Random, victims: list[Callable[[], None]], times: int) -> None:
    """Kill one victim after another; whoever watches starts it anew."""
    for _ in range(times):
        await asyncio.sleep(rng.uniform(*PAUSE_S))
        await asyncio.to_thread(rng.choice(victims))


def killer(worker: Worker) -> Callable[[], None]:
    def kill() -> None:
        if worker.is_alive:
            worker.kill()

    return kill


def restarter(server: LocalService, killed: list[float]) -> Callable[[], None]:
    def restart() -> None:
        killed.append(time.monotonic())
        server.kill()
        time.sleep(0.3)
        server.start()

    return restart


async def until_in_log(settings: Settings, readings: list[tuple[str, int, float]]) -> None:
    """Wait until readings lie in ``vitals.readings``: a session's messages come in order, so all before them do."""
    wanted = {(f"{device}/{QUANTITY}", time_ns) for device, time_ns, _ in readings}
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        async for record in events(settings, channels.READINGS):
            pack = decode_pack(record.value or b"", 0)
            wanted -= set(zip(pack.names, pack.times, strict=True))
        if not wanted:
            return
        assert time.monotonic() < deadline, f"not in the log: {wanted}"
        await asyncio.sleep(1.0)


@pytest.mark.parametrize("version", ["5", pytest.param("3.1.1", marks=pytest.mark.full)])
async def test_mqtt_loses_nothing_that_was_acknowledged(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None], version: str
) -> None:
    require(LocalKafka)
    require(LocalMosquitto)
    rng, readings, stop = random.Random(SEED), Readings(), asyncio.Event()
    with LocalKafka(tmp_path / "kafka") as kafka, LocalMosquitto((GATEWAY,), tmp_path / "mosquitto") as mosquitto:
        (tmp_path / "password").write_text(PASSWORD)
        (tmp_path / "mapping.yaml").write_text(MAPPING)
        settings = msgspec.structs.replace(
            settings_of(kafka, namespace, tmp_path),
            mqtt=f"mqtt://{BRIDGE}@127.0.0.1:{mosquitto.port}",
            mqtt_version=version,
            mqtt_password_file=str(tmp_path / "password"),
        )
        await create_topics(settings)
        await apply_registry(settings, registry())
        bridge = Part(settings, tmp_path, "bridge", "mqtt", str(tmp_path / "mapping.yaml"))
        bridge.start()
        try:
            async with kept_alive({"bridge": bridge}) as restarts:
                url = f"http://127.0.0.1:{settings.bridge_port}/readyz"
                # From now on the MQTT broker keeps what comes.
                await until(lambda: is_ready(url), "the bridge is ready")
                device = asyncio.create_task(speak_mqtt(mosquitto.port, readings, stop))
                killed: list[float] = []
                victims = [killer(bridge), restarter(mosquitto, killed)]
                await kill_at_random(rng, victims, scale.gateway_kills // 2)
                await asyncio.to_thread(kafka.kill)
                await asyncio.sleep(scale.gateway_outage_s)
                await asyncio.to_thread(kafka.start)
                await kill_at_random(rng, victims, scale.gateway_kills - scale.gateway_kills // 2)
                stop.set()
                await device
                await until_in_log(settings, await say_last(mosquitto.port, readings))
        finally:
            bridge.stop()
        # Mosquitto saves after it has acknowledged: the last messages before its own SIGKILL it may not have.
        doubtful = readings.doubt(killed, UNSAVED_SECONDS)
        counts = await judge(settings, readings)
        figures(
            protocol=version, acknowledged=len(readings.acknowledged), unsaved_by_mosquitto_perhaps=doubtful,
            kills=scale.gateway_kills, bridge_restarts=restarts["bridge"], kafka_away_s=scale.gateway_outage_s,
            lost=0, **counts,
        )  # fmt: skip


async def start_http_bridge(kafka: LocalKafka, namespace: str, folder: Path) -> tuple[Settings, Part, str]:
    """Register the houses and start a bridge that knows the gateway's token; return it with its address."""
    (folder / "tokens.yaml").write_text(f"{GATEWAY}: {TOKEN}\n")
    settings = msgspec.structs.replace(
        settings_of(kafka, namespace, folder), gateway_tokens_file=str(folder / "tokens.yaml")
    )
    await create_topics(settings)
    await apply_registry(settings, registry())
    bridge = Part(settings, folder, "bridge", "http")
    bridge.start()
    return settings, bridge, f"http://127.0.0.1:{settings.bridge_port}"


async def test_http_loses_nothing_that_was_answered_for_and_doubles_nothing(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    require(LocalKafka)
    rng, readings, stop = random.Random(SEED), Readings(), asyncio.Event()
    with LocalKafka(tmp_path / "kafka") as kafka:
        settings, bridge, url = await start_http_bridge(kafka, namespace, tmp_path)
        try:
            async with kept_alive({"bridge": bridge}) as restarts:
                await until(lambda: is_ready(f"{url}/readyz"), "the bridge is ready")
                devices = [asyncio.create_task(speak_http(url, TOKEN, readings, stop)) for _ in range(3)]
                victims = [killer(bridge)]
                await kill_at_random(rng, victims, scale.gateway_kills // 2)
                await asyncio.to_thread(kafka.kill)
                await asyncio.sleep(scale.gateway_outage_s)
                await asyncio.to_thread(kafka.start)
                await kill_at_random(rng, victims, scale.gateway_kills - scale.gateway_kills // 2)
                await until(lambda: is_ready(f"{url}/readyz"), "the bridge is ready again")
                stop.set()
                repeats = sum(await asyncio.gather(*devices))
        finally:
            bridge.stop()
        counts = await judge(settings, readings)
        figures(
            acknowledged=len(readings.acknowledged), kills=scale.gateway_kills, bridge_restarts=restarts["bridge"],
            kafka_away_s=scale.gateway_outage_s, sent_again=repeats, lost=0, **counts,
        )  # fmt: skip
        assert counts["judged"] + counts["late"] == counts["points"]  # nothing twice
        assert repeats > 0


async def test_single_readings_are_collected_whole_though_collectors_die(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    require(LocalKafka)
    rng, readings, stop = random.Random(SEED), Readings(), asyncio.Event()
    with LocalKafka(tmp_path / "kafka") as kafka:
        settings = settings_of(kafka, namespace, tmp_path)
        await create_topics(settings)
        await apply_registry(settings, registry())
        collectors = [Part(settings, tmp_path, "collect", f"--namespace={namespace}") for _ in range(2)]
        for collector in collectors:
            collector.start()
        try:
            async with kept_alive({str(number): one for number, one in enumerate(collectors)}) as restarts:
                url = f"http://127.0.0.1:{settings.bridge_port}/readyz"
                await until(lambda: is_ready(url), "a collector is ready")  # one that dies before that shows nothing
                device = asyncio.create_task(speak_singly(settings, readings, stop))
                victims = [killer(one) for one in collectors]
                await kill_at_random(rng, victims, scale.gateway_kills)
                stop.set()
                await device
                await until_collected(settings, collectors)
        finally:
            for collector in collectors:
                collector.stop()
        counts = await judge(settings, readings)
        figures(
            acknowledged=len(readings.acknowledged), kills=scale.gateway_kills, restarts=sum(restarts.values()),
            lost=0, **counts,
        )  # fmt: skip


async def until_collected(settings: Settings, collectors: Sequence[Worker]) -> None:
    """Wait until the group ``collect`` has committed all that is in its topic."""
    topic = topic_name(settings, channels.SINGLE_READINGS)
    places = [TopicPartition(topic, number) for number in range(partitions_of(channels.SINGLE_READINGS))]
    deadline = time.monotonic() + SETTLE_SECONDS
    client, reader = admin(settings), consumer(settings)
    await client.start()
    await reader.start()
    try:
        while True:
            ends = await reader.end_offsets(places)
            done = await client.list_consumer_group_offsets(group_name(settings, "collect"), partitions=places)
            if all(not end or (tp in done and done[tp].offset >= end) for tp, end in ends.items()):
                return
            left = {tp.partition: end - done[tp].offset if tp in done else end for tp, end in ends.items()}
            assert time.monotonic() < deadline, [left, *(one.log_tail() for one in collectors)]
            await asyncio.sleep(0.3)
    finally:
        await reader.stop()
        await client.close()


@pytest.mark.full  # a producer gives up after 40 s: a short outage shows nothing
async def test_a_bridge_that_lives_through_an_outage_of_kafka_says_so_and_goes_on(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    require(LocalKafka)
    readings, stop = Readings(), asyncio.Event()
    with LocalKafka(tmp_path / "kafka") as kafka:
        settings, bridge, url = await start_http_bridge(kafka, namespace, tmp_path)
        try:
            await until(lambda: is_ready(f"{url}/readyz"), "the bridge is ready")
            devices = [asyncio.create_task(speak_http(url, TOKEN, readings, stop)) for _ in range(3)]
            await asyncio.sleep(1.0)
            before = len(readings.acknowledged)
            await asyncio.to_thread(kafka.kill)
            await asyncio.sleep(max(scale.gateway_outage_s, SLOW_AFTER_S))
            assert not await asyncio.to_thread(is_ready, f"{url}/readyz"), "it takes rows that it cannot confirm"
            await asyncio.to_thread(kafka.start)
            back = time.monotonic()
            await until(lambda: len(readings.acknowledged) > before + 30, "rows are acknowledged again")
            recovered = time.monotonic() - back
            stop.set()
            repeats = sum(await asyncio.gather(*devices))
        finally:
            bridge.stop()
        assert len(bridge.pids) == 1, bridge.log_tail()
        counts = await judge(settings, readings)
        figures(
            acknowledged=len(readings.acknowledged), kafka_away_s=scale.gateway_outage_s,
            acknowledges_again_after_s=round(recovered, 1), sent_again=repeats, lost=0, **counts,
        )  # fmt: skip
        assert counts["judged"] + counts["late"] == counts["points"]
