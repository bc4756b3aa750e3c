"""What makes a stage: its name, its sources, and the state of a partition; the rest is the same for all three."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streams.delivery.records import PartitionState
from streams.registry.view import RegistryView
from streams.state.manifest import Counters


def _no_counters(_: PartitionState) -> Counters:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One Faust stage; topics are without namespace, all with the same number of partitions."""

    name: str
    sources: tuple[str, ...]
    registry_topics: tuple[str, ...]
    reads_registry_by_partition: bool  # only the registry partitions of the partitions held
    new_state: Callable[[int, RegistryView], PartitionState]
    counters: Callable[[PartitionState], Counters] = _no_counters
    watermark: Callable[[PartitionState], int] = lambda _: 0
    rows: Callable[[PartitionState], Mapping[tuple[str, str], int]] = lambda _: {}  # (topic, outcome), of the last fold
    refused: Callable[[PartitionState], Sequence[tuple[str, int]]] = lambda _: ()
