from __future__ import annotations

from pathlib import Path

import pytest

from streams.settings import SettingsError
from streams.store.address import Address, read_address


@pytest.mark.parametrize(
    ("store", "address"),
    [
        ("influxdb://127.0.0.1:8086", Address(url="http://127.0.0.1:8086")),
        ("influxdb://db", Address(url="http://db:8086")),
        ("influxdbs://db:443?org=city", Address(url="https://db:443", org="city")),
        ("influxdb://[::1]:8086", Address(url="http://[::1]:8086")),
        ("duckdb:////var/lib/vitals.duckdb", Address(path=Path("/var/lib/vitals.duckdb"))),
        ("duckdb:///var/lib/vitals.duckdb", Address(path=Path("/var/lib/vitals.duckdb"))),
        ("duckdb:///.vitals/vitals.duckdb", Address(path=Path(".vitals/vitals.duckdb"))),
    ],
)
def test_an_address_names_a_server_or_a_file(store: str, address: Address) -> None:
    assert read_address(store) == address


@pytest.mark.parametrize(
    "store",
    [
        "",
        "postgres://db",
        "influxdb://",
        "influxdb://u:p@db",
        "duckdb://",
        "duckdb:///",
        "duckdb://file",
        "influxdb://a:x",
    ],
)
def test_a_wrong_address_says_what_would_be_right(store: str) -> None:
    with pytest.raises(SettingsError, match=r"influxdb://127\.0\.0\.1:8086 or duckdb:///"):
        read_address(store)
