"""How much of each fault a run gives: VITALS_FAULTS=short (in `make test`), normal (`make faults`) or long."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Numbers of one run; one line a field, in the order of their names."""

    kills: int  # random SIGKILLs over all stages
    minutes_of_log: int  # event time that the generated log spans
    records_per_s: float  # at which it comes in while stages die


SHORT = Scale(kills=8, minutes_of_log=20, records_per_s=150)
NORMAL = Scale(kills=40, minutes_of_log=60, records_per_s=150)
LONG = Scale(kills=200, minutes_of_log=180, records_per_s=150)
SCALES = {"short": SHORT, "normal": NORMAL, "long": LONG}


def scale_of_run() -> Scale:
    """Return what VITALS_FAULTS asks for; ``KeyError`` names what it may be."""
    name = os.environ.get("VITALS_FAULTS", "short")
    if name not in SCALES:
        raise KeyError(f"VITALS_FAULTS must be one of {', '.join(SCALES)}, not {name!r}")
    return SCALES[name]
