"""A squall with heavy rain crosses a block; near miss: a gust of some seconds."""

from simulators.places import LAOXIMEN, YUYANGLI
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="severe-weather",
    unit_id=YUYANGLI,
    near_miss_unit_id=LAOXIMEN,
    expect="yellow",
    effects=lambda unit: (
        Ramp(series=unit.series("wind_speed"), to=21, grow_s=60, fade_s=60, jitter=1.5),
        Ramp(series=unit.series("rain_rate"), to=62, grow_s=90, fade_s=90, jitter=4),
    ),
    near_misses=(
        NearMiss(lasts_s=15, effects=lambda unit: (Ramp(series=unit.series("wind_speed"), to=13, grow_s=2, fade_s=5),)),
    ),
)
