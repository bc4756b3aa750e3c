"""The whole as a person reads it in a terminal."""

import msgspec

from streams.overview import Overview, Process, render_overview
from streams.progress import StageProgress

WELL = Overview(
    kafka="127.0.0.1:9092", broker="kafka", store="duckdb:///.vitals/vitals.duckdb", console="127.0.0.1:8080",
    namespace="", rows=14, judged=8, late=1, dead=2, duplicate=3, stored=8, expired=0, skipped=0, lag=0,
    balance="closed", alerts={"orange": 1}, cases={}, dead_lately={"schema": 2},
    stages=(StageProgress(stage="sense", behind=7, in_per_s=90.4, watermark_age_s=11.2),),
    processes=(Process(name="worker", pid=5, alive=True, rss_mib=70), Process(name="store", pid=6, alive=False)),
)  # fmt: skip


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
