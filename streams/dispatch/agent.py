"""Follow every wrong thing of a district until a sensor proves that it was put right.

Reads   vitals.alerts, vitals.feedback      (key: district)
Writes  vitals.orders, vitals.dead-letters
State   vitals.state.dispatch, checkpointed every 10 s
"""

from __future__ import annotations

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.times import SECOND_NS
from streams.catalogue.timeline import Timeline
from streams.delivery.stage import Stage
from streams.dispatch.partition import DispatchPartition
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.topics import STAGE_SOURCES


def dispatch_stage(settings: Settings, catalogue: Catalogue) -> Stage:
    """Return the stage."""

    def new_state(partition: int, registry: RegistryView) -> DispatchPartition:
        disorder_ns = round(settings.disorder_s * SECOND_NS)
        pace = Pace(settings.clock_scale)
        timeline = Timeline(catalogue, registry)
        return DispatchPartition(
            partition, catalogue, pace, disorder_ns, registry.units, registry.teams, timeline=timeline
        )

    return Stage(
        name="dispatch",
        sources=STAGE_SOURCES["dispatch"],
        registry_topics=(channels.REGISTRY_UNITS, channels.REGISTRY_TEAMS, channels.REGISTRY_RULES),
        reads_registry_by_partition=False,
        new_state=new_state,
    )
