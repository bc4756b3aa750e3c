from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import ID_PATTERN
from schemas.times import MAX_NS
from streams.store.line_protocol import Heads, check_point, escape_text, point_line, reading_lines
from streams.store.points import MEASUREMENTS, REPORTS, Measurement, Point, ReadingArrays, fields_of
from tests.streams.store.line_parser import parse_line

ids = st.from_regex(ID_PATTERN.replace("$", r"\Z"))
texts = st.text(alphabet=st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.integers(0, MAX_NS - 1)


@st.composite
def points(draw: st.DrawFn) -> Point:
    m: Measurement = draw(st.sampled_from(list(MEASUREMENTS.values())))
    return Point(
        measurement=m,
        tags=tuple(draw(ids) for _ in m.tags),
        numbers=tuple(draw(numbers | st.none() if m.texts else numbers) for _ in m.numbers),
        texts=tuple(draw(texts) for _ in m.texts),
        time_ns=draw(times),
    )


@given(points())
def test_a_point_parses_back_to_itself(point: Point) -> None:
    check_point(point)
    parsed = parse_line(point_line(point))
    assert parsed.measurement == point.measurement.name
    assert parsed.tags == dict(zip(point.measurement.tags, point.tags, strict=True))
    assert parsed.fields == dict(fields_of(point))
    assert parsed.time_ns == point.time_ns


@given(points())
def test_one_point_is_one_line(point: Point) -> None:
    assert len(point_line(point).encode().split(b"\n")) == 1


@given(st.lists(st.tuples(st.integers(0, 2), times, numbers, st.floats(0, 1, width=32)), max_size=20))
def test_readings_parse_back_to_themselves(rows: list[tuple[int, int, float, float]]) -> None:
    series = ["d1/LAeq", "d.2/pm25", "d:3/ch4"]
    readings = ReadingArrays(
        series,
        Heads(["LAeq", "pm25", "ch4"]).of(series),
        np.array([row[0] for row in rows], np.uint16),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.float32),
    )
    for line, (which, time, value, quality) in zip(reading_lines(readings), rows, strict=True):
        parsed = parse_line(line)
        device, quantity = series[which].split("/")
        assert parsed.measurement == f"readings_{quantity}"
        assert parsed.tags == {"device_id": device}
        assert parsed.fields == {"value": value, "quality": pytest.approx(quality, abs=5e-5)}
        assert parsed.time_ns == time


def test_every_number_is_written_as_a_float() -> None:
    m = MEASUREMENTS["alerts"]
    line = point_line(Point(m, ("gas-leak", "red", "hp.a.b.c"), (2, 3), ("a1", "UNACK", "Observed"), 5))
    assert line == (
        "alerts,scenario=gas-leak,colour=red,unit_id=hp.a.b.c "
        'version=2.0,count=3.0,alert_id="a1",state="UNACK",certainty="Observed" 5'
    )


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_text_that_would_break_the_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        escape_text(text)


@pytest.mark.parametrize("tag", ["", "a b", "a,b", "a=b", "a\\", "a\nb", "-a", "x" * 65, "城"])
def test_a_tag_must_be_an_id(tag: str) -> None:
    with pytest.raises(ValueError, match="must be an id"):
        check_point(Point(REPORTS, (tag, "other"), (), ("r1",), 0))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_must_be_finite(number: float) -> None:
    m = MEASUREMENTS["video"]
    with pytest.raises(ValueError, match="finite"):
        check_point(Point(m, ("c1",), (number, None, None, None, None), (), 0))


def test_a_point_needs_a_field() -> None:
    m = MEASUREMENTS["video"]
    with pytest.raises(ValueError, match="needs a field"):
        check_point(Point(m, ("c1",), (None,) * 5, (), 0))
