"""A pump fails and water rises in a civil defence basement; near miss: the floor is washed."""

from simulators.places import HUAIHAI_TOWER, NANJING_BUILDING
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="shelter-ingress",
    unit_id=NANJING_BUILDING,
    near_miss_unit_id=HUAIHAI_TOWER,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("sump_level"), to=190, grow_s=240, fade_s=90, decimals=0),
        Ramp(series=unit.series("humidity"), to=94, grow_s=300, fade_s=90, jitter=0.4),
    ),
    near_misses=(
        NearMiss(
            lasts_s=300,
            effects=lambda unit: (
                Ramp(series=unit.series("sump_level"), to=18, grow_s=30, decimals=0),
                Ramp(series=unit.series("humidity"), to=88, grow_s=60, jitter=0.4),
            ),
        ),
    ),
)
