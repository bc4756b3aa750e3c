"""A unit, and the whole, as a person reads them in a terminal."""

import msgspec

from schemas.signs import Indicator
from streams.overview import Overview, Process, render_overview
from streams.progress import StageProgress
from streams.unit_now import UnitNow, render_unit
from tests.streams.console.builders import alert, case

UNIT = "hp.nanjing-east.g03.nanjing-building"
WELL = Overview(
    kafka="127.0.0.1:9092", broker="kafka", store="duckdb:///.vitals/vitals.duckdb", console="127.0.0.1:8080",
    namespace="", rows=14, judged=8, late=1, dead=2, duplicate=3, stored=8, expired=0, skipped=0, lag=0,
    balance="closed", alerts={"orange": 1}, cases={}, dead_lately={"schema": 2},
    stages=(StageProgress(stage="sense", behind=7, in_per_s=90.4, watermark_age_s=11.2),),
    processes=(Process(name="worker", pid=5, alive=True, rss_mib=70), Process(name="store", pid=6, alive=False)),
)  # fmt: skip
SPEED = Indicator(
    unit_id=UNIT, indicator="noise_level", mode="exercise", window_start="2026-01-01T00:00:00Z", window_s=60,
    value=61.52, unit="dB", score=82.5, colour="green", n=30, coverage=0.9,
)  # fmt: skip


def lines(unit: UnitNow) -> list[str]:
    return [" ".join(line.split()) for line in render_unit(unit).splitlines()]


def test_a_unit_shows_its_indicators_and_what_is_open_there() -> None:
    raised, opened = alert(), case(4, "dispatched")
    said = lines(UnitNow(unit_id=UNIT, indicators=(SPEED,), alerts=(raised,), cases=(opened,)))
    assert said[:4] == [
        UNIT, "", "Indicators",
        "noise_level 61.52 dB 82.5 green 2026-01-01 08:00:00 coverage 0.90 [exercise]",
    ]  # fmt: skip
    assert said[6].startswith(f"{raised.alert_id} {raised.colour} {raised.state} {raised.scenario} since ")
    assert said[9].startswith(f"{opened.case_id} {opened.colour} dispatched {opened.tier} {opened.scenario} since ")


def test_a_unit_without_anything_says_so() -> None:
    said = lines(UnitNow(unit_id=UNIT, indicators=(), alerts=(), cases=()))
    assert said == [UNIT, "", "Indicators", "none yet", "", "Open alerts", "none", "", "Open cases", "none"]


def test_the_whole_is_one_screen() -> None:
    said = render_overview(WELL).splitlines()
    assert "Processes     worker 70 MiB, store DEAD (pid 6)" in said
    assert "Rows          14 in: 8 judged, 1 late, 2 dead, 3 duplicate" in said
    assert "              8 stored, 0 expired, 0 skipped; 0 lag" in said
    assert "Dead (1 h)    2 schema" in said
    assert " ".join(said[-1].split()) == "sense 7 90 11 s"
    assert "Open alerts   1 orange" in said
    assert "Open cases    none" in said
    assert len(said) < 24


def test_the_exit_code_is_the_balances() -> None:
    codes = [msgspec.structs.replace(WELL, balance=status).exit_code() for status in ("closed", "open", "lagging")]
    assert codes == [0, 1, 3]
