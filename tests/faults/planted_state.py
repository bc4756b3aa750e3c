"""State kept as briefly as can be: a trimmer that trims at every checkpoint, and remembers manifests for a second."""

from __future__ import annotations

import streams.state.checkpoint as checkpoint_module
import streams.state.trim as trim_module
from tests.faults.planted_delivery import replace


def eager_trimmer() -> None:
    """Trim as often as there is a checkpoint: no fault, a week of trimming in a minute."""
    replace(trim_module, "EVERY_SECONDS", 0.0)
    replace(checkpoint_module, "REMEMBERED_SECONDS", 1.0)


FAULTS = {"eager-trimmer": eager_trimmer}
