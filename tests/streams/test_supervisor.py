"""Children that end are started anew; children that are told to stop, stop."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from streams.supervisor import Child, Supervisor

FOREVER = "import time; time.sleep(600)"


async def until(condition: asyncio.Event, check: object) -> None:
    assert callable(check)
    for _ in range(100):
        if check():
            condition.set()
            return
        await asyncio.sleep(0.1)


async def test_a_killed_child_is_started_anew_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    supervisor = Supervisor()
    child = supervisor.add(Child("sleeper", [sys.executable, "-c", FOREVER], tmp_path / "sleeper.log"))
    watcher = asyncio.create_task(supervisor.watch())
    first = child.pid
    assert child.process is not None
    child.process.kill()
    came_back = asyncio.Event()
    await until(came_back, lambda: child.pid not in {None, first})
    assert came_back.is_set()
    await supervisor.stop()
    assert child.pid is None
    watcher.cancel()
    with suppress(asyncio.CancelledError):
        await watcher
