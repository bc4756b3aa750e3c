"""A workshop vents solvent: organic compounds over their limit; near miss: fresh paint, an hour below it."""

from simulators.places import QUXI_ROAD, YUYUAN_SHOPS
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="pollution-source",
    unit_id=QUXI_ROAD,
    near_miss_unit_id=YUYUAN_SHOPS,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("voc"), to=3_200, grow_s=180, fade_s=90, decimals=0, jitter=60),
        Ramp(series=unit.series("so2"), to=120, grow_s=180, fade_s=90, jitter=4),
    ),
    near_misses=(
        NearMiss(
            lasts_s=1_200,
            effects=lambda unit: (Ramp(series=unit.series("voc"), to=780, grow_s=120, decimals=0, jitter=20),),
        ),
    ),
)
