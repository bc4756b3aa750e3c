"""Sends with every confirmation awaited: a bounded number on their way, each repeated until the broker has it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka.errors import KafkaError

from simulators.outgoing import Outgoing

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 1_000
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0


@dataclass(kw_only=True)
class Sent:
    """What the broker confirmed, by topic; copies of a record count again in ``records`` and in ``copied_rows``."""

    rows: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    copied_rows: Counter[str] = field(default_factory=Counter)
    unconfirmed_rows: Counter[str] = field(default_factory=Counter)  # given up at the end: the broker may have them


class Producer(Protocol):
    """What we need of ``AIOKafkaProducer``."""

    async def send(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> Awaitable[object]:
        """Put a record on its way; awaiting the result is its confirmation."""


class Sender:
    """Publish records with a ready producer; what fails is sent again with the same ``ce_id``.

    Parameters
    ----------
    producer
        Started (``AIOKafkaProducer``); it chooses the partition by the key (murmur2).
    topic_name
        From a topic of the table to the broker's name of it.
    pause
        How to wait between two tries.
    """

    def __init__(
        self,
        producer: Producer,
        topic_name: Callable[[str], str],
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.sent = Sent()
        self._producer = producer
        self._topic_name = topic_name
        self._room = asyncio.Semaphore(max_in_flight)
        self._pause = pause
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def send(self, record: Outgoing) -> None:
        """Put a record, and its copies, on their way; waits while too many are."""
        for copy in range(record.copies):
            await self._room.acquire()
            task = asyncio.create_task(self._deliver(record, is_copy=copy > 0))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        """Wait until each record on its way is confirmed, however long that takes."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def drain(self) -> None:
        """Wait until each record on its way is confirmed; one that fails now is tried once more, then given up."""
        self._is_closing = True
        await self.flush()

    async def _deliver(self, record: Outgoing, *, is_copy: bool) -> None:
        wait_s = FIRST_WAIT_S
        try:
            while not await self._is_confirmed(record):
                if self._is_closing and wait_s > FIRST_WAIT_S:
                    self.sent.unconfirmed_rows[record.topic] += record.rows
                    return
                await self._pause(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            self.sent.records[record.topic] += 1
            (self.sent.copied_rows if is_copy else self.sent.rows)[record.topic] += record.rows
        finally:
            self._room.release()

    async def _is_confirmed(self, record: Outgoing) -> bool:
        try:
            confirmation = await self._producer.send(
                self._topic_name(record.topic), value=record.value, key=record.key, headers=list(record.headers)
            )
            await confirmation
        except KafkaError as error:
            log.warning("%s not confirmed, sent again: %s", record.topic, error)
            return False
        return True
