"""How much of each fault a run gives: VITALS_FAULTS=short (in `make test`), normal (`make faults`) or long."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Numbers of one run; one line a field, in the order of their names."""

    database_away_s: float  # at 20,000 readings a second
    gateway_kills: int  # of bridges and the MQTT broker
    gateway_outage_s: float  # how long Kafka is away from them
    hostile_in_memory: int  # records, through the folds alone
    hostile_real: int  # records, through Kafka and real workers
    kills: int  # random SIGKILLs over all stages
    outage_s: float  # how long a broker, a database or a wire is away
    minutes_of_log: int  # event time that the generated log spans
    series: int  # of the state that is recovered
    overload_s: float
    records_per_s: float  # at which it comes in while stages die
    storm_s: float  # how long workers come and go


SHORT = Scale(
    overload_s=8,
    database_away_s=12,
    gateway_kills=4,
    gateway_outage_s=5,
    hostile_in_memory=20_000,
    hostile_real=10_000,
    kills=8,
    outage_s=4,
    minutes_of_log=20,
    records_per_s=150,
    series=20_000,
    storm_s=20,
)
NORMAL = Scale(
    overload_s=30,
    database_away_s=60,
    gateway_kills=20,
    gateway_outage_s=60,
    hostile_in_memory=200_000,
    hostile_real=1_000_000,
    kills=40,
    outage_s=20,
    minutes_of_log=60,
    records_per_s=150,
    series=500_000,
    storm_s=90,
)
LONG = Scale(
    overload_s=300,
    database_away_s=600,
    gateway_kills=60,
    gateway_outage_s=180,
    hostile_in_memory=1_000_000,
    hostile_real=1_000_000,
    kills=200,
    outage_s=180,
    minutes_of_log=180,
    records_per_s=150,
    series=500_000,
    storm_s=300,
)
SCALES = {"short": SHORT, "normal": NORMAL, "long": LONG}


def scale_of_run() -> Scale:
    """Return what VITALS_FAULTS asks for; ``KeyError`` names what it may be."""
    name = os.environ.get("VITALS_FAULTS", "short")
    if name not in SCALES:
        raise KeyError(f"VITALS_FAULTS must be one of {', '.join(SCALES)}, not {name!r}")
    return SCALES[name]
