"""A main bursts: its pressure falls, its flow shoots up, the road floods; near miss: the fire brigade fills a tank."""

from simulators.places import LAOXIMEN, YUYANGLI
from simulators.scenarios.effects import Ramp
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="water-burst",
    unit_id=YUYANGLI,
    near_miss_unit_id=LAOXIMEN,
    expect="orange",
    effects=lambda unit: (
        Ramp(series=unit.series("water_pressure"), to=90_000, grow_s=20, decimals=0, jitter=2_000),
        Ramp(series=unit.series("flow_rate"), to=0.12, grow_s=20, decimals=4, jitter=0.002),
        Ramp(series=unit.series("road_water_level"), to=220, grow_s=300, fade_s=120, decimals=0),
    ),
    near_misses=(
        NearMiss(
            lasts_s=300,
            effects=lambda unit: (
                Ramp(series=unit.series("flow_rate"), to=0.055, grow_s=10, decimals=4, jitter=0.001),
                Ramp(series=unit.series("water_pressure"), to=215_000, grow_s=10, decimals=0, jitter=1_000),
            ),
        ),
    ),
)
