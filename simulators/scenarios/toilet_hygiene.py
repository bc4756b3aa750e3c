"""A public toilet is not cleaned: ammonia; near miss: a bus party queues for a moment."""

from simulators.places import BUND_CHENYI, TIANZIFANG
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="toilet-hygiene",
    unit_id=TIANZIFANG,
    near_miss_unit_id=BUND_CHENYI,
    expect="blue",
    effects=lambda unit: (Ramp(series=unit.series("nh3"), to=2.1, grow_s=120, fade_s=60, decimals=3, jitter=0.05),),
    near_misses=(
        NearMiss(lasts_s=60, effects=lambda unit: (Ramp(series=unit.series("queue"), to=12, grow_s=10, decimals=0),)),
    ),
)
