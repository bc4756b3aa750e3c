"""CONTRIBUTING.md's walk-through, done as it stands: its files go into a copy, and the test there is run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "deploy/catalogue", "schemas", "detectors", "streams", "simulators", "tests/scenarios", "tests/streams/delivery"
)  # fmt: skip
BLOCK = re.compile(r"`(?P<path>[a-z_/.-]+)`\n\n```(?:yaml|python)\n(?P<text>.*?)```", re.DOTALL)


def test_a_scenario_takes_a_catalogue_entry_a_simulator_file_and_its_test(tmp_path: Path) -> None:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = {block["path"]: block["text"] for block in BLOCK.finditer(guide)}
    assert sorted(path.partition("/")[0] for path in files) == ["deploy", "simulators", "tests"]
    for path, text in files.items():
        assert not (ROOT / path).exists()
        (tmp_path / path).write_text(text, encoding="utf-8")
    test = next(path for path in files if path.startswith("tests/"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
        test,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-1_000:]
    assert "1 passed" in done.stdout
