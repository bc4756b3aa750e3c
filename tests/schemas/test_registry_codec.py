"""Registry records and registry files."""

from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.examples import DEVICE, GATEWAY, REGISTRY_FILE, TEAM, UNIT, UNIT_ID
from schemas.files import FileFormatError
from schemas.refusals import RefusedError
from schemas.registry import RegistryFile, Unit, Zone
from schemas.registry_codec import (
    check_registry,
    decode_device,
    decode_gateway,
    decode_team,
    decode_unit,
    encode_entry,
    id_of,
    read_registry,
)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        read_registry(path)
    return str(caught.value)


def test_records_are_read_as_they_were_written() -> None:
    assert decode_device(encode_entry(DEVICE)) == DEVICE
    assert decode_unit(encode_entry(UNIT)) == UNIT
    assert decode_team(encode_entry(TEAM)) == TEAM
    assert decode_gateway(encode_entry(GATEWAY)) == GATEWAY


def test_a_record_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(RefusedError):
        decode_gateway(b'{"gateway_id":"g","districts":["hp"],"secret":"x"}')


def test_the_key_of_a_record_is_its_own_id() -> None:
    assert [id_of(entry) for entry in (DEVICE, UNIT, TEAM, GATEWAY)] == [
        "hp-lift-000001", UNIT_ID, "hp-lift-team-1", "gw-hp-01",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_a_yaml_file_is_read(tmp_path: Path, suffix: str) -> None:
    text = yaml.safe_dump(msgspec.to_builtins(REGISTRY_FILE), allow_unicode=True)
    assert read_registry(written(tmp_path, f"r.{suffix}", text)) == REGISTRY_FILE


def test_a_time_without_quotes_in_yaml_is_a_time(tmp_path: Path) -> None:
    text = f"""
    units:
      - {{unit_id: {UNIT_ID}, kind: building, name_zh: 楼, name_en: House, valid_from: 2026-01-01T08:00:00+08:00}}
      - {{unit_id: {UNIT_ID}, kind: building, name_zh: 楼, name_en: House, valid_from: 2026-02-01}}
    """
    registry = read_registry(written(tmp_path, "r.yaml", text))
    assert [unit.valid_from for unit in registry.units] == ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]


LINES = f"""
{{"kind":"device","device_id":"d1","unit_id":"{UNIT_ID}","quantities":["pm25"],"interval_s":10}}

{{"kind":"unit","unit_id":"{UNIT_ID}","unit_kind":"building","name_zh":"楼","name_en":"House"}}
{{"device_id":"d2","unit_id":"{UNIT_ID}","quantities":["pm25"],"interval_s":10}}
{{"unit_id":"hp.a.g01.b","kind":"block","name_zh":"坊","name_en":"Block"}}
{{"kind":"gateway","gateway_id":"g1","districts":["hp"]}}
{{"team_id":"t1","skills":["lift"],"tier":"unit","home_unit":"hp.a.g01.b"}}
"""


def test_a_line_says_what_it_is_by_its_kind_or_by_its_id(tmp_path: Path) -> None:
    registry = read_registry(written(tmp_path, "r.jsonl", LINES))
    assert [id_of(device) for device in registry.devices] == ["d1", "d2"]
    assert [(unit.unit_id, unit.kind) for unit in registry.units] == [(UNIT_ID, "building"), ("hp.a.g01.b", "block")]
    assert [team.team_id for team in registry.teams] == ["t1"]
    assert [gateway.gateway_id for gateway in registry.gateways] == ["g1"]


