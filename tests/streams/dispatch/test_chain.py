"""What ``vitals case ID`` prints."""

from __future__ import annotations

from streams.dispatch.chain import local_time, plain, render_case
from tests.streams.dispatch.builders import alert, by_id, case_id, cleared, newest, partition, play, team, word


def _closed() -> str:
    state = partition(by_id(team("lift-a")))
    words = (word(10, "accept"), word(60, "arrive", note="door\x1b[31m stuck\n"), word(120, "done"))
    return render_case(newest(play(state, alert(0), 1, *words, cleared(130, 3), 200)))


def test_a_case_reads_from_the_first_reading_to_the_one_that_verified_it() -> None:
    lines = _closed().splitlines()
    assert lines[0] == f"Case {case_id()}   lift-fault   version 5"
    assert "  State     结案 closed, tier unit, yellow" in lines
    assert "  Opened    2026-01-01 08:00:00" in lines
    assert f"  Team      lift-a, order {case_id()}-1" in lines
    chain = lines[lines.index("Chain, from the first reading to the last") + 1 :]
    kinds = [line[25:38].strip() for line in chain]
    assert kinds[:3] == ["reading", "anomaly", "alert"]
    assert kinds[-3:] == ["verification", "step", "step"]
    assert chain[0].startswith("  2026-01-01 08:00:00    reading      vitals.readings/1/0 lift-1/lift_fault   lift-1")
    assert "✓ verification vitals.readings/1/130 lift-1/lift_fault" in chain[-3]


def test_every_step_has_its_local_time_tier_and_author() -> None:
    lines = _closed().splitlines()
    steps = lines[lines.index("Steps") + 1 : lines.index("Chain, from the first reading to the last") - 1]
    assert len(steps) == 9
    assert steps[4] == "  2026-01-01 08:00:10  接单 accepted        unit         by wang"
    assert steps[-2].startswith(
        "  2026-01-01 08:03:10  核查 checked         unit         by sensor   1 of 1 subjects clear"
    )


def test_a_case_without_a_team_says_so() -> None:
    text = render_case(newest(play(partition(), alert(0, mode="exercise"), 1)))
    assert "[exercise]" in text
    assert "  Team      none yet" in text
    assert "  Due       2026-01-01 08:05:00" in text


def test_free_text_cannot_command_the_terminal() -> None:
    assert "\x1b" not in _closed()
    assert plain("a\nb\x1b[0m\x07") == "a b [0m "


def test_times_are_those_of_shanghai() -> None:
    assert local_time("2025-12-31T16:00:00.5Z") == "2026-01-01 00:00:00"
