"""Raise, follow and end alerts of a district, and roll its scores up.

Reads   vitals.anomalies, vitals.unit-scores, vitals.actions      (key: district)
Writes  vitals.alerts, vitals.indicators, vitals.dead-letters
State   vitals.state.alert, checkpointed every 10 s
"""

from __future__ import annotations

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.times import SECOND_NS
from streams.alert.partition import AlertPartition
from streams.catalogue.timeline import Timeline
from streams.delivery.stage import Stage
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.topics import STAGE_SOURCES


def alert_stage(settings: Settings, catalogue: Catalogue) -> Stage:
    """Return the stage."""

    def new_state(partition: int, registry: RegistryView) -> AlertPartition:
        disorder_ns = round(settings.disorder_s * SECOND_NS)
        timeline = Timeline(catalogue, registry)
        return AlertPartition(
            partition, catalogue, Pace(settings.clock_scale), disorder_ns, registry.units, timeline=timeline
        )

    return Stage(
        name="alert",
        sources=STAGE_SOURCES["alert"],
        registry_topics=(channels.REGISTRY_UNITS, channels.REGISTRY_RULES),
        reads_registry_by_partition=False,
        new_state=new_state,
    )
