"""A bin is full to its rim; near miss: a big bag lies on the sensor until it is pushed down."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Ramp, Step
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="waste-overflow",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="blue",
    subject=lambda unit: unit.series("fill_level")[0].partition("/")[0],
    effects=lambda unit: (
        Ramp(series=unit.series("fill_level"), to=103, grow_s=120, fade_s=5, decimals=1, jitter=0.4),
    ),
    near_misses=(NearMiss(lasts_s=60, effects=lambda unit: (Step(series=unit.series("fill_level"), to=99),)),),
)
