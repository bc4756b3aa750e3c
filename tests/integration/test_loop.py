"""The whole loop on Apache Kafka and InfluxDB, by the command that a user types; points read back by the client."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka

ROOT = Path(__file__).resolve().parents[2]


def up(folder: Path, *options: str) -> tuple[int, str]:
    """Run ``vitals up`` in a folder of its own; return its exit code and what it said."""
    command = [sys.executable, "-m", "streams.cli", "up", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    logs = "".join(f"== {path.name}\n{path.read_text()[-1_500:]}" for path in sorted(folder.glob(".vitals/log/*.log")))
    return done.returncode, f"{done.stdout}\n{done.stderr}\n{logs}"


def points(influx: LocalInflux, bucket: str, measurement: str) -> list[dict[str, Any]]:
    """Return the last fields and tags of every series of a measurement."""
    query = f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "{measurement}")'
    with InfluxDBClient(url=influx.url, token="-", org="-") as client:  # noqa: S106 - 1.8 asks for none
        return [record.values for table in client.query_api().query(query) for record in table.records]


def test_a_lift_fault_is_followed_to_its_verified_close(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, tmp_path: Path
) -> None:
    store = influx.url.replace("http://", "influxdb://")
    code, said = up(
        tmp_path,
        *("--kafka", kafka.bootstrap, "--store", store, "--namespace", namespace),
        *("--for", "75s", "--scenario", "lift-fault", "--devices", "1000", "--report", str(tmp_path / "r.json")),
    )
    assert code == 0, said
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["balance"]["closed"], said
    (case,) = report["cases"]
    assert case["step"] == "closed"
    assert [s["step"] for s in case["steps"]][-2:] == ["checked", "closed"]

    bucket = f"{namespace}.exercise-vitals"
    steps = {row["step"] for row in points(influx, bucket, "orders")}
    assert {"dispatched", "accepted", "handling", "handled", "closed"} <= steps, said
    colours = {row["colour"] for row in points(influx, bucket, "alerts") if row["scenario"] == "lift-fault"}
    assert colours == {"orange"}
    faults = [
        row
        for row in points(influx, bucket, "indicators")
        if row["unit_id"] == "hp.nanjing-east.g03.nanjing-building" and row["indicator"] == "lift_faults"
    ]
    values = [row["_value"] for row in faults if row["_field"] == "value"]
    assert max(values) == 1.0
    assert values[-1] == 0.0
    readings = points(influx, f"{namespace}.exercise-readings", "readings_lift_fault")
    assert {row["_value"] for row in readings if row["_field"] == "value"} == {0.0, 1.0}


def test_what_nobody_accepts_climbs_to_the_city_and_stays_open(
    kafka: LocalKafka, namespace: str, tmp_path: Path
) -> None:
    code, said = up(
        tmp_path,
        *("--kafka", kafka.bootstrap, "--namespace", namespace, "--no-recovery"),
        *("--for", "75s", "--scenario", "lift-fault", "--devices", "300", "--report", str(tmp_path / "r.json")),
    )
    assert code == 0, said
    (case,) = json.loads((tmp_path / "r.json").read_text())["cases"]
    tiers = list(dict.fromkeys(step["tier"] for step in case["steps"]))
    assert tiers == ["unit", "grid", "subdistrict", "district", "city"]
    assert case["step"] not in {"closed", "rejected"}
