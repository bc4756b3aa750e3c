"""How large residuals usually are, learned so that one gross residual teaches no more than a large one.

References
----------
R. A. Maronna et al., "Robust Statistics", 2006, chapter 2: an M-estimate of scale with a bounded score, here as an
exponentially weighted mean of clipped absolute residuals. Clipping at 3 makes it smaller by 0.1 % for Gaussian ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray

GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation
Count = NDArray[np.uint32]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClippedScale:
    """Clip residuals to a few scales, then learn the scale from what is left.

    Not for residuals that are gross more often than in one value of ten: they come to be the scale.

    Parameters
    ----------
    clip
        Scales beyond which a residual teaches no more, > 0.
    rate
        Weight of the newest residual, in (0, 1); the memory is about ``2 / rate`` values.
    warmup
        Residuals before any is clipped, >= 1; so long the scale is their plain mean.
    floor
        The least scale, > 0, in the residuals' unit: a series that stands still is not infinitely sure.
    """

    clip: float = 3.0
    rate: float = 0.01
    warmup: int = 20
    floor: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.rate < 1.0:
            raise ValueError(f"rate must be between 0 and 1, not {self.rate}")
        if not (self.clip > 0.0 and self.floor > 0.0) or self.warmup < 1:
            raise ValueError(
                f"clip and floor must be above 0 and warmup at least 1, not {self.clip}, {self.floor} and {self.warmup}"
            )

    def step(
        self, scale: Float32Array, count: Count, residual: FloatArray
    ) -> tuple[FloatArray, Float32Array, Count]:  # fmt: skip
        """Return the clipped residuals, the scales after them, and how many each has learned.

        Parameters
        ----------
        scale, count
            float32 and uint32 of one shape, zeros at first.
        residual
            float64 of that shape; NaN is missing, comes back as NaN and teaches nothing.
        """
        limit = np.where(count >= self.warmup, self.clip * np.maximum(scale, self.floor), np.inf)
        clipped = np.clip(residual, -limit, limit)
        came = np.isfinite(residual)
        rate = np.maximum(self.rate, 1.0 / (count + 1.0))
        moved = scale + rate * (GAUSSIAN * np.abs(clipped) - scale)
        return clipped, np.where(came, moved, scale).astype(np.float32), count + came.astype(np.uint32)
