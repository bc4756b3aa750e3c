"""What the network does to packs on their way: some are lost, some late and out of order, some come twice."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkFaults:
    """How often, as shares of all records; ``max_delay_s`` must stay under the district's disorder, or rows come late.

    Parameters
    ----------
    lost
        Never sent.
    delayed
        Held back for up to ``max_delay_s``, so that later ones overtake them.
    doubled
        Sent twice with the same ``ce_id``, as a gateway does that missed the confirmation.
    skipped
        Readings that a sound device leaves out.
    outage
        Device hours without a reading.
    """

    lost: float = 0.001
    delayed: float = 0.02
    max_delay_s: float = 1.0
    doubled: float = 0.005
    skipped: float = 0.002
    outage: float = 0.0005

    def fate(self, seed: int, record_id: str) -> tuple[float, int]:
        """Return (delay in s, copies) of one record; no copy: it is lost. The same id always fares the same."""
        digest = hashlib.blake2b(f"{seed}|{record_id}".encode(), digest_size=16).digest()
        lost, delayed, delay, doubled = (part / 2**32 for part in struct.unpack("<4I", digest))
        if lost < self.lost:
            return 0.0, 0
        return (delay * self.max_delay_s if delayed < self.delayed else 0.0), (2 if doubled < self.doubled else 1)


PERFECT = NetworkFaults(lost=0, delayed=0, max_delay_s=0, doubled=0, skipped=0, outage=0)
