"""The laws that every detector of many series keeps, written once: ``play`` a course through it and compare.

A detector is given as a function that takes a state and a course, float64 (time, series), and returns scores of the
same shape.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from detectors.arrays import FloatArray

Play = Callable[[Any, FloatArray], FloatArray]  # state, course -> scores; the state is changed in place


def order_does_not_matter(play: Play, empty: Callable[[int], Any], course: FloatArray, seed: int) -> None:
    """Series are judged alone: shuffled, each has the scores that it had."""
    order = np.random.default_rng(seed).permutation(course.shape[1])
    straight, shuffled = play(empty(len(order)), course), play(empty(len(order)), course[:, order])
    np.testing.assert_array_equal(straight[:, order], shuffled)


def a_snapshot_resumes(play: Play, empty: Callable[[int], Any], course: FloatArray, cut: int) -> None:
    """What is saved in the middle and loaded goes on to the same scores; and no score depends on what comes later."""
    state = empty(course.shape[1])
    whole = play(state, course)
    half = empty(course.shape[1])
    first = play(half, course[:cut])
    loaded = copy.deepcopy(half)
    np.testing.assert_array_equal(whole, np.concatenate((first, play(loaded, course[cut:]))))


def scores_are_finite(play: Play, empty: Callable[[int], Any]) -> None:
    """Whatever comes, as long as it is finite."""
    course = np.array([[1e30], [-1e30], [0.0], [1e-30], [1e30], [5.0]] * 40)
    assert np.isfinite(play(empty(1), course)).all()


def size_of(state: Any) -> int:
    """Return the bytes of a state's arrays; it has no other parts that could grow."""
    parts = [getattr(state, name) for name in state.__slots__]
    assert all(isinstance(part, np.ndarray) for part in parts), "a state is arrays and nothing else"
    return sum(int(part.nbytes) for part in parts)


def the_state_does_not_grow(play: Play, empty: Callable[[int], Any], course: FloatArray) -> None:
    """However much has been learned."""
    state = empty(course.shape[1])
    before = size_of(state)
    play(state, course)
    assert size_of(state) == before
