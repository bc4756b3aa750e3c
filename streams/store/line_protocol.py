r"""InfluxDB line protocol: points and reading columns as lines. One point, one line.

Text from people never becomes a tag; as a field it goes through ``escape_text``. A float is written with a point or an
exponent and so stays a float in the database; times are ns and always given. Quality is rounded to four digits
(float32 has not many more).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.ids import is_id
from streams.store.points import READINGS_PREFIX, Block, Measurement, Point, ReadingArrays

QUALITY_DIGITS = 4
MAX_SERIES = 1_000_000
_FORBIDDEN = re.compile("[\n\r\0]")
_is_id = lru_cache(maxsize=65_536)(is_id)  # cameras, zones and units come again and again
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\"})


def escape_text(text: str) -> str:
    r"""Return ``text`` as a quoted string field.

    Raises
    ------
    ValueError
        It holds ``\n``, ``\r`` or ``\0``, which line protocol cannot carry in one line.
    """
    if _FORBIDDEN.search(text):
        raise ValueError("a string field must not hold a line break or a null character")
    return f'"{text.translate(_ESCAPED)}"'


def check_point(point: Point) -> None:
    """Raise ``ValueError`` unless ``point_line`` can write this point: ids as tags, finite numbers, a field."""
    measurement, tags, numbers, texts, _ = point
    for key, tag in zip(measurement.tags, tags, strict=True):
        if not _is_id(tag):
            raise ValueError(f"tag {key} must be an id, not {tag[:40]!r}")
    given = [number for number in numbers if number is not None]
    if not all(map(math.isfinite, given)):
        raise ValueError("a number is not finite")
    for text in texts:
        if text is not None:
            escape_text(text)
    if not given and not any(text is not None for text in texts):
        raise ValueError("a point needs a field")


def point_line(point: Point) -> str:
    """Return the line of a point that ``check_point`` let pass."""
    measurement, tags, numbers, texts, time_ns = point
    head, number_keys, text_keys = _frame(measurement)
    fields = [f"{key}{float(n)!r}" for key, n in zip(number_keys, numbers, strict=True) if n is not None]
    if texts:
        fields += [f"{key}{escape_text(text)}" for key, text in zip(text_keys, texts, strict=True) if text is not None]
    return f"{head % tags} {','.join(fields)} {time_ns}"


@cache
def _frame(measurement: Measurement) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what all lines of a measurement share: the head with places for its tags, the keys of its fields."""
    head = "".join([measurement.name, *(f",{key}=%s" for key in measurement.tags)])
    return head, tuple(f"{key}=" for key in measurement.numbers), tuple(f"{key}=" for key in measurement.texts)


class Heads:
    """The beginnings of readings' lines, by ``<device_id>/<quantity>``, checked once, then kept (300 B a series)."""

    def __init__(self, quantities: Iterable[str]) -> None:
        self._quantities = frozenset(quantities)
        self._kept: dict[str, str] = {}

    def of(self, series: Sequence[str]) -> list[str]:
        """Return a head a series; an empty one where the device is no id or the quantity not of the catalogue."""
        kept = self._kept
        try:
            return [kept[name] for name in series]
        except KeyError:
            return [kept.get(name) or self._made(name) for name in series]

    def _made(self, name: str) -> str:
        device, _, quantity = name.partition("/")
        if quantity not in self._quantities or not is_id(device):
            return ""
        if len(self._kept) >= MAX_SERIES:
            self._kept.clear()
        head = self._kept[name] = f"{READINGS_PREFIX}{quantity},device_id={device} value="
        return head


def reading_lines(readings: ReadingArrays) -> list[str]:
    """Return a line for each reading; heads and values have been checked (see ``rows``)."""
    heads, which = readings.heads, readings.which.tolist()
    values, times = _texts(readings.value), _texts(readings.time)
    if (readings.quality == 1.0).all():
        columns = zip(which, values, times, strict=True)
        return [f"{heads[i]}{value},quality=1.0 {time}" for i, value, time in columns]
    qualities = _texts(readings.quality.astype(np.float64).round(QUALITY_DIGITS))
    with_quality = zip(which, values, qualities, times, strict=True)
    return [f"{heads[i]}{value},quality={quality} {time}" for i, value, quality, time in with_quality]


def _texts(numbers: NDArray[np.float64] | NDArray[np.int64]) -> list[str]:
    """Return numbers as text, floats in the shortest form that reads back the same: a JSON encoder beats ``repr``."""
    return msgspec.json.encode(numbers.tolist()).decode()[1:-1].split(",") if len(numbers) else []


def block_lines(block: Block) -> list[str]:
    """Return a line for each point of a block, in order."""
    if block.readings is not None:
        return reading_lines(block.readings)
    return [point_line(point) for point in block.points]
