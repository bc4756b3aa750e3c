"""T13: state comes back from its topics: a large one in time, a trimmed one whole, a damaged one never by half."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from schemas import channels
from schemas.envelope import gateway_urn, write_envelope
from schemas.registry import Device, RegistryFile, Unit
from streams.delivery.worker import INTERNAL_ERROR
from streams.kafka import admin, consumer, topic_name
from streams.local.kafka import LocalKafka
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.settled import wait_until_read, wait_until_settled
from streams.state.manifest import read_manifests
from streams.store.balance import balance
from streams.topics import STAGE_SOURCES, partition_for, partitions_of, state_topic
from tests.faults.generator import LogPlan, Planned, start_before_now
from tests.faults.judge import judge
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, prepare, record_log, running
from tests.faults.workers import Worker, memory_of

DEVICES_PER_UNIT = 400
SENSE = {"sense": STAGE_SOURCES["sense"]}
END_SECONDS = 600.0
TARGET_SECONDS, DISTRICT_SERIES = 30.0, 500_000  # design, section 14
HOLDS = re.compile(r"sense: holds partitions .* after ([0-9.]+) s")


def large_registry(series: int) -> RegistryFile:
    units = [f"hp.s{n % 10}.g{n % 7}.u{n:04d}" for n in range(series // DEVICES_PER_UNIT)]
    return RegistryFile(
        units=tuple(Unit(unit_id=name, kind="building", name_zh=name, name_en=name) for name in units),
        devices=tuple(
            Device(device_id=f"{name}-{n}", unit_id=name, quantities=("LAeq",), interval_s=10.0)
            for name in units
            for n in range(DEVICES_PER_UNIT)
        ),
    )


def one_round(units: tuple[Unit, ...], at_ns: int, ident: str) -> Iterator[Planned]:
    """Yield a pack of each unit, a reading of each device."""
    for unit in units:
        rows = [
            {"n": f"{unit.unit_id}-{n}/LAeq", "t": at_ns // 1_000_000_000, "v": 50 + n % 30}
            for n in range(DEVICES_PER_UNIT)
        ]
        key = unit.unit_id.encode()
        yield Planned(
            topic=channels.READINGS, partition=partition_for(key, partitions_of(channels.READINGS)), key=key,
            value=json.dumps(rows).encode(), what="pack", rows=len(rows),
            headers=write_envelope(
                id=f"{unit.unit_id}-{ident}", source=gateway_urn("gw"), type="city.vitals.readings.v1", time_ns=at_ns
            ),
        )  # fmt: skip


async def test_a_large_state_comes_back_in_time_and_whole(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    settings = base_settings(kafka, namespace, tmp_path)
    await prepare(settings)
    registry = large_registry(scale.series)
    await apply_registry(settings, registry)
    at_ns = start_before_now(5)
    async with running(settings, ("sense",)) as workers:
        sense = workers["sense"]
        await publish(settings, one_round(registry.units, at_ns, "first"), history_of(settings))
        assert await wait_until_read(settings, SENSE, END_SECONDS) is None, sense.log_tail()
        sense.kill()
        began = time.monotonic()
        sense.start()
        loading = await loaded_after(sense)
        whole, memory = time.monotonic() - began, memory_of(sense.pids[-1])
        # Sent again under other ids, each reading is known as its series' last: nothing of the state was lost.
        await publish(settings, one_round(registry.units, at_ns, "again"), history_of(settings))
        assert await wait_until_read(settings, SENSE, END_SECONDS) is None, sense.log_tail()
    manifests = await read_manifests(settings, "sense")
    counts = [manifest.counters[channels.READINGS] for manifest in manifests.values()]
    total = {name: sum(one[name] for one in counts) for name in ("in", "judged", "duplicate")}
    figures(series=scale.series, loading_s=loading, from_sigkill_s=round(whole, 1), rss_mib=memory)
    assert scale.series < DISTRICT_SERIES or loading <= TARGET_SECONDS
    assert total == {"in": 2 * scale.series, "judged": scale.series, "duplicate": scale.series}


async def loaded_after(sense: Worker, wait_s: float = 300.0) -> float:
    """Wait until a worker that was started anew holds its partitions; return how long it says loading took."""
    async with asyncio.timeout(wait_s):
        while len(found := HOLDS.findall(sense.log_tail(1 << 20))) < 2:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return float(found[-1])


@pytest.mark.full
async def test_a_trimmed_state_topic_still_holds_all_that_manifests_name(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=13, start_ns=start_before_now(6), minutes=6, tick_s=30.0))
    settings = judging_as(base, "trimmed")
    async with running(settings, fault="eager-trimmer") as workers:
        assert await wait_until_settled(settings, END_SECONDS) is None
        begins = await state_begins(settings)
        workers["sense"].kill()
        workers["sense"].start()
        await loaded_after(workers["sense"])
        assert await wait_until_settled(settings, END_SECONDS) is None
    verdict = await judge(base, settings)
    figures(trimmed_records=sum(begins.values()), lost=verdict.lost, doubled=verdict.doubled)
    assert sum(begins.values()) > 0, "nothing was trimmed: the test shows nothing"
    assert not verdict.violations, "\n".join(verdict.violations)


async def state_begins(settings: Settings) -> dict[int, int]:
    """Return where sense's state topic begins, by partition."""
    name = topic_name(settings, state_topic("sense"))
    places = [TopicPartition(name, number) for number in range(partitions_of(state_topic("sense")))]
    async with consumer(settings) as reader:
        return {tp.partition: at for tp, at in (await reader.beginning_offsets(places)).items()}


