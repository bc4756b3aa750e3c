"""Events that wait for the watermark: anomalies and actions of one partition, in an order that fetches cannot move."""

from __future__ import annotations

import heapq

import msgspec

from schemas.actions import Action
from schemas.anomalies import Anomaly
from streams.alert.blocks import BUCKETS, bucket_of, decode_block, encode_block
from streams.delivery.records import Record

PHASES = {"onset": 0, "update": 1, "clear": 2}
OrderKey = tuple[int, int, str, int, str]  # time, anomalies before actions, id, phase, mode


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record lay, and what it was: enough to put it to the dead letters later."""

    topic: str
    partition: int
    offset: int
    append_ns: int
    key: bytes | None
    value: bytes

    @classmethod
    def of(cls, record: Record) -> Origin:
        """Return the origin of a record."""
        return cls(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            append_ns=record.append_ns,
            key=record.key,
            value=record.value,
        )


class AnomalyArrived(msgspec.Struct, frozen=True, kw_only=True, tag="anomaly"):
    """One phase of an anomaly, at its event time."""

    time_ns: int
    anomaly: Anomaly

    @property
    def order(self) -> OrderKey:
        """Its place; two copies of one phase share it."""
        anomaly = self.anomaly
        return self.time_ns, 0, anomaly.id, PHASES[anomaly.phase], anomaly.mode


class ActionTaken(msgspec.Struct, frozen=True, kw_only=True, tag="action"):
    """What a person did, at its effective time: never before what had been settled when it was written."""

    time_ns: int
    action: Action
    origin: Origin

    @property
    def order(self) -> OrderKey:
        """Its place: actions of the same time follow in the order of their log."""
        return self.time_ns, 1, f"{self.origin.offset:020d}", 0, ""


Event = AnomalyArrived | ActionTaken


class Waiting:
    """The events that have arrived and are not settled, least first; a second copy of one changes nothing."""

    def __init__(self) -> None:
        self._events: dict[OrderKey, Event] = {}
        self._order: list[OrderKey] = []
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> bool:
        """Take an event; whether it was new."""
        order = event.order
        if order in self._events:
            return False
        self._events[order] = event
        heapq.heappush(self._order, order)
        self._dirty.add(bucket_of(order[2]))
        return True

    def next_ns(self) -> int | None:
        """Return the time of the least event."""
        return self._order[0][0] if self._order else None

    def pop(self) -> Event:
        """Remove and return the least event."""
        order = heapq.heappop(self._order)
        self._dirty.add(bucket_of(order[2]))
        return self._events.pop(order)

    def blocks(self, changed_only: bool) -> dict[str, bytes]:
        """Return the blocks by name; with ``changed_only`` those that changed since the last such call."""
        wanted = self._dirty if changed_only else set(range(BUCKETS))
        found: dict[int, list[Event]] = {bucket: [] for bucket in sorted(wanted)}
        for order in sorted(self._events):
            if (bucket := bucket_of(order[2])) in found:
                found[bucket].append(self._events[order])
        if changed_only:
            self._dirty = set()
        return {f"waiting-{bucket:02d}": encode_block(events) if events else b"" for bucket, events in found.items()}

    def restore(self, raw: bytes) -> None:
        """Add what one block holds."""
        for event in decode_block(raw, list[Event]):
            self.add(event)

    def settle_down(self) -> None:
        """Count all as saved: the end of a restore."""
        self._dirty = set()
