"""Real stages as real processes: started, killed with SIGKILL, watched until they have judged the whole log."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from schemas import channels
from schemas.codec import decode_indicator
from schemas.judged import decode_judged
from streams.local.process import free_port
from streams.newest import events
from streams.settings import Settings
from streams.state.manifest import Counters, read_manifests
from streams.work import environment_of

Place = tuple[str, int, int]  # source topic, partition, offset


class StageProcess:
    """One stage as a child process, started anew at will."""

    def __init__(self, settings: Settings, stage: str, log_file: Path) -> None:
        self._settings, self._stage, self._log_file = settings, stage, log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streams.cli", "worker", "--stages", self._stage, "--port", str(free_port())]
        environment = os.environ | environment_of(self._settings)
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill it as the kernel would: no goodbye, no checkpoint."""
        assert self._process is not None
        assert self._process.poll() is None, self._log_file.read_text()[-2_000:]
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)


async def judged_places(settings: Settings) -> list[Place]:
    """Return the source record of each record of ``vitals.judged``: one twice was judged again after a kill."""
    found = [decode_judged(record.value or b"") async for record in events(settings, channels.JUDGED)]
    return [(judged.source, judged.partition, judged.offset) for judged in found]


async def last_indicators(settings: Settings) -> dict[tuple[str, str, str, str], tuple[float, float, int, float]]:
    """Return value, score, n and coverage of the newest revision of each indicator and window."""
    newest: dict[tuple[str, str, str, str], tuple[int, tuple[float, float, int, float]]] = {}
    async for record in events(settings, channels.INDICATORS):
        one = decode_indicator(record.value or b"")
        key = (one.unit_id, one.indicator, one.mode, one.window_start)
        if key not in newest or one.revision >= newest[key][0]:
            newest[key] = one.revision, (one.value, one.score, one.n, one.coverage)
    return {key: values for key, (_, values) in newest.items()}


async def counters_of(settings: Settings) -> dict[int, Counters]:
    """Return sense's counters by partition."""
    return {n: manifest.counters for n, manifest in (await read_manifests(settings, "sense")).items()}


def total(counters: Iterable[Counters], name: str) -> int:
    """Return the sum of one counter over all partitions and topics."""
    return sum(counts[name] for by_topic in counters for counts in by_topic.values())
