"""A boiler's pressure climbs over its working pressure; near miss: it is fired up to just below it."""

from simulators.places import HUAIHAI_TOWER, NANJING_BUILDING
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="special-equipment",
    unit_id=NANJING_BUILDING,
    near_miss_unit_id=HUAIHAI_TOWER,
    expect="orange",
    subject=lambda unit: unit.series("steam_pressure")[0].partition("/")[0],
    effects=lambda unit: (
        Ramp(series=unit.series("steam_pressure"), to=830_000, grow_s=200, fade_s=60, decimals=0, jitter=3_000),
    ),
    near_misses=(
        NearMiss(
            lasts_s=600,
            effects=lambda unit: (
                Ramp(series=unit.series("steam_pressure"), to=690_000, grow_s=120, decimals=0, jitter=3_000),
            ),
        ),
    ),
)
