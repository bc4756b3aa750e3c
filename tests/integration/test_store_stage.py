"""The store on a real Kafka and a real InfluxDB: what goes in is read back with influxdb-client."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import msgspec
import pytest

from schemas import channels
from schemas.crowd import CrowdRow
from schemas.judged import Judged
from schemas.signs import Indicator
from schemas.times import format_time
from schemas.video import VideoCounts, VideoRow
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.settings import Settings, SettingsError
from streams.store.consumer import run_store
from streams.store.counters import SourceCounts
from tests.streams.store import rig

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS
UNIT = "hp.nanjing-east.g03.u1"


@pytest.fixture
async def settings(kafka: LocalKafka, influx: LocalInflux, namespace: str) -> Settings:
    made = Settings(
        kafka=kafka.bootstrap, store=influx.url.replace("http", "influxdb"), namespace=namespace, store_port=free_port()
    )
    await rig.create_topics(made)
    return made


def asked(settings: Settings, influx: LocalInflux, bucket: str, measurement: str) -> list[dict[str, object]]:
    return rig.flux(
        influx.url,
        f'from(bucket: "{settings.namespace}.{bucket}") |> range(start: 0) '
        f'|> filter(fn: (r) => r._measurement == "{measurement}") '
        '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
    )


async def test_judged_rows_and_events_become_points(settings: Settings, influx: LocalInflux) -> None:
    now = time.time_ns() // 10**9 * 10**9
    text = format_time(now)
    common = {"partition": 3, "offset": 0, "unit_id": UNIT, "total": 1}
    crowd = CrowdRow(zone_id="z1", source="camera", time=text, people_count=41)
    video = VideoRow(camera_id="c1", time=text, counts=VideoCounts(person=3))
    indicator = Indicator(
        unit_id=UNIT, indicator="noise", mode="exercise", window_start=text, window_s=60.0, value=61.2, unit="dB",
        score=72.0, colour="yellow", n=30, coverage=0.9,
    )  # fmt: skip
    await rig.publish(
        settings,
        [
            rig.pack(3, 0, 2, [("d1/LAeq", now, 61.5), ("d1/LAeq", now - 8 * DAY_NS, 60.0)]),
            Judged(source=channels.CROWD, crowd=(crowd,), modes=("actual",), **common),  # type: ignore[arg-type]  # dict
            Judged(source=channels.VIDEO, video=(video,), modes=("test",), **common),  # type: ignore[arg-type]  # dict
        ],
    )
    await rig.publish_values(settings, channels.INDICATORS, 0, [msgspec.json.encode(indicator)])
    async with rig.running_store(settings) as store:

        async def are_all_stored() -> bool:
            bucket_rows = asked(settings, influx, "exercise-vitals", "indicators") if not store.problem() else []
            return len(store.counters()) == 3 and len(bucket_rows) == 1

        await rig.until(are_all_stored)
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{store.port}/api/last?measurement=readings_LAeq&tag.device_id=d1"
            answer = await (await session.get(url)).json()
    (reading,) = asked(settings, influx, "readings", "readings_LAeq")
    (people,) = asked(settings, influx, "readings", "crowd")
    (seen,) = asked(settings, influx, "test-readings", "video")
    (sign,) = asked(settings, influx, "exercise-vitals", "indicators")
    assert (reading["device_id"], reading["value"], reading["quality"]) == ("d1", 61.5, 1.0)
    assert (people["zone_id"], people["source"], people["people_count"]) == ("z1", "camera", 41.0)
    assert (seen["camera_id"], seen["person"], seen["health"]) == ("c1", 3.0, 0.0)
    assert (sign["unit_id"], sign["indicator"], sign["level"], sign["score"]) == (UNIT, "noise", 2.0, 72.0)
    assert answer["rows"] == [{"time": text, "device_id": "d1", "value": 61.5, "quality": 1.0}]
    assert await rig.stored_counts(settings) == {
        "vitals.readings/3": SourceCounts(next=1, total=2, stored=1, expired=1),
        "vitals.crowd/3": SourceCounts(next=1, total=1, stored=1),
        "vitals.video/3": SourceCounts(next=1, total=1, stored=1),
    }


async def test_a_line_that_the_database_refuses_is_a_dead_letter_and_the_others_are_stored(
    settings: Settings, influx: LocalInflux
) -> None:
    now = time.time_ns()
    influx.create_bucket(f"{settings.namespace}.readings", 7 * 86_400)
    async with aiohttp.ClientSession() as session:
        conflict = f'readings_ch4,device_id=d0 value="text" {now - 1}'
        url = f"{influx.url}/api/v2/write?bucket={settings.namespace}.readings&precision=ns&org=-"
        assert (await session.post(url, data=conflict)).status == 204
    rows = [(f"d{n}/LAeq", now + n, float(n)) for n in range(200)]
    rows[77] = ("d77/ch4", now + 77, 5.0)
    await rig.publish(settings, [rig.pack(2, 0, 200, rows)])
    async with rig.running_store(settings) as store:

        async def is_counted() -> bool:
            return bool(store.counters())

        await rig.until(is_counted)
    (letter,) = await rig.read_all(settings, channels.DEAD_LETTERS)
    headers = dict(letter.headers)
    counts = await rig.stored_counts(settings)
    assert letter.value == f"readings_ch4,device_id=d77 value=5.0,quality=1.0 {now + 77}".encode()
    assert (headers["dl_reason"], headers["dl_topic"]) == (b"store_refused", b"vitals.readings")
    assert (headers["dl_partition"], headers["dl_offset"]) == (b"2", b"0")
    assert b"field type conflict" in headers["dl_detail"]
    assert counts == {"vitals.readings/2": SourceCounts(next=1, total=200, stored=199, store_dead=1)}
    assert len(asked(settings, influx, "readings", "readings_LAeq")) == 199


async def test_a_broker_that_is_not_there_is_one_line_that_says_so(settings: Settings) -> None:
    lost = msgspec.structs.replace(settings, kafka="127.0.0.1:9")
    with pytest.raises(SettingsError, match=r"Kafka at 127\.0\.0\.1:9 does not answer"):
        await run_store(lost, asyncio.Event())
