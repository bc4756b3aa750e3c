"""The page `docs/first-gateway.md`, command by command, as a new user types them; and the page in the end."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/first-gateway.md"
BLOCK = re.compile(r"```sh(?P<kind>[^\n]*)\n(?P<commands>.*?)```", re.DOTALL)
READY_SECONDS = 90.0
SHOWN_SECONDS = 60.0


@contextmanager
def living_city(folder: Path) -> Iterator[None]:
    """Run what `make up` runs, with windows of 10 s, until the block ends."""
    command = [sys.executable, "-m", "streams.cli", "up", "--devices", "200", "--clock-scale", "6"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "up.log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "ready after" not in (folder / "up.log").read_text():
            assert running.poll() is None, (folder / "up.log").read_text()
            assert time.monotonic() < deadline, (folder / "up.log").read_text()
            time.sleep(0.3)
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def units_on_the_page(folder: Path) -> str:
    """Return what the console says of the new unit."""
    run = json.loads((folder / ".vitals/run.json").read_text())
    request = Request(
        f"http://{run['console']}/api/units/hp.bund.g01.my-house?mode=exercise",
        headers={"Authorization": f"Bearer {run['token']}"},
    )
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback, http
            return str(answer.read().decode())
    except HTTPError as error:
        return str(error)


def test_every_command_of_the_page_works_and_the_reading_is_on_the_page(tmp_path: Path) -> None:
    blocks = [(match["kind"].strip(), match["commands"]) for match in BLOCK.finditer(PAGE.read_text())]
    assert blocks[0][0] == "up"
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    with living_city(tmp_path):
        for kind, commands in blocks:
            if kind == "up":
                continue
            deadline = time.monotonic() + SHOWN_SECONDS
            while True:
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", commands], cwd=tmp_path, capture_output=True,
                    text=True, timeout=120, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
                )  # fmt: skip
                said = done.stdout + done.stderr
                assert done.returncode == 0, f"{commands}\n{said}"
                if "vitals trace" not in commands or said.count("stored: yes") == 2:
                    break
                assert time.monotonic() < deadline, said
        deadline = time.monotonic() + SHOWN_SECONDS
        while "air_temperature" not in units_on_the_page(tmp_path):
            assert time.monotonic() < deadline, units_on_the_page(tmp_path)
            time.sleep(1.0)
        shown = subprocess.run(
            [".venv/bin/python", "-m", "streams.cli", "unit", "my-house"], cwd=tmp_path, capture_output=True, text=True,
            timeout=60, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        ).stdout  # fmt: skip
    assert re.search(r"air_temperature\s+21\.5", shown), shown
