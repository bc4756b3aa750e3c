"""Stages as real processes that a test kills, stops, or lets run into a fail point or a planted fault."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from streams.local.process import free_port
from streams.settings import Settings
from streams.work import environment_of

ROOT = Path(__file__).resolve().parents[2]
FAIL_POINTS = ("before-effects", "after-effects", "after-blocks", "after-manifest", "after-commit", "in-recovery")
STORE = "store"
PLANTED = "tests.faults.planted"  # ``python -m tests.faults.planted FAULT --stages STAGE``: a worker with a fault


class Worker:
    """One stage (or the ``store``) as a child process; every process that it ever was is in ``pids``.

    Parameters
    ----------
    name
        Of its log file; two workers of one stage have two names.
    fault
        A planted fault (``tests/faults/planted.py``) that every start has.
    """

    def __init__(
        self, settings: Settings, stage: str, folder: Path, *, name: str | None = None, fault: str | None = None
    ) -> None:
        self.stage, self.name = stage, name or stage
        self.log_file = folder / f"{settings.namespace}-{self.name}.log"
        self.pids: list[int] = []
        self._settings, self._fault = settings, fault
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, fail_point: str | None = None) -> None:
        """Start it; ``fail_point`` (``after-blocks:3``) is where it will kill itself."""
        assert not self.is_alive, f"{self.name} runs already"
        environment = os.environ | environment_of(self._settings) | {"PYTHONPATH": str(ROOT)}
        if self.stage == STORE:
            environment["VITALS_STORE_PORT"] = str(free_port())
        if fail_point is not None:
            environment["VITALS_FAIL_POINT"] = fail_point
        with self.log_file.open("ab") as log:
            command = [sys.executable, "-m", *self._arguments()]
            self._process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        self.pids.append(self._process.pid)

    def _arguments(self) -> list[str]:
        if self.stage == STORE:
            return ["streams.cli", "store"]
        module = ["streams.cli", "worker"] if self._fault is None else [PLANTED, self._fault]
        return [*module, "--stages", self.stage, "--port", str(free_port())]

    @property
    def is_alive(self) -> bool:
        """Whether its process runs (or is stopped by a signal)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended (negative: by that signal), ``None`` while it runs."""
        return None if self._process is None else self._process.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the living process; it must not have died of something else before."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} had died: {self.log_tail()}"
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it as the kernel would: no goodbye, no checkpoint."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = 60.0) -> int:
        """Wait until it has ended; return its exit code."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def stop(self, seconds: float = 60.0) -> None:
        """End it with SIGTERM, if it lives; one that was stopped by a signal is let go on first."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def log_tail(self, size: int = 2_000) -> str:
        """Return the end of its log."""
        return self.log_file.read_text(errors="replace")[-size:]


class Part(Worker):
    """Another command that runs until it is told to stop: ``Part(settings, folder, "bridge", "http")``."""

    def __init__(self, settings: Settings, folder: Path, *arguments: str) -> None:
        super().__init__(settings, "", folder, name="-".join(arguments[:2]))
        self._given = arguments

    def _arguments(self) -> list[str]:
        return ["streams.cli", *self._given]


def memory_of(pid: int) -> int:
    """Return a process's resident memory in MiB."""
    return int(psutil.Process(pid).memory_info().rss) >> 20
