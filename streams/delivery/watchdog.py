"""The watchdog: log ahead and no progress for a minute, or a recovery past its deadline, ends the process.

It runs on a thread of its own, with a client of its own: a fold that never returns blocks the stage's event loop, and
must be seen all the same. A broker that does not answer is not the stage's fault, and not mended by starting it anew.
Code that never gives Python's lock back stops this thread too: then the interpreter's own alarm ends the process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.delivery.stalls import Stalls
from streams.delivery.worker import INTERNAL_ERROR, StageWorker
from streams.kafka import consumer, topic_name
from streams.settings import Settings

log = logging.getLogger(__name__)
PERIOD_SECONDS = 10.0
STUCK_SECONDS = 60.0
STARVED_SECONDS = 300.0  # of one partition while others move: in a backlog their turns may be far apart
RECOVERY_SECONDS = 300.0
LOOK_SECONDS = 10.0  # for the broker's answer
LAST_WORDS_SECONDS = 5.0
Place = tuple[str, int]  # source topic, partition


class Watchdog:
    """Watches one worker from ``start`` to ``stop``."""

    def __init__(self, settings: Settings, worker: StageWorker) -> None:
        self._settings, self._worker = settings, worker
        self._judging, self._saving = Stalls[Place](), Stalls[Place]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look, every ten seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; return at once."""
        self._stop.set()
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        ready = time.monotonic()  # when the worker was last ready, or could not be: no broker answered
        while not self._stop.wait(PERIOD_SECONDS):
            faulthandler.dump_traceback_later(STUCK_SECONDS + 3 * (PERIOD_SECONDS + LOOK_SECONDS), exit=True)
            positions, saved = self._worker.positions(), self._worker.saved()
            ends = asyncio.run(self._ends(positions))
            now = time.monotonic()
            if self._stop.is_set():
                break
            if ends is None:  # counted from when the broker answers again
                ready = now
                self._forget()
            elif self._worker.problem() is None:
                ready = now
                self._check(ends, positions, saved, now)
            else:
                self._forget()
                if now - max(ready, self._worker.last_progress) > RECOVERY_SECONDS:
                    self._end(f"not recovered within {RECOVERY_SECONDS:.0f} s")
        faulthandler.cancel_dump_traceback_later()

    def _check(
        self, ends: Mapping[Place, int], positions: Mapping[Place, int], saved: Mapping[Place, int], now: float
    ) -> None:
        judging, saving = self._judging.look(ends, positions, now), self._saving.look(positions, saved, now)
        if judging.all > STUCK_SECONDS:
            self._end(f"records wait and none was judged for {judging.all:.0f} s")
        if judging.longest > STARVED_SECONDS:
            self._end(f"records of one partition wait and none of them was judged for {judging.longest:.0f} s")
        if saving.all > STUCK_SECONDS + self._settings.checkpoint_s:
            self._end(f"no checkpoint has saved what was judged for {saving.all:.0f} s")

    def _forget(self) -> None:
        self._judging.forget()
        self._saving.forget()

    async def _ends(self, positions: Mapping[Place, int]) -> dict[Place, int] | None:
        """Return the log's ends, ``None`` where no broker tells them in time; a client that fails is not used again."""
        names = {TopicPartition(topic_name(self._settings, topic), p): (topic, p) for topic, p in positions}
        reader = consumer(self._settings)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await reader.start()
                return {names[tp]: end for tp, end in (await reader.end_offsets(list(names))).items()}
        except (KafkaError, OSError):  # a TimeoutError is an OSError
            return None
        except Exception:
            log.exception("watchdog: the log's ends are not known")
            return None
        finally:
            await asyncio.sleep(0)  # else a consumer that is stopped as soon as it has started is cancelled (aiokafka)
            with suppress(KafkaError, OSError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await reader.stop()

    def _end(self, why: str) -> NoReturn:
        faulthandler.dump_traceback_later(LAST_WORDS_SECONDS, exit=True)  # a log that blocks holds nothing up
        faulthandler.dump_traceback()  # where the stage is stuck
        where = {f"{topic}-{p}": offset for (topic, p), offset in self._worker.positions().items()}
        log.critical("watchdog: %s; next offsets %s; the process ends, its supervisor starts it anew", why, where)
        logging.shutdown()
        os._exit(INTERNAL_ERROR)
