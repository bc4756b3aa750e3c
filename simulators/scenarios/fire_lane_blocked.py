"""A car stands in a fire lane until it is moved; near miss: a delivery van stops there for two minutes."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Sight
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="fire-lane-blocked",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="yellow",
    subject=lambda unit: unit.camera(),
    effects=lambda unit: (Sight(cameras=(unit.camera(),), kind="blocked_fire_lane"),),
    near_misses=(
        NearMiss(lasts_s=120, effects=lambda unit: (Sight(cameras=(unit.camera(),), kind="blocked_fire_lane"),)),
    ),
)
