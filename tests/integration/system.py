"""A running deployment as child processes: worker, store and ticker on servers given, and commands beside them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
from aiokafka import ConsumerRecord

from schemas import channels
from streams.kafka import topic_name
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.newest import events
from streams.settings import Settings
from streams.work import environment_of

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class System:
    """Settings of all its processes, and a folder of their own."""

    settings: Settings
    folder: Path

    def environment(self) -> dict[str, str]:
        return os.environ | environment_of(self.settings) | {"PYTHONPATH": str(ROOT)}

    def run(self, *arguments: str, given: str = "", timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run one command of ``vitals`` to its end."""
        command = [sys.executable, "-m", "streams.cli", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(), input=given,
            capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def topic(self, name: str) -> str:
        return topic_name(self.settings, name)

    def balance(self) -> dict[str, Any]:
        """Return the balance, waited for."""
        done = self.run("balance", "--json", "--wait", "60")
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def line(self, topic: str, partition: int) -> dict[str, int]:
        """Return the balance of one source partition."""
        lines = {(one["topic"], one["partition"]): one for one in self.balance()["by_partition"]}
        found: dict[str, int] = lines[topic, partition]
        return found

    def stage_pids(self) -> dict[str, int]:
        """Return the pid of each stage that lives."""
        found = json.loads((self.folder / "worker.json").read_text())["stages"]
        return {name: pid for name, pid in found.items() if psutil.pid_exists(pid)}

    async def dead_letters(self) -> list[ConsumerRecord[bytes, bytes]]:
        return [record async for record in events(self.settings, channels.DEAD_LETTERS)]


@contextmanager
def running_system(
    kafka: LocalKafka, influx: LocalInflux | None, folder: Path, namespace: str, **given: Any
) -> Iterator[System]:
    """Run until the block ends; ready when it begins. Without InfluxDB it stores into DuckDB."""
    settings = Settings(
        kafka=kafka.bootstrap,
        store=f"duckdb://{folder}/vitals.duckdb" if influx is None else influx.url.replace("http://", "influxdb://"),
        namespace=namespace,
        data=str(folder),
        checkpoint_s=1.0,
        clock_scale=6.0,  # windows of 10 s
        disorder_s=2.0,
        metrics_port=free_port(),
        store_port=free_port(),
        bridge_port=free_port(),
        **given,
    )
    system = System(settings=settings, folder=folder)
    made = system.run("topics", "create")
    assert made.returncode == 0, made.stderr
    children = []
    try:
        for name in ("worker", "store", "ticker"):
            with (folder / f"{name}.log").open("ab") as log:
                command = [sys.executable, "-m", "streams.cli", name]
                children.append(
                    subprocess.Popen(command, cwd=folder, env=system.environment(), stdout=log, stderr=log)
                )  # fmt: skip
        _wait_until_ready(settings)
        yield system
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            child.wait(timeout=60)


def _wait_until_ready(settings: Settings) -> None:
    deadline = time.monotonic() + READY_SECONDS
    for port in (settings.metrics_port, settings.store_port):
        while not is_ready(f"http://{settings.host}:{port}/readyz"):
            assert time.monotonic() < deadline, f"not ready after {READY_SECONDS} s; see {settings.data}"
            time.sleep(0.2)


def is_ready(url: str) -> bool:
    """Whether a health address says yes."""
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback, http
            return int(answer.status) == 200
    except OSError:
        return False
