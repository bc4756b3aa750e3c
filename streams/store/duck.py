"""DuckDB, one file, for one machine without servers: the same points, appended, deduplicated by whoever reads.

``<measurement>_log`` takes what is written, in order; the view ``<measurement>`` shows one point a key, the newest
written. Appending and deduplicating at reading costs half of a primary key's upsert (2.4 against 5.8 us a row,
measured) and no index in memory. All work runs in one thread; writes that wait together go into one transaction.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from streams import metrics
from streams.settings import Settings, SettingsError
from streams.store.database import Query, UnavailableError, pause_seconds
from streams.store.points import (
    BUCKETS,
    MEASUREMENTS,
    READINGS,
    READINGS_PREFIX,
    RETENTION_NS,
    Block,
    Bucket,
    Measurement,
    Point,
    ReadingArrays,
    Refusal,
)

log = logging.getLogger(__name__)

RETENTION_PAUSE_S = 3_600.0
T = TypeVar("T")
Columns = dict[str, NDArray[Any]]
Waiting = tuple[Bucket, Sequence[Block], "asyncio.Future[None]"]


class DuckStore:
    """A DuckDB file; only this process may open it."""

    def __init__(self, settings: Settings, path: Path) -> None:
        self.path = path
        self._names = {bucket: bucket.name(settings) for bucket in BUCKETS}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._problem: str | None = f"duckdb {path} is not open yet"
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    def problem(self) -> str | None:
        return self._problem

    def retention_ns(self, bucket: Bucket) -> int | None:
        return RETENTION_NS[bucket.kind]

    async def open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"bad setting: store: {self.path.parent} cannot be made: {error}") from error
        await self._until_done(self._connect)
        await self._until_done(self._delete_old)
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        for task in (self._writer, self._keeper):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._run(connection.close)
        self._thread.shutdown()

    async def write(self, bucket: Bucket, blocks: Sequence[Block]) -> list[Refusal]:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((bucket, blocks, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await done
        return []

    async def query(self, query: Query) -> list[dict[str, Any]]:
        if self._connection is None:
            raise UnavailableError("the database is not open yet")
        try:
            return await self._run(lambda: self._ask(query))
        except duckdb.Error as error:
            raise UnavailableError(f"duckdb: {error}") from error

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._until_done(partial(self._insert, batch))
            except BaseException as error:
                for _, _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                raise
            metrics.STORE_WRITES.labels("ok").inc(len(batch))
            for _, _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _keep(self) -> None:
        """Delete what is older than its bucket keeps, every hour."""
        while True:
            await asyncio.sleep(RETENTION_PAUSE_S)
            await self._until_done(self._delete_old)

    async def _until_done(self, step: Callable[[], None]) -> None:
        """Run a step in the thread, again for ever while DuckDB fails (a locked file, a full disk)."""
        attempt = 0
        while True:
            try:
                await self._run(step)
            except (duckdb.Error, OSError) as error:
                problem = f"duckdb {self.path} cannot be written to ({error}); trying again"
                metrics.STORE_WRITES.labels("retried").inc()
                if problem != self._problem:
                    log.warning("%s", problem)
                self._problem = problem
            else:
                self._problem = None
                return
            await asyncio.sleep(pause_seconds(attempt))
            attempt += 1

    async def _run(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    def _connect(self) -> None:
        connection = duckdb.connect(str(self.path))
        for measurement in (READINGS, *MEASUREMENTS.values()):
            for statement in _definitions(measurement):
                connection.execute(statement)
        self._connection = connection

    def _insert(self, batch: Sequence[Waiting]) -> None:
        assert self._connection is not None, "open first"
        tables = _tables((self._names[bucket], blocks) for bucket, blocks, _ in batch)
        with self._connection.cursor() as cursor:
            cursor.begin()
            try:
                for name, columns in tables.items():
                    cursor.register("incoming", columns)
                    cursor.execute(f'INSERT INTO "{name}_log" SELECT * FROM incoming')  # noqa: S608 - a closed list
                    cursor.unregister("incoming")
                cursor.commit()
            except duckdb.Error:
                with suppress(duckdb.Error):  # a commit that failed has rolled back, and would hide its own reason
                    cursor.rollback()
                raise

    def _delete_old(self) -> None:
        assert self._connection is not None, "open first"
        for measurement in (READINGS, *MEASUREMENTS.values()):
            keep = RETENTION_NS[measurement.kind]
            if keep is not None:
                delete = f'DELETE FROM "{measurement.name}_log" WHERE time < ?'  # noqa: S608 - a closed list
                self._connection.execute(delete, [time.time_ns() - keep])

    def _ask(self, query: Query) -> list[dict[str, Any]]:
        assert self._connection is not None, "open first"
        m = query.measurement
        values = dict(query.tags)
        values["bucket"] = self._names[Bucket(query.mode, m.kind)]
        if m is READINGS:
            values["quantity"] = query.name.removeprefix(READINGS_PREFIX)
        where = " AND ".join([*(f"{key} = ?" for key in values), "time >= ? AND time < ?"])
        keys = _keys(m) if query.last else [*_keys(m), "time"]
        order = "DESC" if query.newest_first else "ASC"
        columns = ["time", *m.tags, *m.numbers, *m.texts]
        found = self._connection.execute(
            f'SELECT {", ".join(columns)} FROM "{m.name}_log" WHERE {where} '  # noqa: S608 - names of a closed list
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY time DESC, rowid DESC) = 1 "
            f"ORDER BY time {order}, {', '.join(m.tags)} LIMIT {query.limit}",
            [*values.values(), query.start_ns, query.end_ns],
        ).fetchall()
        rows = (zip(columns, row, strict=True) for row in found)
        return [{name: value for name, value in row if value is not None} for row in rows]


def _keys(measurement: Measurement) -> list[str]:
    """Return the columns that with ``time`` make a point's key."""
    return ["bucket", *(["quantity"] if measurement is READINGS else []), *measurement.tags]


