"""``vitals replay`` from end to end: recorded data in, indicators in InfluxDB, and an end by itself."""

import csv
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from influxdb_client.client.influxdb_client import InfluxDBClient

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka

ROOT = Path(__file__).resolve().parents[2]
MAPPING = """
name: tiny
files: [counts.csv]
time: {columns: [day, hour], format: "%Y-%m-%d %H"}
time_zone: Asia/Shanghai
period_s: 3600
target: vitals.readings
unit: {unit_id: sh.bund.g01.steps, kind: scenic-area, name_zh: 台阶, name_en: Steps}
device: steps-{gate}
values:
  - {column: passed, to: people_in, unit: "/"}
"""
COUNTS = """day,hour,gate,passed
2024-05-01,8,north,100
2024-05-01,8,south,20
2024-05-01,9,north,250
2024-05-01,9,south,
2024-05-01,10,north,oops
2024-05-01,10,south,7
"""
SPAN = ("--from", "2014-01-01T00:00:00Z", "--to", "2014-02-01T00:00:00Z")


def replay(folder: Path, kafka: LocalKafka, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.cli", "replay", *options, "--kafka", kafka.bootstrap]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "VITALS_CLOCK_SCALE": "6", "VITALS_DISORDER_S": "2"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400, check=False
    )


def people_in(influx: LocalInflux, namespace: str, unit_id: str) -> dict[datetime, float]:
    """Return the indicator of each window, read back with influxdb-client."""
    query = (
        f'from(bucket: "{namespace}.vitals") |> range(start: 2010-01-01T00:00:00Z) '
        f'|> filter(fn: (r) => r._measurement == "indicators" and r.unit_id == "{unit_id}" '
        '  and r.indicator == "people_in" and r._field == "value")'
    )
    with InfluxDBClient(url=influx.url, token="-", org="-") as client:  # noqa: S106 - 1.8 asks for none
        tables = client.query_api().query(query)
    return {row.get_time(): row.get_value() for table in tables for row in table.records}


def options_of(influx: LocalInflux, namespace: str) -> tuple[str, ...]:
    return "--store", influx.url.replace("http://", "influxdb://"), "--namespace", namespace


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "counts.csv").write_text(COUNTS)
    (tmp_path / "tiny.yaml").write_text(MAPPING)
    return tmp_path


def test_a_replay_ends_by_itself_with_every_indicator_stored_and_never_goes_back_in_time(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, tiny: Path
) -> None:
    arguments = ("tiny.yaml", "--data", ".", "--report", "r.json", *options_of(influx, namespace))
    done = replay(tiny, kafka, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 rows of 2 devices\nbalance closed: 4 rows judged, 0 dead; 0 stored, 4 older")
    report = json.loads((tiny / "r.json").read_text())
    assert (report["readings"], report["balance"]["closed"]) == (4, True)
    hours = {datetime(2024, 5, 1, hour, tzinfo=UTC): value for hour, value in ((0, 120.0), (1, 250.0), (2, 7.0))}
    assert people_in(influx, namespace, "sh.bund.g01.steps") == hours

    again = replay(tiny, kafka, *arguments)
    assert again.returncode == 2
    assert "all of it would be late; take another --namespace" in again.stderr


def test_shifted_data_is_of_now_and_without_a_server_it_is_kept_in_a_file(
    kafka: LocalKafka, namespace: str, tiny: Path
) -> None:
    began = time.time()
    done = replay(tiny, kafka, "tiny.yaml", "--data", "counts.csv", "--times", "shifted", "--namespace", namespace)
    assert done.returncode == 0, done.stderr
    assert "balance closed: 4 rows judged, 0 dead; 4 stored, 0 older than the bucket keeps" in done.stdout
    query = (
        "SELECT time / 1e9, value FROM indicators WHERE unit_id = 'sh.bund.g01.steps' AND indicator = 'people_in' "
        "ORDER BY time"
    )
    with duckdb.connect(str(tiny / ".vitals" / f"vitals-{namespace}.duckdb"), read_only=True) as connection:
        found = connection.execute(query).fetchall()
    assert [value for _, value in found] == [120.0, 250.0, 7.0]
    assert began - 60 <= found[-1][0] <= time.time()
    assert found[-1][0] - found[0][0] == 7_200


@pytest.fixture
def real_data() -> Path:
    place = os.environ.get("VITALS_TEST_DATA")
    if place is None:
        pytest.skip("VITALS_TEST_DATA is not set: it names the folder of MelbournePedestrian and NAB")
    return Path(place).resolve()


def test_january_2014_of_melbourne_goes_through_the_whole_loop(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, real_data: Path, tmp_path: Path
) -> None:
    folder = real_data / "MelbournePedestrian"
    done = replay(tmp_path, kafka, "melbourne", "--data", str(folder), *SPAN, *options_of(influx, namespace))
    assert done.returncode == 0, done.stderr
    assert people_in(influx, namespace, "melb.cbd.g01.city-centre") == hourly_counts(folder)


def hourly_counts(folder: Path) -> dict[datetime, float]:
    """Return the sum over all sensors of each hour of ``SPAN``, by a reader of its own."""
    since, until = (datetime.fromisoformat(text) for text in (SPAN[1], SPAN[3]))
    found: dict[datetime, float] = defaultdict(float)
    (packed,) = folder.glob("*.zip")
    with zipfile.ZipFile(packed) as archive, archive.open(archive.namelist()[0]) as raw:
        for line in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")):
            if line["Date"].endswith(("-Dec-2013", "-Jan-2014", "-Feb-2014")) and line["PedestrianCount"] != "NA":
                local = datetime.strptime(f"{line['Date']} {line['Hour']}", "%d-%b-%Y %H")  # noqa: DTZ007 - next line
                hour = local.replace(tzinfo=ZoneInfo("Australia/Melbourne")).astimezone(UTC)
                if since <= hour < until:
                    found[hour] += float(line["PedestrianCount"])
    return dict(found)


def test_real_traffic_goes_through_the_whole_loop(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, real_data: Path, tmp_path: Path
) -> None:
    done = replay(tmp_path, kafka, "nab-traffic", "--data", str(real_data / "NAB"), *options_of(influx, namespace))
    assert done.returncode == 0, done.stderr
    assert "balance closed: 15662 rows judged, 2 dead" in done.stdout  # two say another value for a time told already
