"""A storm has loosened an old tree: it leans; near miss: children shake a young one."""

from simulators.places import BUND_CHENYI, TIANZIFANG
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="greenery",
    unit_id=TIANZIFANG,
    near_miss_unit_id=BUND_CHENYI,
    expect="yellow",
    subject=lambda unit: unit.series("tree_tilt")[0].partition("/")[0],
    effects=lambda unit: (
        Ramp(series=unit.series("tree_tilt"), to=0.24, grow_s=60, fade_s=20, decimals=4, jitter=0.004),
    ),
    near_misses=(
        NearMiss(
            lasts_s=10,
            effects=lambda unit: (Ramp(series=unit.series("tree_tilt"), to=0.2, grow_s=1, fade_s=1, decimals=4),),
        ),
    ),
)
