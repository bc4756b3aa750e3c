"""A car is parked where it must not be; near miss: a taxi lets people out."""

from simulators.places import QUXI_ROAD, YUYUAN_SHOPS
from simulators.scenarios.effects import Sight
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="parking",
    unit_id=QUXI_ROAD,
    near_miss_unit_id=YUYUAN_SHOPS,
    expect="blue",
    subject=lambda unit: unit.camera(1),
    effects=lambda unit: (Sight(cameras=(unit.camera(1),), kind="illegal_parking"),),
    near_misses=(
        NearMiss(lasts_s=60, effects=lambda unit: (Sight(cameras=(unit.camera(1),), kind="illegal_parking"),)),
    ),
)
