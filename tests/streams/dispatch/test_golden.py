"""State as it lies in the log; see ``tests/streams/sense/test_golden.py``.

``python -m tests.streams.dispatch.test_golden`` writes the files anew.
"""

from __future__ import annotations

from pathlib import Path

from tests.streams.dispatch.builders import alert, by_id, cleared, partition, said, team, told, until, word
from tests.streams.golden import Golden

TEAMS = by_id(team("lifts", "lift"))
BEFORE = [
    told(alert(5.0)),
    *until(10.0),
    said(word(12.0, "accept", team_id="lifts")),
    *until(20.0),
    told(alert(22.0, name="al-2"), 1),  # waits for the watermark
    said(word(25.0, "arrive", team_id="lifts"), 1),
]
AFTER = [
    told(alert(5.0)),  # sent again after a crash upstream
    *until(30.0),
    said(word(40.0, "done", team_id="lifts"), 2),
    told(cleared(50.0, 3), 2),
    *until(3_000.0),
]
GOLDEN = Golden(Path(__file__).parent / "golden", lambda: partition(TEAMS), BEFORE, AFTER)


def test_what_was_written_is_read_and_gives_the_effects_that_it_must() -> None:
    assert GOLDEN.effects_after() == GOLDEN.kept_effects()


def test_what_we_write_has_not_changed() -> None:
    assert GOLDEN.written() == GOLDEN.kept()


def test_there_is_a_file_of_each_kind_of_block() -> None:
    kinds = {name.removesuffix(".block").partition("-")[0] for name in GOLDEN.kept()}
    assert kinds == {"buffer", "cases", "clocks"}


if __name__ == "__main__":
    GOLDEN.write()
