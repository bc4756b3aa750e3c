"""A fire begins in a store room: smoke, heat, then flames before a camera; near miss: cooking smoke in one kitchen."""

from simulators.places import HUAIHAI_TOWER, NANJING_BUILDING
from simulators.scenarios.effects import Ramp, Sight, Step
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="fire-precursor",
    unit_id=NANJING_BUILDING,
    near_miss_unit_id=HUAIHAI_TOWER,
    expect="orange",
    effects=lambda unit: (
        Step(series=unit.series("smoke"), to=1),
        Ramp(series=unit.series("heat"), to=95, grow_s=240, jitter=1),
        Sight(cameras=(unit.camera(),), kind="flame"),
    ),
    near_misses=(
        NearMiss(
            lasts_s=180,
            effects=lambda unit: (
                Step(series=unit.series("smoke"), to=1),
                Ramp(series=unit.series("heat"), to=32, grow_s=60),  # warm, but no fire
            ),
        ),
    ),
)
