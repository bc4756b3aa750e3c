"""Which database ``VITALS_STORE`` names.

``influxdb://host:8086[?org=..]`` (``influxdbs://`` for TLS) or ``duckdb:///folder/file``; a DuckDB path that
begins with a dot (``duckdb:///.vitals/vitals.duckdb``) is relative to the current folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from streams.settings import Settings, SettingsError
from streams.store.database import Database

EXAMPLES = "influxdb://127.0.0.1:8086 or duckdb:///.vitals/vitals.duckdb"


class Address(NamedTuple):
    """What ``VITALS_STORE`` says: a URL of an InfluxDB, or a DuckDB file."""

    url: str = ""
    org: str = ""
    path: Path | None = None


def read_address(store: str) -> Address:
    """Return what ``VITALS_STORE`` says; ``SettingsError`` if that is nothing."""
    try:
        parts = urlsplit(store)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"bad setting: store {store!r}: {error}; give {EXAMPLES}") from error
    if parts.scheme in {"influxdb", "influxdbs"} and parts.hostname and parts.username is None:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        scheme = "https" if parts.scheme == "influxdbs" else "http"
        org = parse_qs(parts.query).get("org", [""])[0]
        return Address(url=f"{scheme}://{host}:{port or 8086}", org=org)
    if parts.scheme == "duckdb" and not parts.netloc and len(parts.path) > 1:
        return Address(path=Path(parts.path[1:] if parts.path.startswith("/.") else "/" + parts.path.lstrip("/")))
    raise SettingsError(
        f"bad setting: store must be {EXAMPLES}, not {parts._replace(netloc=parts.hostname or '').geturl()!r}"
    )


def make_database(settings: Settings) -> Database:
    """Return the database that the settings name, not yet open; ``SettingsError`` if they name none."""
    address = read_address(settings.store)
    if address.path is not None:  # imported when needed: every command reads an address, few open a database
        from streams.store.duck import DuckStore

        return DuckStore(settings, address.path)
    from streams.store.influx import InfluxStore

    return InfluxStore(settings, address.url, address.org)
