"""Camera health: how much of what a camera counts can be believed, by what it says of its own picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from detectors.arrays import FloatArray
from schemas.video import CameraHealth

# What is left of a count. A camera without a signal sees nothing; one that was moved counts well, but another place.
# Orders of magnitude, by what each does to a detector of people; to be fitted where a gate counts beside a camera.
WORTH: Mapping[CameraHealth, float] = {
    "ok": 1.0,
    "blurred": 0.5,
    "too_bright": 0.4,
    "too_dark": 0.3,
    "moved": 0.2,
    "signal_loss": 0.0,
}


def camera_worth(health: Sequence[CameraHealth]) -> FloatArray:
    """Return the worth of each row, float64 (n,), 0 to 1."""
    return np.array([WORTH[one] for one in health])
