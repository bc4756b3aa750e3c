"""The database behind one small interface, so that InfluxDB and DuckDB are alike to the stage and to readers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.ids import Mode, is_id
from schemas.times import MAX_NS, MIN_NS
from streams.store.points import Block, Bucket, Measurement, Refusal

FIRST_PAUSE_S = 0.25
MAX_PAUSE_S = 30.0
MAX_LIMIT = 100_000


class QueryError(Exception):
    """A question that cannot be answered: what is wrong with it, for whoever asked."""


class UnavailableError(Exception):
    """The database does not answer at the moment: ask again later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Points of one measurement, oldest first unless ``newest_first``; ``name`` is its full name, with the quantity.

    ``last`` asks for the newest point of each series instead.
    """

    name: str
    measurement: Measurement
    mode: Mode = "actual"
    tags: Mapping[str, str] = field(default_factory=dict)
    start_ns: int = MIN_NS
    end_ns: int = MAX_NS
    limit: int = 1_000
    last: bool = False
    newest_first: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.tags) - set(self.measurement.tags)
        if unknown:
            raise QueryError(f"{self.name} has no tag {min(unknown)}; it has {', '.join(self.measurement.tags)}")
        wrong = [value for value in self.tags.values() if not is_id(value)]
        if wrong:
            raise QueryError(f"a tag's value must be an id, not {wrong[0][:40]!r}")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise QueryError(f"limit must be 1 to {MAX_LIMIT}, not {self.limit}")


class Database(Protocol):
    """Where points go. One point a key (measurement, tags, time): the same point twice is one."""

    def problem(self) -> str | None:
        """Say why it cannot be written to at the moment, or ``None``."""

    async def open(self) -> None:
        """Wait until it can be written to; buckets or tables are made where that is possible."""

    def retention_ns(self, bucket: Bucket) -> int | None:
        """Return how long a bucket keeps its points, ``None`` for ever."""

    async def write(self, bucket: Bucket, blocks: Sequence[Block]) -> list[Refusal]:
        """Write; return when all are stored but those returned. What may be retried is, for ever."""

    async def query(self, query: Query) -> list[dict[str, Any]]:
        """Return rows: ``time`` (ns), tags and fields by name."""

    async def close(self) -> None:
        """Let go of connections and files."""


def pause_seconds(attempt: int, at_least: float = 0.0) -> float:
    """Return how long to wait before try ``attempt + 1``: doubling up to 30 s, jittered, not before ``at_least``."""
    backoff = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt, 10))
    return max(at_least, backoff * random.uniform(0.5, 1.0))
