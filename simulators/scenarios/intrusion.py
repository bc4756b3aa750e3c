"""A gate is forced, then somebody goes in; near miss: a resident waits at an open gate."""

from simulators.places import CHUNJIANG, LIYUAN
from simulators.scenarios.effects import Sight, Step
from simulators.scenarios.staging import NearMiss, Stage

STAGE = Stage(
    scenario="intrusion",
    unit_id=CHUNJIANG,
    near_miss_unit_id=LIYUAN,
    expect="yellow",
    effects=lambda unit: (
        Step(series=unit.series("gate_forced"), to=1),
        Sight(cameras=(unit.camera(2),), kind="intrusion", confidence=0.85),
    ),
    near_misses=(
        NearMiss(
            lasts_s=120,
            effects=lambda unit: (
                Step(series=unit.series("gate_forced"), to=1),
                Sight(cameras=(unit.camera(1),), kind="loitering", confidence=0.9),
            ),
        ),
    ),
)
