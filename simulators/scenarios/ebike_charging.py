"""An e-bike charges in a stairwell and grows hot; near misses: a child's bicycle in a lift, a warm kettle."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Ramp, Sight
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="ebike-charging",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="orange",
    subject=lambda unit: unit.series("socket_current")[0].partition("/")[0],
    effects=lambda unit: (
        Ramp(series=unit.series("socket_current"), to=3.2, grow_s=5, fade_s=2, jitter=0.1),
        Ramp(series=unit.series("battery_temperature"), to=82, grow_s=180, fade_s=60, decimals=1, jitter=0.5),
    ),
    near_misses=(
        NearMiss(
            lasts_s=60, effects=lambda unit: (Sight(cameras=(unit.camera(1),), kind="ebike_in_lift", confidence=0.4),)
        ),
        NearMiss(lasts_s=300, effects=lambda unit: (Ramp(series=unit.series("socket_current"), to=4.0, grow_s=2),)),
    ),
)
