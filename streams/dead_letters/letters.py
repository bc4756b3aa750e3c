"""Dead letters as they lie in Kafka: read once each, chosen by a filter, and which of them were sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiokafka import ConsumerRecord, TopicPartition

from schemas import channels
from schemas.dead_letters import DeadLetter, read_dead_letter
from schemas.refusals import Reason
from schemas.times import parse_time
from streams.kafka import consumer, topic_name
from streams.provision import require_topics
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One dead letter; ``headers`` are those of the record that was refused, ``key`` its key."""

    dead: DeadLetter
    key: bytes | None
    headers: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which letters; what is ``None`` chooses all."""

    reason: Reason | None = None
    topic: str | None = None
    partition: int | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    text: str | None = None  # in the value, the detail or the key: a device, a unit

    def chooses(self, letter: Letter) -> bool:
        """Whether a letter is one of those."""
        dead, time_ns = letter.dead, parse_time(letter.dead.time)
        return (
            self.reason in {None, dead.reason}
            and self.topic in {None, dead.topic}
            and self.partition in {None, dead.partition}
            and (self.since_ns is None or time_ns >= self.since_ns)
            and (self.until_ns is None or time_ns < self.until_ns)
            and (self.text is None or _holds(letter, self.text))
        )


def _holds(letter: Letter, text: str) -> bool:
    raw = text.encode()
    return raw in letter.dead.value or raw in (letter.key or b"") or text in letter.dead.detail


async def read_letters(settings: Settings, chosen: Filter) -> AsyncIterator[Letter]:
    """Yield the letters that are there now, each once, however often a stage sent it again after a crash.

    Raises
    ------
    SettingsError
        The topic is not there.
    """
    seen: set[str] = set()
    async for record in _read(settings, channels.DEAD_LETTERS):
        headers = dict(record.headers)
        try:
            dead = read_dead_letter(headers, record.value)
        except ValueError:
            continue  # somebody else's record
        rest = {name: raw for name, raw in headers.items() if not name.startswith("dl_")}
        letter = Letter(dead=dead, key=record.key, headers=rest)
        if letter.dead.ident not in seen and chosen.chooses(letter):
            seen.add(letter.dead.ident)
            yield letter


async def read_replayed(settings: Settings) -> dict[str, str]:
    """Return the letters that were sent again: ident -> when (RFC 3339)."""
    found = {}
    async for record in _read(settings, channels.DEAD_LETTERS_REPLAYED):
        found[(record.key or b"").decode(errors="replace")] = (record.value or b"").decode(errors="replace")
    return found


async def _read(settings: Settings, topic: str) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    await require_topics(settings, topic)
    reader = consumer(settings)
    try:
        await reader.start()
        name = topic_name(settings, topic)
        async for record in read_to_end(reader, [TopicPartition(name, n) for n in range(partitions_of(topic))]):
            yield record
    finally:
        await reader.stop()
