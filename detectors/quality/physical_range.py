"""Physical range: a value that the quantity cannot have is a fault of the sensor, never an event."""

from __future__ import annotations

from detectors.arrays import BoolArray, FloatArray


def in_range(values: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    """Return whether each value lies in its quantity's physical range, bounds included."""
    return (values >= low) & (values <= high)
