"""A lost source comes near two counters; near miss: rain washes radon down, a third more for an hour."""

from simulators.places import LAOXIMEN, YUYANGLI
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="radiation",
    unit_id=YUYANGLI,
    near_miss_unit_id=LAOXIMEN,
    expect="orange",
    effects=lambda unit: (Ramp(series=unit.every("dose_rate"), to=620, grow_s=60, fade_s=30, jitter=15),),
    near_misses=(
        NearMiss(
            lasts_s=1_200,
            effects=lambda unit: (Ramp(series=unit.every("dose_rate"), to=122, grow_s=120, jitter=3),),
        ),
    ),
)
