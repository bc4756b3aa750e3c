"""What a stage sees of Kafka: a record in, effects out. No Faust here, so that stages are tested without a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record of a source; ``topic`` is without namespace, ``append_ns`` the broker's LogAppendTime."""

    topic: str
    partition: int
    offset: int
    append_ns: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One record to send; ``topic`` is without namespace, ``partition`` ``None`` means by the key."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers = ()
    partition: int | None = None


class PartitionState(Protocol):
    """All that a stage knows of one partition number, over all its source topics.

    ``fold`` is pure but for this state: no clock, no network, no randomness. Equal records give equal effects.
    """

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        """Judge records in log order (of each topic); return the effects, in the order to send them."""

    def changed_blocks(self) -> dict[str, bytes]:
        """Return the blocks that changed since the last call, encoded, by name; what was returned counts as saved.

        An empty block is gone: ``restore`` must not be given it.
        """

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        """Take the state that ``changed_blocks`` wrote, newest of each name; ``StateFormatError`` if another's."""


class StateFormatError(Exception):
    """A state block is of another format version, or damaged: it is refused, never misread."""
