"""Stalls: behind and unmoved, counted from the look that saw it first."""

from streams.delivery.stalls import Stall, Stalls


def test_what_has_come_to_the_end_is_not_stalled_however_long_ago() -> None:
    stalls = Stalls[str]()
    assert [stalls.look({"a": 5}, {"a": 5}, now) for now in (0.0, 100.0)] == [Stall(0.0, 0.0)] * 2
    assert stalls.look({"a": 6}, {"a": 5}, 200.0) == Stall(0.0, 0.0)


def test_what_is_behind_and_does_not_move_is_stalled_since_it_was_first_seen_so() -> None:
    stalls = Stalls[str]()
    assert stalls.look({"a": 6}, {"a": 5}, 10.0) == Stall(0.0, 0.0)
    assert stalls.look({"a": 9}, {"a": 5}, 30.0) == Stall(20.0, 20.0)
    assert stalls.look({"a": 9}, {"a": 6}, 40.0) == Stall(0.0, 0.0)


def test_one_that_starves_is_seen_though_the_others_move() -> None:
    stalls = Stalls[str]()
    found = [stalls.look({"a": 9, "b": 99}, {"a": 5, "b": now}, float(now)) for now in (0, 10, 20)]
    assert found[-1] == Stall(0.0, 20.0)


def test_a_new_assignment_counts_anew() -> None:
    stalls = Stalls[str]()
    stalls.look({"a": 6}, {"a": 5}, 0.0)
    assert stalls.look({"b": 6}, {"b": 5}, 50.0) == Stall(0.0, 0.0)


def test_what_is_forgotten_counts_anew() -> None:
    stalls = Stalls[str]()
    stalls.look({"a": 6}, {"a": 5}, 0.0)
    stalls.forget()
    assert stalls.look({"a": 6}, {"a": 5}, 50.0) == Stall(0.0, 0.0)


def test_a_place_whose_end_is_not_known_is_not_behind() -> None:
    assert Stalls[str]().look({}, {"a": 5}, 0.0) == Stall(0.0, 0.0)
