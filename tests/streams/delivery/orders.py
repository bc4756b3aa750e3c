"""The orders in which a stage may be given its log: what must not change what comes of it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from streams.delivery.records import Record


def interleaved(logs: dict[str, list[Record]], seed: int) -> list[Record]:
    """Return the records of all topics, in some order that keeps each topic's own."""
    rng = random.Random(seed)
    queues = {topic: list(reversed(records)) for topic, records in logs.items()}
    merged: list[Record] = []
    while any(queues.values()):
        topic = rng.choice([topic for topic, queue in queues.items() if queue])
        for _ in range(rng.choice((1, 1, 3, 20))):  # some topics run far ahead
            merged += [queues[topic].pop()] if queues[topic] else []
    return merged


def batches(records: Sequence[Record], seed: int) -> list[list[Record]]:
    """Return the records in batches of random sizes."""
    rng = random.Random(seed)
    found: list[list[Record]] = []
    place = 0
    while place < len(records):
        size = rng.choice((1, 1, 2, 5, 50))
        found.append(list(records[place : place + size]))
        place += size
    return found
