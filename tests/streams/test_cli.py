"""The command line without servers: help with an example everywhere, and one line for whatever is wrong."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from streams.catalogue.files import CATALOGUE_FOLDER
from streams.cli import main
from streams.commands.running import with_settings
from streams.settings import Settings

Run = Callable[..., Result]
NOBODY = "127.0.0.1:1"  # a port that nobody listens on
DATA = """day,passed
2024-05-01,5
"""
MAPPING = """
name: tiny
files: [counts.csv]
time: {columns: [day]}
time_zone: UTC
period_s: 86400
target: vitals.readings
unit: {unit_id: sh.bund.g01.steps, kind: scenic-area, name_zh: 台阶, name_en: Steps}
device: steps
values:
  - {column: passed, to: people_in, unit: "/"}
"""
REGISTRY = """
units:
  - {unit_id: hp.a.g01.b, kind: shops, name_zh: 店, name_en: Shop}
devices:
  - {device_id: d1, unit_id: hp.a.g01.b, quantities: [LAeq], interval_s: 10}
"""


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from every_command(child, (*path, name))


COMMANDS = dict(every_command(main))
by_path = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``vitals`` in an empty folder, without settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VITALS_")]:
        monkeypatch.delenv(name)

    def run_it(*arguments: str, given: str = "", **environment: str) -> Result:
        return CliRunner().invoke(main, arguments, input=given, env=environment, prog_name="vitals")

    return run_it


@pytest.fixture
def listener() -> Iterator[str]:
    """An address where somebody listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@by_path
def test_help_says_what_it_does_with_an_example(path: tuple[str, ...], run: Run) -> None:
    said = run(*path, "--help")
    words = " ".join(said.stdout.split())
    assert said.exit_code == 0
    assert "Example: " in words
    assert " ".join(("vitals", *path)) in words.partition("Example: ")[2]


