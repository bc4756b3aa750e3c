"""State as it lies in the log; see ``tests/streams/sense/test_golden.py``.

``python -m tests.streams.alert.test_golden`` writes the files anew.
"""

from __future__ import annotations

from pathlib import Path

from tests.streams.alert.builders import action, anomaly, partition, record, scores, until
from tests.streams.golden import Golden

BEFORE = [
    record(anomaly(5.0)),
    record(anomaly(6.0, name="a2", subject="lift-2")),
    record(scores(0.0, utilities=30.0, safety=80.0)),
    *until(8.0),
    record(action(9.0, "silence", until="2030-01-01T00:00:00Z", matcher={"scenario": "gas-leak"})),
    *until(20.0),
    record(anomaly(30.0, "clear")),  # waits for the watermark
    record(anomaly(31.0, name="a3", subject="gas-1", scenario="gas-leak", quantity="ch4")),
]
AFTER = [
    record(anomaly(5.0)),  # sent again after a crash upstream
    *until(40.0),
    record(anomaly(41.0, "clear", name="a2", subject="lift-2")),
    record(scores(0.0, revision=1, utilities=50.0)),
    *until(400.0),
]
HERE = Path(__file__).parent
GOLDEN = Golden(HERE / "golden", partition, BEFORE, AFTER)
BEFORE_DAMPING = Golden(HERE / "golden_before_damping", partition, BEFORE, AFTER)  # never written anew


def test_what_was_written_is_read_and_gives_the_effects_that_it_must() -> None:
    assert GOLDEN.effects_after() == GOLDEN.kept_effects()


def test_alerts_from_before_flap_damping_are_read_as_such_that_never_flapped() -> None:
    assert b"flaps" not in b"".join(BEFORE_DAMPING.kept().values())
    assert BEFORE_DAMPING.effects_after() == BEFORE_DAMPING.kept_effects()


def test_what_we_write_has_not_changed() -> None:
    assert GOLDEN.written() == GOLDEN.kept()


def test_there_is_a_file_of_each_kind_of_block() -> None:
    kinds = {name.removesuffix(".block").partition("-")[0] for name in GOLDEN.kept()}
    assert kinds == {"alerts", "clocks", "inhibition", "scores", "waiting"}


if __name__ == "__main__":
    GOLDEN.write()
