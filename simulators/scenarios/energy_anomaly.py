"""Cooling runs all night in an empty building; near miss: a late event fills the building, and it uses more."""

from simulators.places import HUAIHAI_TOWER, NANJING_BUILDING
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="energy-anomaly",
    unit_id=NANJING_BUILDING,
    near_miss_unit_id=HUAIHAI_TOWER,
    expect="blue",
    effects=lambda unit: (Ramp(series=unit.series("power"), to=1_400, grow_s=60, decimals=0, jitter=8),),
    near_misses=(
        NearMiss(
            lasts_s=1_200,
            effects=lambda unit: (
                Ramp(series=unit.every("persons"), to=3_000, grow_s=20, decimals=0, jitter=20),
                Ramp(series=unit.series("power"), to=1_200, grow_s=300, decimals=0, jitter=8),
            ),
        ),
    ),
)
