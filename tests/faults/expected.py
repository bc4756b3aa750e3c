"""What a judged log comes to: one shape for the oracle, which says it, and for the stages, which are held against."""

from __future__ import annotations

from dataclasses import dataclass, field

Place = tuple[str, int]  # source topic, partition
Point = tuple[str, int]  # series, time (ns)
Letter = tuple[str, int, int, int]  # source topic, partition, offset, index (-1: the whole record)
IndicatorKey = tuple[str, str, str, str]  # unit or prefix, indicator, mode, window start
Signs = tuple[float, float, int, float]  # value, score, n, coverage; rounded to six places


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Each table by what identifies its rows."""

    counters: dict[Place, dict[str, int]] = field(default_factory=dict)  # in judged late dead duplicate; not if all 0
    points: dict[Point, float] = field(default_factory=dict)  # value of each judged reading
    late: dict[Point, float] = field(default_factory=dict)  # as points, of vitals.late
    dead: dict[Letter, str] = field(default_factory=dict)  # the reason
    indicators: dict[IndicatorKey, Signs] = field(default_factory=dict)
    alerts: dict[str, dict[str, object]] = field(default_factory=dict)  # alert_id -> names and values
    cases: dict[str, dict[str, object]] = field(default_factory=dict)  # case_id -> as alerts
