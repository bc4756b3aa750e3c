"""Removes what lies in a state topic before the blocks that manifests of the last hour name."""

from __future__ import annotations

import logging
import time

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.kafka import admin, topic_name
from streams.settings import Settings
from streams.topics import state_topic

log = logging.getLogger(__name__)
EVERY_SECONDS = 300.0


class Trimmer:
    """Trims now and then; where the broker cannot, the topic grows, and that is said once."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self._settings, self._topic = settings, topic_name(settings, state_topic(stage))
        self._admin: AIOKafkaAdminClient | None = None
        self._last = time.monotonic()
        self._is_able = True

    async def trim(self, below: dict[int, int]) -> None:
        """Delete the records below these offsets (by partition), at most every five minutes."""
        if not self._is_able or time.monotonic() - self._last < EVERY_SECONDS:
            return
        self._last = time.monotonic()
        wanted = {TopicPartition(self._topic, p): RecordsToDelete(before_offset=o) for p, o in below.items() if o > 0}
        if not wanted:
            return
        try:
            if self._admin is None:
                self._admin = admin(self._settings)
                await self._admin.start()
            await self._admin.delete_records(wanted)
        except KafkaError as error:
            log.warning("state topic %s could not be trimmed and grows: %s", self._topic, error)

    async def stop(self) -> None:
        """Close the connection."""
        if self._admin is not None:
            await self._admin.close()
