"""A vendor sets up on the pavement; near miss: a pedlar walks through."""

from simulators.places import QUXI_ROAD, YUYUAN_SHOPS
from simulators.scenarios.effects import Sight
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="street-order",
    unit_id=QUXI_ROAD,
    near_miss_unit_id=YUYUAN_SHOPS,
    expect="blue",
    subject=lambda unit: unit.camera(2),
    effects=lambda unit: (Sight(cameras=(unit.camera(2),), kind="street_vendor"),),
    near_misses=(NearMiss(lasts_s=90, effects=lambda unit: (Sight(cameras=(unit.camera(0),), kind="street_vendor"),)),),
)
