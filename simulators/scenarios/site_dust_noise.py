"""A site breaks concrete without water: dust; near misses: one truck's dust, a school's break noise next door."""

from simulators.places import LAOXIMEN, YUYANGLI
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="site-dust-noise",
    unit_id=YUYANGLI,
    near_miss_unit_id=LAOXIMEN,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("site_pm10"), to=1_450, grow_s=90, fade_s=60, decimals=0, jitter=60),
    ),
    near_misses=(
        NearMiss(
            lasts_s=40,
            effects=lambda unit: (Ramp(series=unit.series("site_pm10"), to=520, grow_s=10, fade_s=10, decimals=0),),
        ),
        NearMiss(
            lasts_s=600, effects=lambda unit: (Ramp(series=unit.series("site_LAeq"), to=56, grow_s=10, jitter=1),)
        ),
    ),
)
