"""A temperature sensor falls silent; near miss: it misses two readings."""

from simulators.places import HUAIHAI_TOWER, NANJING_BUILDING
from simulators.scenarios.effects import Silence
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="sensor-fault",
    unit_id=NANJING_BUILDING,
    near_miss_unit_id=HUAIHAI_TOWER,
    expect="blue",
    subject=lambda unit: unit.series("temperature")[0].partition("/")[0],
    effects=lambda unit: (Silence(series=unit.series("temperature")),),
    near_misses=(NearMiss(lasts_s=20, effects=lambda unit: (Silence(series=unit.series("temperature")),)),),
)
