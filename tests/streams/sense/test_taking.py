"""Readings taken as columns come to what they come to one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.quality.physical_range import in_range
from streams.delivery.records import StateFormatError
from streams.pace import Pace
from streams.sense.blocks import pack_array
from streams.sense.series import BLOCK, OLDER, SeriesTable
from streams.sense.taking import take, take_one_by_one
from streams.sense.watch import Watch
from tests.streams.sense.builders import CATALOGUE, device, registry

NAMES = [f"air-{i}/pm25" for i in range(5)]

readings = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.sampled_from((1.0, 2.0, 2_000.0)), st.booleans()), max_size=12
)


def _table(stuck_after: int = 3) -> SeriesTable:
    pm25 = CATALOGUE.quantities["pm25"].model_copy(update={"stuck_after": stuck_after, "resolution": 0.5})
    catalogue = CATALOGUE.model_copy(update={"quantities": {**CATALOGUE.quantities, "pm25": pm25}})
    devices = registry([device(f"air-{i}", "pm25") for i in range(5)])
    table = SeriesTable(catalogue, devices, Watch(catalogue, Pace()))
    for name in NAMES:
        table.find(name, 10)
    return table


@given(st.lists(readings, max_size=4), st.booleans())
@settings(max_examples=300)
def test_columns_come_to_the_same_as_one_by_one(packs: list[list[tuple[int, int, float, bool]]], is_calm: bool) -> None:
    fast, slow = _table(), _table()
    for turn, pack in enumerate(packs):
        rows = np.array([row for row, *_ in pack], np.int64)
        times = np.array([time + 4 * turn for _, time, *_ in pack], np.int64)
        values = np.array([min(value, 2.0) if is_calm else value for *_, value, _ in pack])
        late = np.array([is_late and not is_calm for *_, is_late in pack], bool)
        facts = fast.facts.take(rows)
        good = in_range(values, facts["low"], facts["high"])
        found = take(fast, rows, times, values, facts, late)
        expected = take_one_by_one(slow, rows, times, values, facts, good, late)
        assert found.accepted.tolist() == expected.accepted.tolist()
        assert found.good.tolist() == expected.good.tolist()
        assert found.grades[found.accepted].tolist() == expected.grades[expected.accepted].tolist()
        assert (found.duplicates, found.conflicts) == (expected.duplicates, expected.conflicts)
        assert fast.hot.tolist() == slow.hot.tolist()
        assert dict(fast.changed_blocks()) == dict(slow.changed_blocks())


def test_what_is_too_late_is_not_learned() -> None:
    table = _table()
    one = np.array([0], np.int64)
    before = table.hot.tolist()
    taken = take(table, one, one + 5, np.array([9_999.0]), table.facts.take(one), np.array([True]))
    assert taken.accepted.tolist() == [True]
    assert table.hot.tolist() == before


def test_quality_falls_with_each_reading_out_of_range_and_recovers() -> None:
    table = _table()
    rows, grades = np.zeros(1, np.int64), []
    for time, value in enumerate((1.0, 5_000.0, 5_000.0, 1.0, 1.0)):
        taken = take(table, rows, rows + time, np.array([value]), table.facts.take(rows), np.zeros(1, bool))
        grades.append(round(float(taken.grades[0]), 3))
    assert grades == [1.0, 0.0, 0.0, 0.829, 0.846]


def test_quality_falls_while_a_sensor_says_the_same_for_too_long_and_recovers() -> None:
    table, rows, grades = _table(stuck_after=3), np.zeros(1, np.int64), []
    for time, value in enumerate((1.0, 1.2, 1.4, 1.4, 9.0, 1.0)):
        taken = take(table, rows, rows + time, np.array([value]), table.facts.take(rows), np.zeros(1, bool))
        grades.append(round(float(taken.grades[0]), 3))
    assert grades == [1.0, 1.0, 0.9, 0.81, 0.829, 0.846]


@pytest.mark.parametrize("form", OLDER)
def test_hot_state_of_an_older_form_is_read(form: np.dtype[np.void]) -> None:
    table, rows = _table(), np.zeros(1, np.int64)
    take(table, rows, rows + 7, np.array([5.0]), table.facts.take(rows), np.zeros(1, bool))
    old = np.zeros(BLOCK, form)
    for field in form.names or ():
        old[field] = table.hot[field]
    fresh = _table()
    fresh.restore_block("hot/0", pack_array(old.tobytes()))
    assert fresh.hot[0].tolist() == (7, 5.0, 1.0, 1 if "run" in (form.names or ()) else 0, 0)
    with pytest.raises(StateFormatError, match="has 5 bytes"):
        fresh.restore_block("hot/0", pack_array(b"x"))
