"""Places where a test may have this process killed, as a power cut would: off unless VITALS_FAIL_POINT names one.

``VITALS_FAIL_POINT=after-blocks:3`` sends SIGKILL to the process itself the third time it comes by.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

FailPoint = Literal[
    "before-effects", "after-effects", "after-blocks", "after-manifest", "after-commit", "in-recovery", "before-markers"
]
_armed, _, _count = os.environ.get("VITALS_FAIL_POINT", "").partition(":")
_left = int(_count or 1)


def reached(point: FailPoint) -> None:
    """Die here if the test asks for it."""
    global _left  # noqa: PLW0603 - one process, one death
    if point != _armed:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
