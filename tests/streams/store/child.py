"""The store as a process, for tests that kill it."""

from __future__ import annotations

import asyncio
import signal

from streams.settings import load_settings
from streams.store.consumer import run_store


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_store(load_settings(), stop)


if __name__ == "__main__":
    asyncio.run(main())
