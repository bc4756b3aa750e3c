"""One record on its way to Kafka, as gateways, teams and replays make it."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.envelope import Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A record; ``topic`` is without namespace, ``rows`` how many elements the balance will count of it."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    rows: int
    time_ns: int
    delay_s: float = 0.0  # how long the network holds it back
    copies: int = 1
