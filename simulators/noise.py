"""Noise as a function of seed, stream and time: without state, so the same whenever and in whatever batch it is asked.

References
----------
G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014:
the finisher of splitmix64.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
HashArray: TypeAlias = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U16 = np.uint64(0xFFFF)


def stream_of(seed: int, name: str) -> int:
    """Return the 64 bits that stand for one named stream of a seed."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=8).digest(), "little")


def streams_of(seed: int, names: list[str]) -> HashArray:
    """Return ``stream_of`` each name."""
    return np.array([stream_of(seed, name) for name in names], dtype=np.uint64)


def hashed(streams: HashArray, steps: HashArray | int, salt: int = 0) -> HashArray:
    """Mix stream, step and salt to 64 bits that look random."""
    with np.errstate(over="ignore"):
        x = streams + (np.asarray(steps, dtype=np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(salt) * _MIX_2
        x = (x ^ (x >> np.uint64(30))) * _MIX_1
        x = (x ^ (x >> np.uint64(27))) * _MIX_2
        return np.asarray(x ^ (x >> np.uint64(31)))


def uniform(streams: HashArray, steps: HashArray | int, salt: int = 0) -> FloatArray:
    """Return numbers in [0, 1)."""
    return (hashed(streams, steps, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(streams: HashArray, steps: HashArray | int, salt: int = 0) -> FloatArray:
    """Return nearly normal numbers of mean 0 and variance 1: the sum of four uniforms, so never beyond 3.47."""
    x = hashed(streams, steps, salt)
    total = (x & _U16).astype(np.float64)
    for shift in (16, 32, 48):
        total += ((x >> np.uint64(shift)) & _U16).astype(np.float64)
    return np.asarray((total / 65_535.0 - 2.0) * 3.0**0.5)


def smooth(streams: HashArray, seconds: float, step_s: float, salt: int = 0) -> FloatArray:
    """Return noise that wanders: normal at every ``step_s``, straight lines between, streams not in step."""
    at = seconds / step_s + uniform(streams, 0, salt + 1)
    whole = np.floor(at)
    share = at - whole
    steps = whole.astype(np.uint64)
    return (1.0 - share) * normal(streams, steps, salt) + share * normal(streams, steps + np.uint64(1), salt)
