"""Somebody living alone presses the call button; near miss: a long night's sleep, below twelve hours."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Ramp, Step
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="elder-call",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="orange",
    subject=lambda unit: unit.series("call")[0].partition("/")[0],
    effects=lambda unit: (Step(series=unit.series("call"), to=1),),
    near_misses=(
        NearMiss(lasts_s=1_200, effects=lambda unit: (Ramp(series=unit.series("inactive"), to=10.5, grow_s=30),)),
    ),
)
