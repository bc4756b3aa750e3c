"""Questions to InfluxDB in InfluxQL, which 1.x and 2.x both answer at ``/query``.

Names come from closed lists and values are ids (``Query`` checks both), so that nothing in a question needs escaping.
"""

from __future__ import annotations

from typing import Any

from streams.store.database import Query


def influxql(query: Query) -> str:
    """Return the question in InfluxQL."""
    m = query.measurement
    tags = [f""""{key}" = '{value}'""" for key, value in query.tags.items()]
    where = " AND ".join([*tags, f"time >= {query.start_ns}", f"time < {query.end_ns}"])
    if query.last:
        asked = f'SELECT * FROM "{query.name}" WHERE {where} GROUP BY * ORDER BY time DESC LIMIT 1'  # noqa: S608 - ids
        return f"{asked} SLIMIT {query.limit}"
    columns = ", ".join(f'"{key}"' for key in (*m.tags, *m.numbers, *m.texts))
    order = "DESC" if query.newest_first else "ASC"
    return f'SELECT {columns} FROM "{query.name}" WHERE {where} ORDER BY time {order} LIMIT {query.limit}'  # noqa: S608


def result_rows(query: Query, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of an answer: time, tags and the fields that are there."""
    rows: list[dict[str, Any]] = []
    for result in answer.get("results", ()):
        for series in result.get("series", ()):
            for values in series["values"]:
                found = series.get("tags", {}) | dict(zip(series["columns"], values, strict=True))
                rows.append({name: value for name, value in found.items() if value is not None})
    return rows[: query.limit]
