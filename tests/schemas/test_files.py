"""Ground truth, mappings and run reports."""

from pathlib import Path

import msgspec
import pytest
import yaml

from schemas.examples import GROUND_TRUTH, MAPPING, RUN_REPORT, UNIT
from schemas.files import (
    FileFormatError,
    Mapping,
    read_ground_truth,
    read_mapping,
    read_report,
    write_ground_truth,
)


def mapping_file(folder: Path, **fields: object) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(msgspec.to_builtins(MAPPING) | fields, allow_unicode=True), encoding="utf-8")
    return path


def test_ground_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    near_miss = msgspec.structs.replace(GROUND_TRUTH, end=None, expect_colour=None, must_stay_silent=True)
    write_ground_truth(tmp_path / "truth.jsonl", [GROUND_TRUTH, near_miss])
    assert read_ground_truth(tmp_path / "truth.jsonl") == [GROUND_TRUTH, near_miss]


def test_a_bad_line_of_ground_truth_is_named(tmp_path: Path) -> None:
    write_ground_truth(tmp_path / "truth.jsonl", [GROUND_TRUTH])
    with (tmp_path / "truth.jsonl").open("a") as file:
        file.write('{"scenario": "x"}\n')
    with pytest.raises(FileFormatError, match=r"line 2: .*missing required field"):
        read_ground_truth(tmp_path / "truth.jsonl")


def test_a_mapping_is_read(tmp_path: Path) -> None:
    assert read_mapping(mapping_file(tmp_path)) == MAPPING


def test_a_mapping_of_crowd_counts_is_read(tmp_path: Path) -> None:
    path = mapping_file(
        tmp_path,
        target="vitals.crowd",
        device=None,
        zone="mel-{Sensor_ID}",
        source="gate",
        values=[{"column": "Hourly_Counts", "to": "people_in"}],
    )
    assert read_mapping(path).zone == "mel-{Sensor_ID}"


BAD_MAPPINGS: dict[str, tuple[dict[str, object], str]] = {
    "an unknown field": ({"colour": "red"}, "colour"),
    "an unknown time zone": ({"time_zone": "Mars/Olympus"}, "IANA"),
    "a time zone that is a path": ({"time_zone": "../../etc/passwd"}, "IANA"),
    "no time zone": ({"time_zone": ""}, "IANA"),
    "an unknown target": ({"target": "vitals.alerts"}, "target"),
    "readings of a zone": ({"device": None, "zone": "z"}, "takes device"),
    "readings of both": ({"zone": "z"}, "takes device"),
    "readings of nobody": ({"device": None}, "takes device"),
    "crowd rows of a device": ({"target": "vitals.crowd"}, "takes zone"),
    "crowd rows of a quantity": ({"target": "vitals.crowd", "device": None, "zone": "z"}, "pm25 is no field"),
    "no columns": ({"values": []}, "values"),
    "no period": ({"period_s": 0}, "period_s"),
}


@pytest.mark.parametrize(("fields", "said"), BAD_MAPPINGS.values(), ids=BAD_MAPPINGS)
def test_a_bad_mapping_is_refused_with_the_reason(tmp_path: Path, fields: dict[str, object], said: str) -> None:
    with pytest.raises(FileFormatError, match=said):
        read_mapping(mapping_file(tmp_path, **fields))


def test_a_mapping_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(b"name: [")
    with pytest.raises(FileFormatError, match=r"m\.yaml: while parsing"):
        read_mapping(tmp_path / "m.yaml")


def test_a_file_beyond_its_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.files.MAX_FILE_BYTES", 10)
    with pytest.raises(FileFormatError, match="larger than 10 bytes"):
        read_mapping(mapping_file(tmp_path))


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(msgspec.json.encode(RUN_REPORT))
    assert read_report(tmp_path / "report.json") == RUN_REPORT


def test_a_report_names_its_sums_as_the_design_does() -> None:
    report = msgspec.json.decode(msgspec.json.encode(RUN_REPORT))
    assert set(report) == {"readings", "readings_per_s", "latency_s", "alerts", "cases", "balance", "scenarios"}
    assert set(report["latency_s"]) == {"alert", "stored"}
    assert set(report["latency_s"]["alert"]) == {"p50", "p99", "p999"}
    assert set(report["cases"][0]) >= {"case_id", "scenario", "step", "tier", "steps"}
    line = "topic partition in judged late dead duplicate stored expired skipped store_dead lag"
    assert list(report["balance"]["by_partition"][0]) == line.split()
    assert set(report["scenarios"]) == {"precision", "recall"}


def test_a_mapping_needs_a_unit_to_be_registered() -> None:
    assert msgspec.convert(msgspec.to_builtins(MAPPING) | {"unit": msgspec.to_builtins(UNIT)}, Mapping).unit == UNIT
