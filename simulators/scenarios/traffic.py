"""An accident blocks a street: cars crawl and fill it; near miss: a long red light."""

from simulators.places import QUXI_ROAD, YUYUAN_SHOPS
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="traffic",
    unit_id=QUXI_ROAD,
    near_miss_unit_id=YUYUAN_SHOPS,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("speed"), to=5, grow_s=60, fade_s=40, decimals=1, jitter=0.8),
        Ramp(series=unit.series("occupancy"), to=72, grow_s=60, fade_s=40, decimals=1, jitter=2),
    ),
    near_misses=(
        NearMiss(
            lasts_s=60,
            effects=lambda unit: (
                Ramp(series=unit.series("speed"), to=6, grow_s=5, fade_s=5, decimals=1),
                Ramp(series=unit.series("occupancy"), to=45, grow_s=5, fade_s=5, decimals=1),
            ),
        ),
    ),
)
