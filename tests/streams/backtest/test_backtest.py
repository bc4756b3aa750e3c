"""Backtests: files are read whole or refused with line and reason, scores are written whole, rules are compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from streams.catalogue.files import CATALOGUE_FOLDER
from streams.cli import main

HEADER = "timestamp,value\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["backtest", *map(str, arguments)], prog_name="vitals")


def rows(count: int, seed: int = 1) -> list[str]:
    """Return lines of a noisy daily course, one every five minutes, with one gross outlier near the end."""
    values = 50 + 10 * np.sin(np.arange(count) / 288 * 2 * np.pi) + np.random.default_rng(seed).normal(0, 1, count)
    values[int(count * 0.9)] = 150.0
    start = np.datetime64("2014-04-01T00:00:00")
    return [f"{str(start + 300 * i).replace('T', ' ')},{value:.4f}\n" for i, value in enumerate(values.tolist())]


def scores_of(path: Path) -> list[tuple[str, float]]:
    header, *lines = path.read_text().splitlines()
    assert header == "timestamp,anomaly_score"
    return [(line.split(",")[0], float(line.split(",")[1])) for line in lines]


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + "".join(rows(900)))
    return path


@pytest.mark.parametrize("detector", ["novelty", "fused"])
def test_each_row_has_a_score_under_its_own_time(counts: Path, tmp_path: Path, detector: str) -> None:
    done = run("series", counts, "--scores", tmp_path / "out/s.csv", "--detector", detector)
    assert done.exit_code == 0, done.output
    found = scores_of(tmp_path / "out/s.csv")
    assert [stamp for stamp, _ in found] == [line.split(",")[0] for line in rows(900)]
    assert all(0 <= score <= 1 for _, score in found)
    if detector == "novelty":
        assert max(found, key=lambda one: one[1])[0] == rows(900)[810].split(",")[0]


@pytest.mark.parametrize("detector", ["novelty", "fused"])
def test_what_comes_later_changes_no_score(tmp_path: Path, detector: str) -> None:
    for name, count in (("whole", 700), ("first", 400)):
        (tmp_path / f"{name}.csv").write_text(HEADER + "".join(rows(700)[:count]))
        run("series", tmp_path / f"{name}.csv", "--scores", tmp_path / f"{name}.out", "--detector", detector)
    assert scores_of(tmp_path / "whole.out")[:400] == scores_of(tmp_path / "first.out")


def test_labels_say_what_was_found_and_a_picture_is_drawn(counts: Path, tmp_path: Path) -> None:
    stamps = [line.split(",")[0] for line in rows(900)]
    (tmp_path / "labels.json").write_text(json.dumps([[stamps[800], stamps[820]]]))
    done = run(
        "series", counts, "--scores", tmp_path / "s.csv", "--labels", tmp_path / "labels.json",
        "--picture", tmp_path / "p.png", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["rows"], said["windows"], said["found"], said["median_delay"]) == (900, 1, 1, 10.0)
    assert 0 < said["vus_pr"] <= 1
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_lines_of_readings_are_scored_by_name(tmp_path: Path) -> None:
    lines = [
        json.dumps({"device_id": device, "quantity": "LAeq", "value": 50 + i % 7, "time": f"2026-01-01T00:{i:02}:00Z"})
        for i in range(60)
        for device in ("d1", "d2")
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(lines) + "\n")
    assert run("series", tmp_path / "r.jsonl", "--name", "d1/LAeq", "--scores", tmp_path / "s.csv").exit_code == 0
    assert len(scores_of(tmp_path / "s.csv")) == 60
    missing = run("series", tmp_path / "r.jsonl", "--name", "d3/LAeq", "--scores", tmp_path / "t.csv")
    assert (missing.exit_code, "no reading of d3/LAeq" in missing.stderr) == (2, True)
    (tmp_path / "bad.jsonl").write_text(lines[0] + "\n[" + "\n")
    bad = run("series", tmp_path / "bad.jsonl", "--name", "d1/LAeq", "--scores", tmp_path / "t.csv")
    assert (bad.exit_code, "bad.jsonl, line 2: undecodable" in bad.stderr) == (2, True)
    (tmp_path / "long.jsonl").write_text("[" + " " * 2_000_000)
    long = run("series", tmp_path / "long.jsonl", "--name", "d1/LAeq", "--scores", tmp_path / "t.csv")
    assert (long.exit_code, "long.jsonl, line 1: too_large" in long.stderr) == (2, True)
    unnamed = run("series", tmp_path / "r.jsonl", "--scores", tmp_path / "t.csv")
    assert (unnamed.exit_code, "--name DEVICE/QUANTITY" in unnamed.stderr) == (2, True)


BAD = {
    "no columns": ("time,value\n1,2\n", "must name the columns timestamp and value"),
    "no time": (HEADER + "2014-04-01 00:00:00,1\nyesterday,2\n", "line 3: timestamp 'yesterday' is no ISO 8601 time"),
    "no number": (HEADER + "2014-04-01 00:00:00,many\n", "line 2: value 'many' is no finite number"),
    "not finite": (HEADER + "2014-04-01 00:00:00,nan\n", "line 2: value 'nan' is no finite number"),
    "no value": (HEADER + "2014-04-01 00:00:00\n", "line 2: value None is no finite number"),
    "no row": (HEADER, "there is no row"),
    "too long": (HEADER + "x" * 70_000 + "\n", "line 2: longer than 65536 characters"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_line_and_reason_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    content, said = BAD[case]
    (tmp_path / "bad.csv").write_text(content)
    done = run("series", tmp_path / "bad.csv", "--scores", tmp_path / "s.csv")
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]


def test_bad_labels_are_refused(counts: Path, tmp_path: Path) -> None:
    for content, said in (
        ('[["2020-01-01 00:00:00", "2020-01-02 00:00:00"]]', "window 1: no row lies between"),
        ("[1]", "window 1: must be [from, to]"),
        ("{}", "must be a list of [from, to]"),
        ("[", "cannot be read"),
    ):
        (tmp_path / "labels.json").write_text(content)
        done = run("series", counts, "--scores", tmp_path / "s.csv", "--labels", tmp_path / "labels.json")
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_the_benchmark_is_written_file_by_file_and_scored_by_its_labels(tmp_path: Path) -> None:
    windows: dict[str, list[list[str]]] = {}
    for folder, name in (("realA", "one.csv"), ("realB", "two.csv")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        lines = rows(1_000, seed=len(windows) + 1)
        (tmp_path / "data" / folder / name).write_text(HEADER + "".join(lines))
        windows[f"{folder}/{name}"] = [[lines[880].split(",")[0] + ".000000", lines[920].split(",")[0] + ".000000"]]
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/combined_windows.json").write_text(json.dumps(windows))
    done = run("nab", "--data", tmp_path, "--scores", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.csv")) == sorted(windows)
    assert len(scores_of(tmp_path / "out/realA/one.csv")) == 1_000
    standard = next(line for line in done.stdout.splitlines() if line.startswith("standard"))
    assert float(standard.split()[1]) > 80
    empty = run("nab", "--data", tmp_path / "labels", "--scores", tmp_path / "out")
    assert (empty.exit_code, "holds no <folder>/<file>.csv" in empty.stderr) == (2, True)


def test_a_change_of_levels_says_which_alerts_are_new_and_which_are_gone(tmp_path: Path) -> None:
    for name in ("old", "new"):
        folder = tmp_path / name
        for path in CATALOGUE_FOLDER.rglob("*.yaml"):
            target = folder / path.relative_to(CATALOGUE_FOLDER)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text()
            target.write_text(text.replace("yellow: 2500", "yellow: 3500") if name == "new" else text)
    values = [0, 3_000, 0, 0, 0, 4_000, 0, 0, 0, 6_000, 0, 0]
    lines = [
        json.dumps({"device_id": "d1", "quantity": "ch4", "value": value, "time": f"2026-01-01T{hour:02}:00:00Z"})
        for hour, value in enumerate(values)
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(lines) + "\n")
    done = run("rules", tmp_path / "old", tmp_path / "new", "--data", tmp_path / "r.jsonl", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    days = 11 / 24
    assert (said["before_per_day"], said["after_per_day"]) == (pytest.approx(3 / days), pytest.approx(2 / days))
    assert (len(said["new"]), [one["level"] for one in said["gone"]]) == (0, [2])
    back = run("rules", tmp_path / "new", tmp_path / "old", "--data", tmp_path / "r.jsonl")
    assert "new: 1\n  2026-01-01T01:00:00Z d1/ch4 level 2\ngone: 0\n" in back.stdout
