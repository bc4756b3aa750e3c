from hypothesis import given
from hypothesis import strategies as st

from simulators.ordering import in_order
from simulators.recorded import Row

ROWS = st.builds(
    Row,
    time_ns=st.integers(0, 50),
    thing=st.sampled_from(["a", "b", "c"]),
    cells=st.lists(st.tuples(st.integers(0, 3), st.floats(allow_nan=False) | st.booleans()), max_size=2).map(tuple),
)


@given(rows=st.lists(ROWS, max_size=60), run_rows=st.integers(1, 70))
def test_runs_merged_from_disk_equal_one_sort(rows: list[Row], run_rows: int) -> None:
    assert list(in_order(rows, run_rows)) == sorted(rows)


def test_booleans_stay_booleans_on_disk() -> None:
    rows = [Row(2, "a", ((0, True),)), Row(1, "a", ((0, 1.0),))]
    found = [row.cells[0][1] for row in in_order(rows, run_rows=1)]
    assert [type(value) for value in found] == [float, bool]
