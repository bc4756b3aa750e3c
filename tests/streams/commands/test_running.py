"""How commands run: mappings, spans of time, speeds, addresses."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.times import MAX_NS, MIN_NS, parse_time
from streams.commands.running import mapping_path, need_store, replay_speed, run_until_stopped, shown, time_span
from streams.settings import Settings, SettingsError

NEW_YEAR = "2014-01-01T00:00:00Z"


def test_a_mapping_is_a_file_or_the_name_of_a_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("")
    assert mapping_path(own) == own
    assert mapping_path(Path("melbourne")).name == "melbourne.yaml"


def test_a_mapping_that_is_neither_is_refused_with_the_shipped_ones() -> None:
    with pytest.raises(SettingsError, match=r"no mapping lagos: .* \(melbourne, nab-traffic\)"):
        mapping_path(Path("lagos"))


@pytest.mark.parametrize(
    ("since", "until", "span"),
    [
        (None, None, (MIN_NS, MAX_NS)),
        (NEW_YEAR, None, (parse_time(NEW_YEAR), MAX_NS)),
        (None, NEW_YEAR, (MIN_NS, parse_time(NEW_YEAR))),
    ],
)
def test_a_span_is_open_where_nothing_is_said(since: str | None, until: str | None, span: tuple[int, int]) -> None:
    assert time_span(since, until) == span


@pytest.mark.parametrize(("text", "speed"), [("max", None), ("1", 1.0), ("3600.5", 3600.5)])
def test_a_speed_is_a_number_or_as_fast_as_can_be(text: str, speed: float | None) -> None:
    assert replay_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--speed must be a number above 0, or max"):
        replay_speed(text)


def test_a_database_in_a_file_needs_no_server() -> None:
    need_store(Settings(store="duckdb:///.vitals/vitals.duckdb"))


def test_nothing_is_lost_where_nobody_looks_on() -> None:
    assert list(shown(iter([1, 2, 3]), 6, lambda size: size)) == [1, 2, 3]


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the process's own handlers back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_work_in_order(number: signal.Signals) -> None:
    async def work(stop: asyncio.Event) -> str:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10)
        return "done in order"

    assert run_until_stopped(work) == "done in order"
