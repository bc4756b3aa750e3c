"""Digging next door lets a historic house crack and lean; near miss: a bus shakes it for a moment."""

from simulators.places import LAOXIMEN, YUYANGLI
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="heritage-structure",
    unit_id=YUYANGLI,
    near_miss_unit_id=LAOXIMEN,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("crack_width"), to=4.2, grow_s=200, fade_s=60, decimals=3, jitter=0.02),
        Ramp(series=unit.series("tilt"), to=5.5, grow_s=300, fade_s=60, decimals=3, jitter=0.02),
    ),
    near_misses=(
        NearMiss(
            lasts_s=8,
            effects=lambda unit: (Ramp(series=unit.series("vibration"), to=0.62, grow_s=1, fade_s=1, decimals=3),),
        ),
    ),
)
