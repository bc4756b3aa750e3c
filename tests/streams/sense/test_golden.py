"""State as it lies in the log: blocks that an earlier program wrote are read, and go on to the effects that they must.

A change on purpose has another format number and reads the old one, or refuses it. Then write the files anew:
``python -m tests.streams.sense.test_golden``.
"""

from __future__ import annotations

from pathlib import Path

from tests.streams.golden import Golden
from tests.streams.sense.builders import crowd, pack, partition, report, until, video

BEFORE = [
    pack(("gas-1/ch4", 5.0, 3_000.0), ("gas-2/ch4", 6.0, 2_400.0), ("air-1/pm25", 5.0, 20.0), ident="a"),
    pack(("gas-1/co", 7.0, 50.0), ("gas-1/co", 8.0, 3.0), ("gas-1/co", 9.0, 3.0), ("gas-2/ch4", 8.0, -5.0)),
    crowd(30.0, 450, flow=(80, 10), ident="b"),
    video(30.0, 320, ident="c"),
    report(30.0),
    *until(0.0),
]
AFTER = [
    pack(("gas-1/ch4", 5.0, 3_000.0), ident="a"),  # a repeat
    pack(("gas-1/ch4", 10.0, 10.0), ("gas-1/ch4", 11.0, 10.0), ("gas-2/ch4", 40.0, 2_900.0), ("gas-1/co", 7.0, 400.0)),
    crowd(50.0, 510),
    *until(60.0),
]
GOLDEN = Golden(Path(__file__).parent / "golden", partition, BEFORE, AFTER)


def test_what_was_written_is_read_and_gives_the_effects_that_it_must() -> None:
    assert GOLDEN.effects_after() == GOLDEN.kept_effects()


def test_what_we_write_has_not_changed() -> None:
    assert GOLDEN.written() == GOLDEN.kept()


def test_there_is_a_file_of_each_kind_of_block() -> None:
    kinds = {name.partition("__")[0].removesuffix(".block") for name in GOLDEN.kept()}
    assert kinds == {"names", "hot", "windows", "anomalies", "dedup", "clock"}


if __name__ == "__main__":
    GOLDEN.write()
