"""What readers ask the store over loopback: points of a measurement, or the newest of each series.

``GET /api/points?measurement=readings_LAeq&tag.device_id=d1&from=..&to=..&limit=..&order=desc&mode=actual`` and
``GET /api/last?measurement=indicators&tag.unit_id=u1`` answer
``{"measurement": .., "rows": [{"time": .., tags and fields}]}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from schemas.ids import MODES
from schemas.times import MAX_NS, MIN_NS, format_time, parse_time
from streams.store.database import Database, Query, QueryError, UnavailableError
from streams.store.points import MEASUREMENTS, measurement_of

PLAIN = frozenset({"measurement", "from", "to", "limit", "mode", "order"})
TAG = "tag."


def read_query(given: Mapping[str, str], quantities: frozenset[str], *, last: bool) -> Query:
    """Return the query that a URL asks; ``QueryError`` says what is wrong with it."""
    name = given.get("measurement", "")
    measurement = measurement_of(name, quantities)
    if measurement is None:
        raise QueryError(
            f"measurement must be readings_<quantity> or one of {', '.join(MEASUREMENTS)}, not {name[:60]!r}"
        )
    unknown = [key for key in given if key not in PLAIN and not key.startswith(TAG)]
    if unknown:
        raise QueryError(f"unknown parameter {unknown[0][:40]!r}: give {', '.join(sorted(PLAIN))} or tag.<key>")
    mode, order = given.get("mode", "actual"), given.get("order", "asc")
    if mode not in MODES:
        raise QueryError(f"mode must be one of {', '.join(MODES)}, not {mode[:40]!r}")
    if order not in {"asc", "desc"}:
        raise QueryError(f"order must be asc or desc, not {order[:40]!r}")
    limit = given.get("limit", "1000")
    if not (limit.isascii() and limit.isdigit()):
        raise QueryError(f"limit must be a whole number, not {limit[:40]!r}")
    try:
        start = parse_time(given["from"]) if "from" in given else MIN_NS
        end = parse_time(given["to"]) if "to" in given else MAX_NS
    except ValueError as error:
        raise QueryError(str(error)) from error
    return Query(
        name=name,
        measurement=measurement,
        mode=mode,
        tags={key.removeprefix(TAG): value for key, value in given.items() if key.startswith(TAG)},
        start_ns=start,
        end_ns=end,
        limit=int(limit),
        last=last,
        newest_first=order == "desc",
    )


def add_routes(app: web.Application, database: Database, quantities: frozenset[str]) -> None:
    """Add ``/api/points`` and ``/api/last`` to an application."""

    async def answer(request: web.Request, *, last: bool) -> web.Response:
        try:
            query = read_query(request.query, quantities, last=last)
            rows = await database.query(query)
        except QueryError as error:
            return _json({"error": str(error)}, 400)
        except UnavailableError as error:
            return _json({"error": str(error)}, 503)
        for row in rows:
            row["time"] = format_time(row["time"])
        return _json({"measurement": query.name, "rows": rows}, 200)

    async def points(request: web.Request) -> web.Response:
        return await answer(request, last=False)

    async def newest(request: web.Request) -> web.Response:
        return await answer(request, last=True)

    app.router.add_get("/api/points", points)
    app.router.add_get("/api/last", newest)


def _json(value: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
