"""Crowds: counts fused, density, and the physics of many people in one place."""

from detectors.crowd.counts import RELATIVE_SIGMA, density, fused_count

__all__ = ["RELATIVE_SIGMA", "density", "fused_count"]
