"""What became of the elements of one source record (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from schemas.dead_letters import DeadLetter
from schemas.judged import Judged
from schemas.times import format_time

MAX_SHOWN = 10


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted row; ``name`` is its series, zone/source, camera or report."""

    name: str
    time: str
    value: float | None = None
    quality: float | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One element, or the record (``index`` is ``None``), that is dead."""

    index: int | None
    reason: str
    detail: str
    id: str  # as `vitals dead-letters show` takes it
    replayed: str | None = None  # when it was sent again


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What a record led to."""

    kind: str  # anomaly, alert or case
    id: str
    state: str
    scenario: str | None = None


class RecordTrace(msgspec.Struct, frozen=True, kw_only=True):
    """One source record; where sense has passed it, ``elements`` is the sum of the four."""

    place: str  # topic:partition:offset
    appended: str
    key: str
    id: str | None
    source: str | None
    came_from: str | None  # where a gateway has it from
    fault: str | None  # why a gateway could make no readings of it
    backfill: bool
    elements: int
    judged: int
    late: int
    dead: int
    duplicate: int
    behind: int | None  # records that sense must read before it; ``None``: it has passed it
    stored: str | None  # stored, waiting, or skipped; ``None`` where nothing was judged
    rows: tuple[Row, ...] = ()
    refused: tuple[Refused, ...] = ()
    first: str | None = None  # of a duplicate: the record with the same id before it
    caused: tuple[Cause, ...] = ()


def rows_of(judged: Judged, device_id: str | None = None) -> list[Row]:
    """Return the rows of a judged or late record, of one device or camera if it is named."""
    if (columns := judged.readings) is not None:
        index = np.frombuffer(columns.index, "<u2").tolist()
        times = np.frombuffer(columns.time, "<i8").tolist()
        values = np.frombuffer(columns.value, "<f8").tolist()
        grades = np.frombuffer(columns.quality, "<f4").tolist()
        found = [
            Row(name=columns.series[i], time=format_time(time), value=value, quality=round(grade, 3))
            for i, time, value, grade in zip(index, times, values, grades, strict=True)
        ]
    else:
        found = [Row(name=f"{row.zone_id}/{row.source}", time=row.time) for row in judged.crowd or ()]
        found += [Row(name=row.camera_id, time=row.time) for row in judged.video or ()]
        found += [Row(name=row.report_id, time=row.time) for row in judged.reports or ()]
    return found if device_id is None else [row for row in found if row.name.partition("/")[0] == device_id]


def refused_of(letter: DeadLetter, replayed: Mapping[str, str]) -> Refused:
    """Return a dead letter as a trace shows it; ``replayed`` says which were sent again, and when."""
    return Refused(
        index=letter.index,
        reason=str(letter.reason),
        detail=letter.detail,
        id=letter.ident,
        replayed=replayed.get(letter.ident),
    )


def shares(
    elements: int, judged: Sequence[Row], late: Sequence[Row], refused: Sequence[Refused], is_passed: bool
) -> tuple[int, int, int, int]:
    """Return how many elements were judged, late, dead and duplicates.

    A record that is refused as a whole counts as one; what sense has passed and is nowhere else is a duplicate.
    """
    dead = len({one.index for one in refused})
    if any(one.index is None for one in refused):
        return 0, 0, 1, 0
    left = elements - len(judged) - len(late) - dead if is_passed else 0
    return len(judged), len(late), dead, max(0, left)
