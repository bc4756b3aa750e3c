"""Judge what sensors, counters and cameras of each unit say: quality, anomalies, vital signs.

Reads   vitals.readings, vitals.crowd, vitals.video, vitals.reports      (key: unit_id)
Writes  vitals.judged, vitals.indicators, vitals.anomalies, vitals.unit-scores, vitals.late, vitals.dead-letters
State   vitals.state.sense, checkpointed every 10 s
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.times import SECOND_NS
from streams.delivery.records import PartitionState
from streams.delivery.stage import Stage
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.settings import Settings
from streams.state.manifest import Counters
from streams.topics import STAGE_SOURCES


def sense_stage(settings: Settings, catalogue: Catalogue) -> Stage:
    """Return the stage."""

    def new_state(partition: int, registry: RegistryView) -> SensePartition:
        return SensePartition(
            partition,
            catalogue,
            registry,
            pace=Pace(settings.clock_scale),
            disorder_ns=round(settings.disorder_s * SECOND_NS),
            grace_ns=round(settings.grace_s * SECOND_NS),
        )

    return Stage(
        name="sense",
        sources=STAGE_SOURCES["sense"],
        registry_topics=(
            channels.REGISTRY_DEVICES,
            channels.REGISTRY_UNITS,
            channels.REGISTRY_GATEWAYS,
            channels.REGISTRY_RULES,
        ),
        reads_registry_by_partition=True,
        new_state=new_state,
        counters=_counters,
        watermark=lambda state: cast("SensePartition", state).watermark,
        rows=lambda state: cast("SensePartition", state).rows,
        refused=_refused,
    )


def _counters(state: PartitionState) -> Counters:
    return {topic: dict(counts) for topic, counts in cast("SensePartition", state).counters.items()}


def _refused(state: PartitionState) -> Sequence[tuple[str, int]]:
    return [(reason.value, count) for reason, count in cast("SensePartition", state).refused.items()]
