"""InfluxDB 1.8 on this machine, from the program of `make services`; influxdb-client's v2 API works with it.

What a 2.x client calls a bucket is here a database with a retention policy: ``vitals`` is the default policy of the
database ``vitals`` (as is ``vitals/autogen``), ``vitals/hourly`` another one of it. Organisation and token are ignored.
"""

from __future__ import annotations

import json
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from streams.local.process import LOOPBACK, LocalService, ServiceMissingError, deploy_folder, free_port, tools_folder

DEFAULT_POLICY = "autogen"
HTTP_OK = 200
ASK_SECONDS = 10.0


class LocalInflux(LocalService):
    """An InfluxDB on a loopback port with a data folder of its own.

    Parameters
    ----------
    data_dir
        None: a fresh temporary folder.
    port
        Of its HTTP API. None: a free one.
    start_seconds
        How long ``start`` waits for readiness.
    """

    name: ClassVar[str] = "influxdb"

    def __init__(self, data_dir: Path | None = None, port: int | None = None, *, start_seconds: float = 60.0) -> None:
        super().__init__(data_dir, port, start_seconds)
        self._backup_port = free_port()

    @property
    def url(self) -> str:
        """The address for influxdb-client."""
        return f"http://{LOOPBACK}:{self.port}"

    @classmethod
    def require(cls) -> None:
        """Raise ``ServiceMissingError`` unless `make services` has built the server."""
        if not _program().exists():
            message = "InfluxDB is not built here: run `make services` (needs Go 1.24 or newer)"
            raise ServiceMissingError(message)

    def create_bucket(self, name: str, retention_seconds: int | None = None) -> None:
        """Make a bucket, or give one that exists this retention.

        Parameters
        ----------
        name
            ``database`` (its default policy, ``autogen``) or ``database/policy``.
        retention_seconds
            At least 3,600, the least that InfluxDB takes. None: for ever.

        Raises
        ------
        ValueError
            InfluxDB refused; its own words.
        """
        database, _, policy = name.partition("/")
        policy = policy or DEFAULT_POLICY
        duration = f"{retention_seconds}s" if retention_seconds else "INF"
        self._query(f"CREATE DATABASE {_quoted(database)}")
        verb = "ALTER" if policy in self._policies(database) else "CREATE"
        self._query(
            f"{verb} RETENTION POLICY {_quoted(policy)} ON {_quoted(database)}"
            f" DURATION {duration} REPLICATION 1 SHARD DURATION {_shard_hours(retention_seconds)}h"
        )

    def _policies(self, database: str) -> frozenset[str]:
        (answer,) = self._query(f"SHOW RETENTION POLICIES ON {_quoted(database)}")
        return frozenset(row[0] for row in answer["series"][0]["values"])

    def _query(self, statement: str) -> list[Any]:
        status, answer = self._ask("POST", "/query?" + urlencode({"q": statement}))
        said = json.loads(answer)
        results = said.get("results", [])
        refused = next((what["error"] for what in (said, *results) if "error" in what), None)
        if status != HTTP_OK or refused:
            message = f"influxdb refused {statement!r}: {refused or status}"
            raise ValueError(message)
        return list(results)

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=ASK_SECONDS)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _prepare(self) -> None:
        """Nothing: the configuration is read from the checkout, folders are made by the server."""

    def _command(self) -> list[str]:
        return [str(_program()), "run", "-config", str(deploy_folder() / "influxdb" / "influxdb.conf")]

    def _environment(self) -> dict[str, str]:
        return {
            "INFLUXDB_BIND_ADDRESS": f"{LOOPBACK}:{self._backup_port}",
            "INFLUXDB_HTTP_BIND_ADDRESS": f"{LOOPBACK}:{self.port}",
            "INFLUXDB_META_DIR": str(self.data_dir / "meta"),
            "INFLUXDB_DATA_DIR": str(self.data_dir / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(self.data_dir / "wal"),
        }

    def _is_ready(self) -> bool:
        try:
            status, _ = self._ask("GET", "/health")
        except (OSError, HTTPException):
            return False
        return status == HTTP_OK


def _program() -> Path:
    return tools_folder() / "influxd"


def _quoted(identifier: str) -> str:
    escaped = identifier.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _shard_hours(retention_seconds: int | None) -> int:
    """Hours of data in one shard, as InfluxDB itself would choose: whole shards are what retention drops."""
    if retention_seconds is None or retention_seconds > timedelta(days=180).total_seconds():
        return 7 * 24
    return 24 if retention_seconds >= timedelta(days=2).total_seconds() else 1