BAD_FILES = {
    "a bad line": ("r.jsonl", '{"kind":"gateway","gateway_id":"g","districts":["hp"]}\n{"kind":"gateway"', "line 2"),
    "a line of an unknown kind": ("r.jsonl", '{"kind":"lamp"}', "line 1: kind must be one of"),
    "a line that is no object": ("r.jsonl", "5", "line 1"),
    "a deep line": ("r.jsonl", "[" * 1_000, "line 1: undecodable"),
    "a line with a wrong field": ("r.jsonl", '{"kind":"gateway","gateway_id":"g g","districts":["hp"]}', "gateway_id"),
    "no YAML": ("r.yaml", "units: [", "not YAML"),
    "a list": ("r.yaml", "- 1", "must hold lists"),
    "an empty file": ("r.yaml", "", "must hold lists"),
    "an unknown list": ("r.yaml", "lamps: []", "unknown list 'lamps'"),
    "a list that is none": ("r.yaml", "units: 5", "units must be a list"),
    "a wrong entry": ("r.yaml", "gateways: [{gateway_id: g, districts: [hp]}, {gateway_id: g}]", "gateways[1]"),
    "an id that comes twice": (
        "r.yaml", "gateways: [&g {gateway_id: g, districts: [hp]}, *g]", "gateway g: comes twice",
    ),
    "an unknown unit": (
        "r.yaml", "devices: [{device_id: d, unit_id: u, quantities: [q], interval_s: 1}]", "device d: unknown unit u",
    ),
    "an unknown home": (
        "r.yaml", "teams: [{team_id: t, skills: [s], tier: grid, home_unit: u}]", "team t: unknown home_unit u",
    ),
    "a day that is none": (
        "r.yaml", "gateways: [{gateway_id: g, districts: [hp], valid_from: '2026-02-30T00:00:00Z'}]",
        "gateway g: valid_from",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_place_and_reason(tmp_path: Path, name: str, text: str, said: str) -> None:
    message = complaint(written(tmp_path, name, text))
    assert message.startswith(f"{tmp_path / name}: ")
    assert said in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: No such file or directory"


def test_devices_may_belong_to_units_that_are_known_already(tmp_path: Path) -> None:
    path = written(tmp_path, "r.jsonl", encode_entry(DEVICE).decode())
    assert read_registry(path, known_units={UNIT_ID}).devices == (DEVICE,)


def test_a_zone_must_be_one_of_the_units() -> None:
    device = msgspec.structs.replace(DEVICE, zone_id="elsewhere")
    assert check_registry(RegistryFile(units=(UNIT,), devices=(device,))) == [
        f"device hp-lift-000001: unit {UNIT_ID} has no zone elsewhere"
    ]


def test_a_zone_may_come_once() -> None:
    unit = msgspec.structs.replace(UNIT, zones=UNIT.zones * 2)
    assert check_registry(RegistryFile(units=(unit,))) == [f"unit {UNIT_ID}: a zone_id comes twice"]


def test_a_record_may_follow_another_from_a_later_time_on() -> None:
    later = msgspec.structs.replace(UNIT, valid_from="2026-03-01T00:00:00Z")
    assert check_registry(RegistryFile(units=(UNIT, later))) == []


def reads_or_complains(path: Path) -> bool:
    try:
        return isinstance(read_registry(path), RegistryFile)
    except FileFormatError:
        return True


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=80) | st.text(alphabet="units: []{},-&*!'\n1", max_size=40).map(str.encode))
@pytest.mark.parametrize("name", ["r.yaml", "r.jsonl"])
def test_any_file_is_read_or_refused(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    assert reads_or_complains(tmp_path / name)


def test_units_and_zones_have_outlines_that_close() -> None:
    square = ((121.48, 31.23), (121.49, 31.23), (121.49, 31.24), (121.48, 31.23))
    zone = Zone(zone_id="z", area_m2=1.0, geometry=square)
    unit = Unit(unit_id="hp.a.g01.b", kind="building", name_zh="楼", name_en="b", zones=(zone,), geometry=square)
    assert check_registry(RegistryFile(units=(unit,))) == []
    assert decode_unit(encode_entry(unit)) == unit
    bad = msgspec.structs.replace(unit, geometry=(*square[:3], (121.0, 31.0)))
    assert check_registry(RegistryFile(units=(bad,))) == [
        "unit hp.a.g01.b: geometry must end with its first point, and have three corners or more"
    ]
