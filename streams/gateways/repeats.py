"""Idempotency keys that were used lately: a request that comes again is answered as before, and is not sent again.

This memory is a courtesy: it is bounded and ends with the process. What makes a repeat harmless without it is that the
records' ids are computed from the key, so that sense takes them for duplicates for ten minutes.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass

KEPT_SECONDS = 600.0
MAX_KEYS = 100_000


@dataclass(slots=True)
class Use:
    """One use of a key; ``answer`` is ``None`` while it is under way."""

    digest: bytes
    began: float
    answer: bytes | None = None


class Repeats:
    """Uses of keys, by gateway and key."""

    def __init__(self) -> None:
        self._uses: OrderedDict[tuple[str, str], Use] = OrderedDict()

    def begin(self, gateway_id: str, key: str, digest: bytes) -> Use | None:
        """Return the earlier use of a key, or note this one and return ``None``."""
        now = time.monotonic()
        while self._uses and (len(self._uses) > MAX_KEYS or now - next(iter(self._uses.values())).began > KEPT_SECONDS):
            self._uses.popitem(last=False)
        found = self._uses.get((gateway_id, key))
        if found is None:
            self._uses[gateway_id, key] = Use(digest, now)
        return found

    def finish(self, gateway_id: str, key: str, answer: bytes | None) -> None:
        """Note the answer; without one nothing was taken, and the key may be used again."""
        use = self._uses.get((gateway_id, key))
        if use is not None and answer is not None:
            use.answer = answer
        elif use is not None:
            del self._uses[gateway_id, key]


def digest_of(*parts: bytes) -> bytes:
    """Return 16 bytes that stand for a request."""
    return hashlib.blake2b(b"\n".join(parts), digest_size=16).digest()
