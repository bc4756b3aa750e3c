"""The commands beside a running system: what they say is what is there."""

import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.times import SECOND_NS, format_time, parse_time
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from tests.integration.system import System, running_system

UNIT = "hp.bund.g01.clock-tower"
NAME = "clock-tower"
REGISTRY = f"""
units:
  - {{unit_id: {UNIT}, kind: building, name_zh: 钟楼, name_en: Clock tower}}
gateways:
  - {{gateway_id: clock, districts: [hp]}}
"""
ADD = ("registry", "add-device", "bell-1", "--unit", UNIT, "--quantity", "LAeq", "--interval", "10")


@pytest.fixture(scope="module")
def system(kafka: LocalKafka, influx: LocalInflux, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("commands")
    with running_system(kafka, influx, folder, f"commands-{secrets.token_hex(3)}") as running:
        (folder / "tower.yaml").write_text(REGISTRY)
        applied = running.run("registry", "apply", "tower.yaml")
        assert applied.returncode == 0, applied.stderr
        yield running


def test_a_registry_file_is_applied_once(system: System) -> None:
    dry = system.run("registry", "apply", "tower.yaml", "--dry-run")
    again = system.run("registry", "apply", "tower.yaml")
    assert (dry.stdout, again.stdout) == ("0 would be written, 2 unchanged\n", "0 written, 2 unchanged\n")
    assert (dry.returncode, again.returncode) == (0, 0)


def test_from_an_unknown_device_to_a_unit_that_has_an_indicator(system: System) -> None:
    reading = '{"n": "bell-1/LAeq", "u": "dB", "v": 61.5}\n'
    assert system.run("publish", "--unit", UNIT, given=reading).returncode == 0
    assert system.run("balance", "--wait", "60").returncode == 0
    unknown = json.loads(system.run("registry", "unknown", "--json").stdout)
    assert unknown == [
        {"device_id": "bell-1", "unit_id": UNIT, "quantities": ["LAeq"], "readings": 1, "interval_s": None}
    ]

    added = system.run(*ADD)
    assert (added.returncode, added.stdout.splitlines()[-1]) == (0, "1 written, 0 unchanged"), added.stderr
    assert json.loads(system.run("registry", "unknown", "--json").stdout) == []
    shown = json.loads(system.run("registry", "show", UNIT, "--json").stdout)
    assert [unit["unit_id"] for unit in shown["units"]] == [UNIT]
    assert [device["device_id"] for device in shown["devices"]] == ["bell-1"]
    assert system.run("registry", "check").stdout.startswith("well: 1 units, 1 devices")

    published = system.run("publish", "--unit", UNIT, given=f"[{reading}]".replace("\n", "") + "\n\n" + reading)
    assert published.stdout.startswith("2 records published")
    status = system.run("status", "--json")
    found = json.loads(status.stdout)
    assert (found["kafka"], found["namespace"]) == (system.settings.kafka, system.settings.namespace)
    balance = system.balance()
    assert (balance["status"], sum(line["judged"] for line in balance["by_partition"])) == ("closed", 2)

    deadline = time.monotonic() + 120  # the window of a minute, and the disorder, must pass
    while not json.loads(system.run("unit", NAME, "--json").stdout)["indicators"]:
        assert time.monotonic() < deadline
    said = system.run("unit", NAME)
    assert said.stdout.startswith(f"{UNIT}   at ")
    assert "\nIndicators\n  noise_level" in said.stdout


def test_a_unit_is_shown_as_it_was(system: System) -> None:
    def at(time_ns: int) -> dict[str, Any]:
        said = system.run("unit", NAME, "--json", "--at", format_time(time_ns))
        assert said.returncode == 0, said.stderr
        found: dict[str, Any] = json.loads(said.stdout)
        return found

    newest = json.loads(system.run("unit", NAME, "--json").stdout)
    assert [reading["value"] for device in newest["devices"] for reading in device["readings"]] == [61.5]
    first_ns = min(parse_time(one["window_start"]) + round(one["window_s"] * SECOND_NS) for one in newest["indicators"])
    then, before = at(first_ns), at(first_ns - 600 * SECOND_NS)
    assert {one["indicator"] for one in then["indicators"]} == {"noise_level"}
    assert [score["domain"] for score in then["scores"]] == ["environment"]
    assert (before["indicators"], before["scores"], before["overall"]) == ([], [], {})
    assert [device["readings"] for device in before["devices"]] == [[]]  # registered since ever, silent until then


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("case", "3f2a"), 1, "no case begins with '3f2a'; the last: none"),
        (("unit", "atlantis"), 1, "no unit is, or ends with, 'atlantis'"),
        (("unit", "clock-towr"), 1, f"ends with, 'clock-towr'; close to it: {UNIT}"),
        (("unit", NAME, "--at", "yesterday"), 2, "--at: not an RFC 3339 time in UTC that ends in Z: 'yesterday'"),
        (("unit", NAME, "--at", "2099-01-01T00:00:00Z"), 2, "2099-01-01T00:00:00Z has not come yet"),
        (("registry", "show", "nobody"), 1, "nothing registered has the id 'nobody'"),
        ((*ADD[:4], "hp.bund.g01.nowhere", *ADD[5:]), 2, "unknown unit hp.bund.g01.nowhere"),
        (("unit", NAME, "--namespace", "empty"), 2, "topic empty.vitals.registry.units is missing"),
        (("case", "3f2a", "--namespace", "empty"), 2, "topic empty.vitals.orders is missing"),
        (("balance", "--namespace", "empty"), 2, "topic empty.vitals.readings is missing"),
        (("registry", "show", "--namespace", "empty"), 2, "topic empty.vitals.registry.devices is missing"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(system: System, arguments: tuple[str, ...], code: int, why: str) -> None:
    began = time.monotonic()
    said = system.run(*arguments)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (code, "", 1)
    assert why in said.stderr
    assert time.monotonic() - began < 20


def test_bad_json_is_refused_with_its_line(system: System) -> None:
    said = system.run("publish", "--unit", UNIT, given='{"n": "bell-1/LAeq", "v": 60}\n{"n":\n')
    assert said.returncode == 2
    assert "line 2 of standard input is no JSON" in said.stderr


def test_topics_are_described(system: System) -> None:
    said = system.run("topics", "describe", "--json")
    assert said.returncode == 0
    assert all(row["wanted"] == row["partitions"] for row in json.loads(said.stdout))
    assert system.run("topics", "create").stdout == "0 topics made; all are there\n"


def test_a_replay_that_is_interrupted_leaves_nothing_running(system: System, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("day,passed\n2024-05-01,5\n2024-05-02,7\n")
    (tmp_path / "day.yaml").write_text(
        "{name: day, files: [day.csv], time: {columns: [day]}, time_zone: UTC, period_s: 3600, device: gate,"
        " target: vitals.readings, values: [{column: passed, to: people_in, unit: /}],"
        " unit: {unit_id: x.y.z.u, kind: shops, name_zh: 店, name_en: Shop}}"
    )
    command = [sys.executable, "-m", "streams.cli", "replay", "day.yaml", "--data", ".", "--speed", "1"]
    command += ["--namespace", f"{system.settings.namespace}-day"]
    status = system.folder / f"{system.settings.namespace}-day" / "worker.json"
    with subprocess.Popen(command, cwd=tmp_path, env=system.environment(), stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while not status.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
    stages = json.loads(status.read_text())["stages"].values()
    assert [pid for pid in stages if Path(f"/proc/{pid}").exists()] == []


def test_lines_of_any_registered_device_and_a_csv_by_a_mapping_are_published_and_judged(system: System) -> None:
    line = '{"device_id": "bell-1", "quantity": "LAeq", "value": 60.5}\n'
    published = system.run("publish", given=line + line.replace("bell", "ghost"))
    assert (published.returncode, published.stdout.partition(";")[0]) == (0, "2 records published"), published.stderr
    assert published.stderr.startswith("record 2: unknown_device: device ghost-1 is not registered")
    bad = system.run("publish", given='{"device_id": "bell-1", "quantity": "LAeq", "value": "loud"}\n')
    assert (bad.returncode, "record 1 of standard input: schema" in bad.stderr) == (2, True)

    now = int(time.time())
    rows = [f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now - 60 + at))},{at}" for at in range(0, 60, 10)]
    (system.folder / "air.csv").write_text("\n".join(["when,dust", *rows]) + "\n")
    (system.folder / "air.yaml").write_text(
        """
name: air
files: [air.csv]
time: {columns: [when], format: "%Y-%m-%d %H:%M:%S"}
time_zone: UTC
period_s: 10
target: vitals.readings
unit: {unit_id: hp.people-square.g02.csv-house, kind: building, name_zh: 楼, name_en: House}
device: csv-air-1
values:
- {column: dust, to: pm25, unit: ug/m3}
"""
    )
    published = system.run("publish", "--mapping", "air.yaml", "--data", "air.csv")
    assert (published.returncode, published.stdout.partition(";")[0]) == (0, "6 records published"), published.stderr
    said = system.run("trace", "csv-air-1").stdout
    deadline = time.monotonic() + 60
    while said.count("1 element: 1 judged") < 5:
        assert time.monotonic() < deadline, said
        said = system.run("trace", "csv-air-1").stdout
    assert "csv-air-1/pm25 = 50" in said


STREET = "hp.wuliqiao.g02.test-street"
PLUME = f"""
units:
  - {{unit_id: {STREET}, kind: shops, name_zh: 街, name_en: Street}}
devices:
  - {{device_id: voc-1, unit_id: {STREET}, quantities: [voc], interval_s: 10, lat: 31.2044, lon: 121.4795}}
  - {{device_id: voc-2, unit_id: {STREET}, quantities: [voc], interval_s: 10, lat: 31.2017, lon: 121.4795}}
  - {{device_id: mast-1, unit_id: {STREET}, quantities: [wind_direction, wind_speed], interval_s: 10}}
gateways:
  - {{gateway_id: clock, districts: [hp]}}
"""


def _plume(second: float, voc: tuple[float, float]) -> str:
    """Return what two sensors south of the paint works, and a mast in a north wind, say at a second."""
    said = {"voc-1/voc": voc[0], "voc-2/voc": voc[1], "mast-1/wind_direction": 0.02, "mast-1/wind_speed": 3.0}
    return "".join(
        json.dumps({"device_id": name.partition("/")[0], "quantity": name.partition("/")[2], "value": value,
                    "time": format_time(round(second * SECOND_NS))}) + "\n"
        for name, value in said.items()
    )  # fmt: skip


def test_a_polluted_case_prints_where_it_may_come_from(system: System) -> None:
    (system.folder / "plume.yaml").write_text(PLUME)
    assert system.run("registry", "apply", "plume.yaml").returncode == 0
    began = time.time()
    quiet = "".join(_plume(began - 400 + at, (200 + at % 3, 200 + at % 4)) for at in range(0, 400, 10))
    assert system.run("publish", given=quiet).stdout.startswith("160 records published")
    deadline = time.monotonic() + 150
    while not (said := system.run("case", "")).stdout:
        assert time.monotonic() < deadline, said.stderr
        assert system.run("publish", given=_plume(time.time(), (3_000, 1_600))).returncode == 0
    chain, _, found = said.stdout.partition("Likely sources 可能来源\n")
    assert "pollution-source" in chain
    assert "  voc: 2 of 2 sensors rose; wind 3 m/s from 1 degrees\n" in found, said.stderr
    assert "voc-1/voc of " + STREET in found
    assert "  1. " in found
    assert "Paint works (made up)" in found.partition("  1. ")[2].partition("\n")[0]
