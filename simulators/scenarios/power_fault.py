"""The supply of a house fails and its meters fall silent together; near miss: a motor starts and the voltage sags."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Ramp, Silence
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="power-fault",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="orange",
    effects=lambda unit: (Silence(series=(*unit.every("voltage"), *unit.every("load"))),),
    near_misses=(
        NearMiss(lasts_s=20, effects=lambda unit: (Ramp(series=unit.every("voltage"), to=204, grow_s=2, jitter=0.5),)),
    ),
)