async def test_missing_blocks_stop_the_worker_and_nothing_is_judged(
    kafka: LocalKafka, namespace: str, tmp_path: Path
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=14, start_ns=start_before_now(3), minutes=3, tick_s=60.0))
    settings = judging_as(base, "damaged")
    async with running(settings, ("sense",)) as workers:
        assert await wait_until_read(settings, SENSE, END_SECONDS) is None
        sense = workers["sense"]
        sense.kill()
        before = await read_manifests(settings, "sense")
        await delete_all(settings, state_topic("sense"))
        await publish(base, [], history_of(base))
        sense.start()
        assert await asyncio.to_thread(sense.wait) == INTERNAL_ERROR
    assert "state blocks of partition" in sense.log_tail(10_000)
    assert "restore the topic, or start anew under another namespace" in sense.log_tail(10_000)
    assert await read_manifests(settings, "sense") == before


async def delete_all(settings: Settings, topic: str) -> None:
    """Remove every record of a topic, as retention would."""
    client = admin(settings)
    try:
        await client.start()
        name = topic_name(settings, topic)
        places = [TopicPartition(name, number) for number in range(partitions_of(topic))]
        await client.delete_records({tp: RecordsToDelete(before_offset=-1) for tp in places})
    finally:
        await client.close()


async def test_what_the_log_dropped_unjudged_is_said_and_opens_the_balance(
    kafka: LocalKafka, namespace: str, tmp_path: Path
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=15, start_ns=start_before_now(3), minutes=3, tick_s=60.0))
    settings = judging_as(base, "late")
    async with running(settings) as workers:
        assert await wait_until_settled(settings, END_SECONDS) is None
        assert (await balance(settings, 30)).closed
        sense = workers["sense"]
        await asyncio.to_thread(sense.stop)
        more = LogPlan(seed=16, start_ns=start_before_now(3), minutes=3, tick_s=60.0)
        await record_log(base, more)
        await delete_all(base, channels.READINGS)
        sense.start()
        assert await wait_until_settled(settings, END_SECONDS) is None
        found = await balance(settings, 30)
    assert "unjudged records of vitals.readings" in sense.log_tail(20_000)
    assert found.status == "open"
    assert any("before they were judged: they are lost" in problem for problem in found.problems)
