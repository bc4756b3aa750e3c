r"""InfluxDB line protocol: points and reading columns as lines. One point, one line.

Text from people never becomes a tag; as a field it goes through ``escape_text``. A float is written by ``repr`` and so
stays a float in the database; times are ns and always given. Quality is rounded to four digits (float32 has no more).
"""

from __future__ import annotations

import math
import re

import numpy as np

from schemas.ids import is_id
from streams.store.points import READINGS_PREFIX, Block, Point, ReadingArrays

QUALITY_DIGITS = 4
_FORBIDDEN = re.compile("[\n\r\0]")
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
    for key, tag in zip(point.measurement.tags, point.tags, strict=True):
        if not is_id(tag):
            raise ValueError(f"tag {key} must be an id, not {tag[:40]!r}")
    given = [number for number in point.numbers if number is not None]
    if not all(map(math.isfinite, given)):
        raise ValueError("a number is not finite")
    if not given and not any(text is not None for text in point.texts):
        raise ValueError("a point needs a field")
    for text in point.texts:
        if text is not None:
            escape_text(text)


def point_line(point: Point) -> str:
    """Return the line of a point that ``check_point`` let pass."""
    measurement, tags, numbers, texts, time_ns = point
    head = "".join([f",{key}={tag}" for key, tag in zip(measurement.tags, tags, strict=True)])
    fields = [f"{k}={float(n)!r}" for k, n in zip(measurement.numbers, numbers, strict=True) if n is not None]
    fields += [f"{k}={escape_text(t)}" for k, t in zip(measurement.texts, texts, strict=True) if t is not None]
    return f"{measurement.name}{head} {','.join(fields)} {time_ns}"


def reading_lines(readings: ReadingArrays) -> list[str]:
    """Return a line for each reading; names are of the closed list and ids, values finite (see ``rows``)."""
    heads = [f"{READINGS_PREFIX}{quantity},device_id={device} value=" for device, quantity in readings.series]
    quality = np.round(readings.quality.astype(np.float64), QUALITY_DIGITS)
    columns = zip(
        readings.which.tolist(), readings.value.tolist(), quality.tolist(), readings.time.tolist(), strict=True
    )
    return [f"{heads[i]}{value!r},quality={good!r} {time}" for i, value, good, time in columns]


def block_lines(block: Block) -> list[str]:
    """Return a line for each point of a block, in order."""
    if block.readings is not None:
        return reading_lines(block.readings)
    return [point_line(point) for point in block.points]
