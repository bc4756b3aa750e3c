"""The core equals the scalar reference, whatever the order of series and however often one comes in a call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import detectors.core as core_module
from detectors.arrays import Float32Array, FloatArray
from detectors.core import Core, CoreState, Found
from tests.detectors import laws

CORE = Core(warmup=5)
FACTS = np.array([[-100.0, 100.0, 0.1, 4.0]], np.float32)
values = st.floats(-150, 150, width=32)


def empty(series: int) -> CoreState:
    return CoreState.empty(FACTS.repeat(series, axis=0))


def play(state: CoreState, course: FloatArray) -> FloatArray:
    rows = np.arange(course.shape[1])
    return np.array([CORE.step(state, rows, line.astype(np.float32)).score for line in course])


class Naive:
    """One series in plain numbers."""

    def __init__(self) -> None:
        self.level = self.scale = self.last = self.up = self.down = 0.0
        self.run = self.count = 0

    def step(self, value: float) -> tuple[bool, bool, float, float, bool]:
        low, high, resolution, stuck_after = (float(fact) for fact in FACTS[0])
        good, warm = low <= value <= high, self.count >= CORE.warmup
        self.run = self.run + 1 if self.run and abs(value - self.last) <= resolution else 1
        self.last = value
        floor = max(self.scale, resolution)
        deviations = (value - self.level) / floor
        clipped = min(max(deviations, -CORE.clip), CORE.clip)
        if warm and good:
            self.up = max(0.0, self.up + clipped - CORE.slack)
            self.down = max(0.0, self.down - clipped - CORE.slack)
        shift = max(self.up, self.down)
        if shift > CORE.limit:
            self.up = self.down = 0.0
        score = abs(deviations) if warm and good else 0.0
        if good:
            reach = CORE.clip * floor if warm else float("inf")
            learned = min(max(value - self.level, -reach), reach)
            self.level += max(1 / (self.count + 1), CORE.alpha) * learned
            if self.count:
                slow = max(1 / self.count, CORE.gamma)
                self.scale += slow * (float(core_module.GAUSSIAN) * abs(learned) - self.scale)
            self.count += 1
        return good, self.run >= stuck_after, score, shift, shift > CORE.limit


def same(found: Found, place: int, expected: tuple[bool, bool, float, float, bool]) -> None:
    good, stuck, score, shift, shifted = expected
    assert (found.in_range[place], found.stuck[place]) == (good, stuck)
    assert found.score[place] == pytest.approx(score, rel=2e-3, abs=2e-3)
    assert found.shift[place] == pytest.approx(shift, rel=2e-3, abs=2e-2)
    if abs(shift - CORE.limit) > 0.1:
        assert found.shifted[place] == shifted


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), values), min_size=1, max_size=80), st.integers(1, 80))
def test_any_order_and_any_calls_equal_the_scalar_reference(log: list[tuple[int, float]], size: int) -> None:
    state, naive = empty(4), [Naive() for _ in range(4)]
    for begin in range(0, len(log), size):
        part = log[begin : begin + size]
        rows, column = np.array([row for row, _ in part]), np.array([value for _, value in part], np.float32)
        found = CORE.step(state, rows, column)
        for place, (row, value) in enumerate(part):
            same(found, place, naive[row].step(value))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).normal(20, 5, (50, 4))
    laws.order_does_not_matter(play, empty, course, seed)
    laws.a_snapshot_resumes(play, empty, course, cut)
    laws.the_state_does_not_grow(play, empty, course)
    laws.scores_are_finite(play, empty)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows, column = rng.integers(0, 50, 2_000), rng.normal(20, 5, 2_000).astype(np.float32)
    whole, cut = empty(50), empty(50)
    expected = CORE.step(whole, rows, column)
    monkeypatch.setattr(core_module, "CHUNK", 7)
    found = CORE.step(cut, rows, column)
    np.testing.assert_array_equal(whole.hot, cut.hot)
    np.testing.assert_array_equal(expected.score, found.score)


def course_of(*parts: tuple[float, int]) -> Float32Array:
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(level, 1.0, count) for level, count in parts]).astype(np.float32)


def test_a_gross_outlier_crosses_teaches_little_and_a_shift_is_found_soon() -> None:
    state, row = empty(1), np.array([0])
    for value in course_of((20.0, 200)):
        found = CORE.step(state, row, np.array([value], np.float32))
    before = float(state.hot[0, core_module.LEVEL])
    found = CORE.step(state, row, np.array([90.0], np.float32))
    assert found.score[0] > 30
    assert abs(float(state.hot[0, core_module.LEVEL]) - before) < 0.5
    said = [bool(CORE.step(state, row, np.array([value])).shifted[0]) for value in course_of((23.0, 20))]
    assert True in said[:5]


def test_a_row_of_state_is_half_a_cache_line_and_facts_a_quarter() -> None:
    state = empty(1_000)
    assert state.hot.nbytes / 1_000 == 32
    assert state.facts.nbytes / 1_000 == 16


@pytest.mark.parametrize(
    "fault", [{"alpha": 0.0}, {"gamma": 1.0}, {"clip": 0.0}, {"warmup": 0}, {"slack": -1.0}, {"limit": 0.0}]
)
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        Core(**fault)  # type: ignore[arg-type]


def test_a_value_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = empty(2)
    with pytest.raises(ValueError, match="finite"):
        CORE.step(state, np.array([0, 1]), np.array([1.0, np.nan], np.float32))
    assert not state.hot.any()