@by_path
def test_every_option_says_what_it_is(path: tuple[str, ...]) -> None:
    options = [one for one in COMMANDS[path].params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []


NO_SERVER = (
    "topics create", "topics describe", "worker", "store", "ticker", "console", "simulate", "balance", "case 3f2a",
    "unit bund-a", "status", "registry show", "registry check", "registry unknown", "publish --unit hp.a.g01.b",
    "registry add-device d1 --unit hp.a.g01.b --quantity LAeq --interval 10", "up --for 90s",
    "dead-letters list", "dead-letters show vitals.readings:0:1", "dead-letters replay",
)  # fmt: skip


@pytest.mark.parametrize("arguments", NO_SERVER)
def test_a_missing_kafka_is_one_line_at_once(arguments: str, run: Run) -> None:
    said = run(*arguments.split(), "--kafka", NOBODY)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr == (
        f"vitals: no Kafka at {NOBODY} (connection refused); start one, or set VITALS_KAFKA or --kafka HOST:PORT\n"
    )


WRONG = {
    "no such command": ("balanse", "No such command 'balanse'"),
    "no such option": ("balance --jsn", "No such option"),
    "no number": ("up --devices many", "'many' is not a valid integer"),
    "no duration": ("up --for soon", "not a duration: 'soon'; write for example 90s, 15m or 2h"),
    "unknown scenario": ("up --scenario flood --for 9s", "no simulator for scenario flood; there are crowd-surge"),
    "scenario without end": ("up --scenario gas-leak", "--scenario needs --for TIME"),
    "clock too slow": ("up --for 9s --clock-scale 0.5", "--clock-scale must be 1 or more, not 0.5"),
    "no store": ("up --store mongodb://here", "store must be influxdb://127.0.0.1:8086 or duckdb:///"),
    "store that is away": (f"up --store influxdb://{NOBODY}", f"no InfluxDB at http://{NOBODY} (connection refused)"),
    "no address": ("balance --kafka here", "kafka must be HOST:PORT, or several with commas, not 'here'"),
    "no namespace": ("balance --namespace a/b", "namespace must be letters, digits, . - and _, not 'a/b'"),
    "no such stage": ("worker --stages smell", "--stages smell: must name some of sense, alert, dispatch"),
    "missing mapping": ("replay lagos --data . --namespace n", "no mapping lagos: give a file, or the name of a"),
    "missing data": ("replay melbourne --data gone --namespace n", "Path 'gone' does not exist"),
    "data without its file": ("replay melbourne --data . --namespace n", "no pedestriancounts_melbourne_2906.zip in"),
    "no rows": ("replay tiny.yaml --data . --namespace n --from 2025-01-01T00:00:00Z", "no row of . lies between"),
    "no time": ("replay tiny.yaml --data . --namespace n --from yesterday", "--from and --to: "),
    "no speed": ("replay tiny.yaml --data . --namespace n --speed fast", "--speed must be a number above 0, or max"),
    "replay without namespace": ("replay tiny.yaml --data .", "a replay needs --namespace NAME"),
    "bad mapping": ("replay bad.yaml --data . --namespace n", "bad.yaml: "),
    "missing registry file": ("registry apply gone.yaml", "'gone.yaml' does not exist"),
    "check alone of nothing": ("registry check --alone", "--alone needs a FILE"),
}


@pytest.mark.parametrize(("arguments", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(arguments: str, why: str, run: Run, listener: str, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(MAPPING)
    (tmp_path / "bad.yaml").write_text(MAPPING.replace("target: vitals.readings", "target: vitals.smells"))
    (tmp_path / "counts.csv").write_text(DATA)
    said = run(*arguments.split(), VITALS_KAFKA=listener)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("vitals: ")
    assert why in said.stderr
    assert said.stderr.count("\n") == 1


SETTINGS = {
    "a number": ({"VITALS_CLOCK_SCALE": "fast"}, "clock_scale"),
    "a choice": ({"VITALS_STORE_READINGS": "maybe"}, "store_readings"),
    "a file that is away": ({"VITALS_CONFIG": "gone.toml"}, "VITALS_CONFIG=gone.toml: "),
    "a catalogue that is away": ({"VITALS_CATALOGUE": "gone"}, "gone"),
}


@pytest.mark.parametrize(("environment", "why"), SETTINGS.values(), ids=SETTINGS)
def test_a_bad_setting_is_said_in_one_line(environment: dict[str, str], why: str, run: Run) -> None:
    said = run("catalogue", "check", **environment)
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert said.stderr.startswith("vitals: ")
    assert why in said.stderr


def test_a_bad_catalogue_file_is_named_with_its_reason(run: Run, tmp_path: Path) -> None:
    shutil.copytree(CATALOGUE_FOLDER, tmp_path / "catalogue")
    file = tmp_path / "catalogue" / "quantities.yaml"
    file.write_text(file.read_text().replace("interval_s: 3600", "interval_s: hourly"))
    said = run("catalogue", "check", VITALS_CATALOGUE="catalogue")
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "quantities.yaml" in said.stderr
    assert "interval_s" in said.stderr


def test_a_worker_with_a_bad_catalogue_does_not_start_its_stages(run: Run, listener: str) -> None:
    assert run("worker", VITALS_CATALOGUE="gone", VITALS_KAFKA=listener).exit_code == 2


def test_the_shipped_catalogue_is_well(run: Run) -> None:
    said = run("catalogue", "check")
    assert said.exit_code == 0
    assert "26 scenarios" in said.stdout
    assert "15 units, 66 teams" in said.stdout


def test_the_shipped_units_are_a_registry_file(run: Run) -> None:
    said = run("registry", "check", str(CATALOGUE_FOLDER / "units.yaml"), "--alone")
    assert (said.exit_code, said.stdout) == (0, "well: 15 units, 0 devices, 0 teams, 0 gateways, 0 rules\n")


def test_a_scenario_without_its_unit_is_not_played(run: Run, tmp_path: Path) -> None:
    shutil.copytree(CATALOGUE_FOLDER, tmp_path / "catalogue")
    for name in ("units.yaml", "teams.yaml"):
        file = tmp_path / "catalogue" / name
        file.write_text(file.read_text().replace("hp.bansongyuan.g02.chunjiang", "hp.bansongyuan.g02.elsewhere"))
    said = run("up", "--for", "9s", "--scenario", "elder-call", VITALS_CATALOGUE="catalogue")
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "elder-call is played in hp.bansongyuan.g02.chunjiang" in said.stderr


def test_the_contract_is_written_out(run: Run, tmp_path: Path) -> None:
    said = run("schema", "export", "contract")
    assert said.exit_code == 0
    written = {path.name for path in (tmp_path / "contract").iterdir()}
    assert {Path(line).name for line in said.stdout.split()} == written
    assert "asyncapi.json" in written


def test_a_contract_that_cannot_be_written_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = run("schema", "export", "file/contract")
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)


def test_a_registry_file_is_checked_without_servers(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(REGISTRY)
    said = run("registry", "check", "r.yaml", "--alone")
    assert (said.exit_code, said.stdout) == (0, "well: 1 units, 1 devices, 0 teams, 0 gateways, 0 rules\n")


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("LAeq", "Laeq", "device d1: the catalogue has no quantity Laeq"),
        ("unit_id: hp.a.g01.b, quantities", "unit_id: hp.a.g01.c, quantities", "device d1: unknown unit hp.a.g01.c"),
        ("kind: shops", "kind: castle", "castle"),
        ("interval_s: 10", "interval_s: -1", "interval_s"),
    ],
)
def test_a_check_says_what_is_wrong_with_a_registry_file(
    right: str, wrong: str, why: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "r.yaml").write_text(REGISTRY.replace(right, wrong))
    said = run("registry", "check", "r.yaml", "--alone")
    assert said.exit_code == 1
    assert why in said.stderr


def test_a_fault_of_our_own_has_an_exit_code_of_its_own() -> None:
    @click.command()
    @with_settings
    def divide(_: Settings) -> None:
        raise ZeroDivisionError

    said = CliRunner().invoke(divide)
    assert said.exit_code == 70
    assert "ZeroDivisionError" in said.stderr


def test_without_a_command_it_shows_what_there_is(run: Run) -> None:
    said = run()
    assert said.exit_code == 0
    assert "vitals up --for 90s" in said.stdout
