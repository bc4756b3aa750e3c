"""The newest version of each id, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.console.ledger import Ledger


def ledger(kept: int = 3, open_kept: int = 100) -> Ledger[str]:
    return Ledger(lambda word: word.startswith("over"), kept, open_kept)


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_that_is_not_newer_changes_nothing(version: int) -> None:
    held = ledger()
    held.take("a", 2, "second")
    assert held.take("a", version, "other") is None
    assert held.get("a") == "second"


def test_what_is_over_leaves_the_open_ones_and_may_come_back() -> None:
    held = ledger()
    held.take("a", 1, "open")
    held.take("a", 2, "over")
    assert (list(held.open), list(held.over)) == ([], ["a"])
    held.take("a", 3, "open again")
    assert (list(held.open), list(held.over)) == (["a"], [])


def test_of_what_is_over_the_last_ones_are_kept_and_the_rest_is_named() -> None:
    held = ledger(kept=2)
    gone = [held.take(name, 1, "over") for name in "abcd"]
    assert gone == [(), (), ("a",), ("b",)]
    assert list(held.over) == ["c", "d"]


def test_a_replay_does_not_bring_back_what_has_gone() -> None:
    held = ledger(kept=1)
    held.take("a", 5, "over")
    held.take("b", 1, "over")
    assert held.get("a") is None
    assert held.take("a", 4, "open") is None


def test_open_ones_are_bounded_too() -> None:
    held = ledger(open_kept=2)
    held.take("a", 1, "open")
    held.take("b", 1, "open")
    assert held.take("c", 1, "open") == ("a",)


@given(st.permutations([(name, version) for name in "ab" for version in range(1, 6)]))
def test_the_end_is_the_same_in_any_order(takes: list[tuple[str, int]]) -> None:
    held = ledger()
    for name, version in takes:
        held.take(name, version, f"{name}{version}")
    assert held.open == {"a": "a5", "b": "b5"}
