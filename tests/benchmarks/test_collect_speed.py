"""Single readings a second that ``vitals collect`` packs, beside a plain Faust agent that only decodes them.

Both read the same topic of the same broker in one run, one after the other, each in a process of its own.

    VITALS_BENCH=1 pytest -s tests/benchmarks/test_collect_speed.py
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import channels
from streams.kafka import admin, group_name, producer, topic_name
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.topics import partitions_of
from tests.faults.gateways import Readings, as_single, registry
from tests.faults.workers import ROOT, Part

COUNT = 300_000
SECONDS = 300.0

pytestmark = pytest.mark.skipif("VITALS_BENCH" not in os.environ, reason="a benchmark: set VITALS_BENCH=1")


async def test_collect_beside_plain_faust(kafka: LocalKafka, namespace: str, tmp_path: Path) -> None:
    settings = Settings(kafka=kafka.bootstrap, namespace=namespace, data=str(tmp_path), bridge_port=free_port())
    await create_topics(settings)
    await apply_registry(settings, registry())
    await fill(settings)
    collected = await collect_rate(settings, tmp_path)
    plain = plain_rate(settings)
    print(
        json.dumps({"collect_per_s": round(collected), "plain_faust_per_s": round(plain), "ratio": collected / plain})
    )
    assert collected > plain


async def fill(settings: Settings) -> None:
    readings, topic = Readings(), topic_name(settings, channels.SINGLE_READINGS)
    async with producer(settings) as sender:
        for _ in range(COUNT // 1_000):
            await asyncio.gather(*[await sender.send(topic, as_single(one)) for one in readings.some(1_000)])


async def collect_rate(settings: Settings, folder: Path) -> float:
    """Return readings a second between the first and the last commit that are seen."""
    places = [
        TopicPartition(topic_name(settings, channels.SINGLE_READINGS), number)
        for number in range(partitions_of(channels.SINGLE_READINGS))
    ]
    collector, client = Part(settings, folder, "collect"), admin(settings)
    await client.start()
    collector.start()
    began: tuple[float, int] | None = None
    deadline = time.monotonic() + SECONDS
    try:
        while time.monotonic() < deadline:
            try:
                found = await client.list_consumer_group_offsets(group_name(settings, "collect"), partitions=places)
            except KafkaError:  # a new broker has no coordinator yet
                await asyncio.sleep(0.1)
                continue
            done, now = sum(max(0, at.offset) for at in found.values()), time.monotonic()
            if done and began is None:
                began = now, done
            if done == COUNT and began is not None:
                return (COUNT - began[1]) / (now - began[0])
            await asyncio.sleep(0.02)
    finally:
        collector.stop()
        await client.close()
    raise AssertionError(collector.log_tail())


def plain_rate(settings: Settings) -> float:
    topic = topic_name(settings, channels.SINGLE_READINGS)
    command = [sys.executable, "-m", "tests.benchmarks.plain_faust", settings.kafka, topic, str(COUNT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    found = re.search(r"^(\d+)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])
