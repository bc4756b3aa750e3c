"""Child processes: started, started anew with backoff when they end by themselves, stopped by their own pids."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)
CHECK_SECONDS = 0.2
BACKOFF_SECONDS = (0.2, 1.0, 3.0, 10.0)
CALM_SECONDS = 60.0  # a child that ran this long starts anew without delay
GRACE_SECONDS = 20.0


@dataclass(slots=True)
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    is_kept: bool = True  # started anew when it ends
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float | None = None  # when it is to be started anew

    def start(self) -> None:
        """Start it, its output appended to its log."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | dict(self.environment) | {"VITALS_SUPERVISOR": str(os.getpid())}
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int | None:
        """Return its pid while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None


class Supervisor:
    """Keeps children alive until ``stop``."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def add(self, child: Child) -> Child:
        """Start a child and keep it."""
        child.start()
        self.children.append(child)
        return child

    async def watch(self) -> None:
        """Start anew what ended by itself, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for child in self.children:
                if child.is_kept and child.pid is None:
                    _start_anew(child, time.monotonic())

    async def stop(self, names: Sequence[str] | None = None) -> None:
        """Ask children to end, newest first, and wait for them; what does not end in time is killed."""
        chosen = [child for child in reversed(self.children) if names is None or child.name in names]
        for child in chosen:
            child.is_kept = False
            if child.pid is not None and child.process is not None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in chosen:
            if child.process is None:
                continue
            try:
                await asyncio.to_thread(child.process.wait, max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s did not end in %.0f s: killed", child.name, GRACE_SECONDS)
                child.process.kill()
                child.process.wait()


def _start_anew(child: Child, now: float) -> None:
    if child.due is None:
        if now - child.started > CALM_SECONDS:
            child.restarts = 0
        delay = BACKOFF_SECONDS[min(child.restarts, len(BACKOFF_SECONDS) - 1)]
        child.due = now + delay
        code = child.process.returncode if child.process is not None else None
        log.warning("%s ended with %s; started anew in %.1f s, see %s", child.name, code, delay, child.log_file)
    elif now >= child.due:
        child.due = None
        child.restarts += 1
        child.start()
