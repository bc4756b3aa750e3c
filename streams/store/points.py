"""What the store writes: points of closed measurements, and readings as columns; each database renders its own.

Measurements, tag keys and field keys stand here and nowhere else; tag values are ids; every number is a float.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import MODES, Mode
from schemas.times import SECOND_NS
from streams.settings import Settings

Kind = Literal["readings", "vitals"]
READINGS_PREFIX = "readings_"
DAY_NS = 86_400 * SECOND_NS
RETENTION_NS: dict[Kind, int | None] = {"readings": 7 * DAY_NS, "vitals": None}
OFFSET_NS = 10_000_000  # alerts and orders are spread over 10 ms after their event time


class Bucket(NamedTuple):
    """Where points go: what is not ``actual`` never mixes with what is."""

    mode: Mode
    kind: Kind

    def name(self, settings: Settings) -> str:
        """Return the database's name of it, with the namespace."""
        plain = self.kind if self.mode == "actual" else f"{self.mode}-{self.kind}"
        return f"{settings.namespace}.{plain}" if settings.namespace else plain


BUCKETS = tuple(Bucket(mode, kind) for mode in MODES for kind in RETENTION_NS)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A closed measurement: its tag keys and field keys, in the order in which points give their values."""

    name: str
    kind: Kind
    tags: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()


CROWD = Measurement(
    "crowd",
    "readings",
    ("zone_id", "source"),
    ("period_s", "people_count", "people_in", "people_out", "mean_speed_mps", "speed_variance_m2s2", "direction_deg"),
)
VIDEO = Measurement("video", "readings", ("camera_id",), ("person", "vehicle", "bicycle", "ebike", "health"))
REPORTS = Measurement("reports", "vitals", ("unit_id", "category"), (), ("report_id",))
INDICATORS = Measurement(
    "indicators", "vitals", ("unit_id", "indicator"), ("value", "score", "level", "n", "coverage", "revision")
)
ALERTS = Measurement(
    "alerts", "vitals", ("scenario", "colour", "unit_id"), ("version", "count"), ("alert_id", "state", "certainty")
)
ORDERS = Measurement(
    "orders", "vitals", ("scenario", "step", "unit_id"), ("version", "seconds"), ("case_id", "team", "tier")
)
READINGS = Measurement("readings", "readings", ("device_id",), ("value", "quality"))
MEASUREMENTS = {m.name: m for m in (CROWD, VIDEO, REPORTS, INDICATORS, ALERTS, ORDERS)}


class Origin(NamedTuple):
    """The record that something came from; ``topic`` is without namespace.

    ``append_ns`` is when the record that the store read was appended: for a judged row not its source's own.
    """

    topic: str
    partition: int
    offset: int
    append_ns: int = 0


class Point(NamedTuple):
    """One point; values stand in the order of the measurement's keys, ``None`` is left out."""

    measurement: Measurement
    tags: tuple[str, ...]
    numbers: tuple[float | None, ...]
    texts: tuple[str | None, ...]
    time_ns: int


class ReadingArrays(NamedTuple):
    """Readings as columns of equal length n; ``series[which[i]]`` is reading i's ``<device_id>/<quantity>``.

    ``heads`` are the beginnings of their lines, one a series.
    """

    series: Sequence[str]
    heads: Sequence[str]
    which: NDArray[np.uint16]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.float32]

    def where(self, keep: NDArray[np.bool_]) -> ReadingArrays:
        """Return the readings where ``keep`` is true."""
        columns = (self.which[keep], self.time[keep], self.value[keep], self.quality[keep])
        return ReadingArrays(self.series, self.heads, *columns)


class Block(NamedTuple):
    """The points of one record for one bucket: readings, or a list of others."""

    origin: Origin
    bucket: Bucket
    readings: ReadingArrays | None
    points: list[Point]

    @property
    def rows(self) -> int:
        """How many points it holds."""
        return len(self.points) if self.readings is None else len(self.readings.time)


class Refusal(NamedTuple):
    """A point that cannot be stored; ``expired``: only because it is older than its bucket keeps."""

    origin: Origin
    line: bytes
    detail: str
    expired: bool = False


def measurement_of(name: str, quantities: frozenset[str]) -> Measurement | None:
    """Return the measurement of a name of the closed list, ``readings_<quantity>`` among them."""
    if name.startswith(READINGS_PREFIX) and name.removeprefix(READINGS_PREFIX) in quantities:
        return READINGS
    return MEASUREMENTS.get(name)


def fields_of(point: Point) -> Iterator[tuple[str, float | str]]:
    """Yield the fields that a point has."""
    for key, number in zip(point.measurement.numbers, point.numbers, strict=True):
        if number is not None:
            yield key, number
    for key, text in zip(point.measurement.texts, point.texts, strict=True):
        if text is not None:
            yield key, text
