"""A backtest reads what the store holds of a series, however many rows that are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import streams.backtest.recording as recording_module
from schemas.times import MAX_NS, MIN_NS
from streams.backtest.recording import read_store
from streams.settings import Settings, SettingsError
from streams.store.duck import DuckStore
from streams.store.line_protocol import Heads
from streams.store.points import Bucket
from streams.store.rows import Limits, judged_rows
from tests.streams.store.rig import pack

LIMITS = Limits(oldest_ns=0, keep_readings=True, heads=Heads({"LAeq"}))
NOW = time.time_ns() // 1_000_000 * 1_000_000


async def test_rows_come_in_order_of_time_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(store=f"duckdb://{tmp_path}/vitals.duckdb")
    store = DuckStore(settings, tmp_path / "vitals.duckdb")
    await store.open()
    rows = [(name, NOW + n * 1_000_000, float(n)) for n in range(25) for name in ("d1/LAeq", "d2/LAeq")]
    await store.write(Bucket("actual", "readings"), judged_rows(pack(0, 0, len(rows), rows), LIMITS).blocks)
    await store.close()
    monkeypatch.setattr(recording_module, "MAX_LIMIT", 10)
    found = await read_store(settings, "d1/LAeq", MIN_NS, MAX_NS)
    assert found.values.tolist() == [float(n) for n in range(25)]
    assert (found.times_ns - NOW).tolist() == [n * 1_000_000 for n in range(25)]
    part = await read_store(settings, "d1/LAeq", NOW + 1_000_000, NOW + 3_000_000)
    assert part.values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("name", "said"), [("d9/LAeq", "holds no reading of d9/LAeq"), ("d1", "DEVICE/QUANTITY")])
async def test_what_is_not_there_is_said(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        await read_store(Settings(store=f"duckdb://{tmp_path}/vitals.duckdb"), name, MIN_NS, MAX_NS)
