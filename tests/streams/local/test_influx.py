"""What LocalInflux decides without a server."""

from datetime import timedelta
from pathlib import Path

import pytest

from streams.local.influx import LocalInflux, _quoted, _shard_hours
from streams.local.process import ServiceMissingError


def test_without_the_program_the_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITALS_TOOLS", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="run `make services`"):
        LocalInflux(tmp_path / "data").start()


def test_a_name_cannot_break_out_of_its_quotes() -> None:
    assert _quoted('a" DROP DATABASE "b\\') == '"a\\" DROP DATABASE \\"b\\\\"'


@pytest.mark.parametrize(
    ("kept", "hours"),
    [(timedelta(hours=1), 1), (timedelta(days=1), 1), (timedelta(days=7), 24), (timedelta(days=365), 168)],
)
def test_shards_are_a_small_part_of_what_is_kept(kept: timedelta, hours: int) -> None:
    assert _shard_hours(int(kept.total_seconds())) == hours


def test_what_is_kept_for_ever_has_week_long_shards() -> None:
    assert _shard_hours(None) == 168
