"""Loudspeakers go on after ten at night; near miss: a motorcycle passes."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="noise-night",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="blue",
    from_hour=22,
    effects=lambda unit: (Ramp(series=unit.series("LAeq"), to=74, grow_s=10, fade_s=5, decimals=1, jitter=2),),
    near_misses=(
        NearMiss(
            lasts_s=15,
            effects=lambda unit: (Ramp(series=unit.series("LAeq"), to=78, grow_s=2, fade_s=4, decimals=1, jitter=2),),
        ),
    ),
)