def _definitions(m: Measurement) -> tuple[str, str]:
    """Return the statements that make a measurement's log and the view that has one row a key."""
    words = [f"{name} VARCHAR" for name in _keys(m)]
    numbers = [f"{name} DOUBLE" for name in m.numbers]
    texts = [f"{name} VARCHAR" for name in m.texts]
    columns = ", ".join([*words, "time BIGINT", *numbers, *texts])
    keys = ", ".join([*_keys(m), "time"])
    newest = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY rowid DESC) = 1"
    log_table = f'"{m.name}_log"'
    return (
        f"CREATE TABLE IF NOT EXISTS {log_table} ({columns})",
        f'CREATE OR REPLACE VIEW "{m.name}" AS SELECT * FROM {log_table} {newest}',  # noqa: S608 - a closed list
    )


def _tables(written: Iterable[tuple[str, Sequence[Block]]]) -> dict[str, Columns]:
    """Return the columns to append by measurement, in the order of writing."""
    readings: list[tuple[str, ReadingArrays]] = []
    points: dict[Measurement, list[tuple[str, Point]]] = {}
    for bucket, blocks in written:
        for block in blocks:
            if block.readings is not None:
                readings.append((bucket, block.readings))
            for point in block.points:
                points.setdefault(point.measurement, []).append((bucket, point))
    tables = {measurement.name: _point_columns(measurement, rows) for measurement, rows in points.items()}
    if readings:
        tables[READINGS.name] = _reading_columns(readings)
    return tables


def _reading_columns(parts: Sequence[tuple[str, ReadingArrays]]) -> Columns:
    buckets = [np.full(len(part.time), bucket, dtype=object) for bucket, part in parts]
    names = [np.array([name.split("/") for name in part.series], dtype=object)[part.which] for _, part in parts]
    both = np.concatenate(names)
    return {
        "bucket": np.concatenate(buckets),
        "quantity": np.ascontiguousarray(both[:, 1]),
        "device_id": np.ascontiguousarray(both[:, 0]),
        "time": np.concatenate([part.time for _, part in parts]),
        "value": np.concatenate([part.value for _, part in parts]),
        "quality": np.concatenate([part.quality for _, part in parts]),
    }


def _point_columns(m: Measurement, rows: Sequence[tuple[str, Point]]) -> Columns:
    columns: Columns = {"bucket": np.array([bucket for bucket, _ in rows], dtype=object)}
    for place, key in enumerate(m.tags):
        columns[key] = np.array([point.tags[place] for _, point in rows], dtype=object)
    columns["time"] = np.array([point.time_ns for _, point in rows], dtype=np.int64)
    for place, key in enumerate(m.numbers):
        columns[key] = np.array([point.numbers[place] for _, point in rows], dtype=np.float64)
    for place, key in enumerate(m.texts):
        columns[key] = np.array([point.texts[place] for _, point in rows], dtype=object)
    return columns
