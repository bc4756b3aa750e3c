"""Grafana's files fit together, and an InfluxDB that our store filled answers every question of the dashboard."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from influxdb_client.client.influxdb_client import InfluxDBClient

from schemas.times import SECOND_NS
from streams.local.influx import LocalInflux
from streams.settings import Settings
from streams.store.influx import InfluxStore
from streams.store.points import (
    ALERTS,
    CROWD,
    INDICATORS,
    MEASUREMENTS,
    ORDERS,
    Block,
    Bucket,
    Measurement,
    Origin,
    Point,
)

FOLDER = Path(__file__).resolve().parents[2] / "deploy/grafana"
BOARD = json.loads((FOLDER / "dashboards/district.json").read_text(encoding="utf-8"))
SOURCES = {
    one["uid"]: one
    for one in yaml.safe_load((FOLDER / "provisioning/datasources/vitals.yaml").read_text())["datasources"]
}
PANELS: list[dict[str, Any]] = BOARD["panels"]
UNIT = "hp.bund.g01.my-house"
ROWS = 3


def query_of(panel: dict[str, Any]) -> str:
    (target,) = panel["targets"]
    return str(target["query"])


def measurement_of(panel: dict[str, Any]) -> Measurement:
    found = re.search(r'FROM "(\w+)"', query_of(panel))
    assert found is not None
    return MEASUREMENTS[found[1]]


def test_uids_and_ids_are_unique_and_every_panel_asks_a_provisioned_source() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert BOARD["uid"] == "vitals-district"
    for panel in (*PANELS, *BOARD["templating"]["list"]):
        assert panel["datasource"]["uid"] in SOURCES
    assert all(source["url"] == "${VITALS_INFLUXDB}" and source["type"] == "influxdb" for source in SOURCES.values())
    for panel in PANELS:
        kind = measurement_of(panel).kind
        assert SOURCES[panel["datasource"]["uid"]]["jsonData"]["dbName"] == kind, panel["title"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["id"]))
def test_every_name_that_a_panel_asks_for_is_one_that_the_store_writes(panel: dict[str, Any]) -> None:
    m, query = measurement_of(panel), query_of(panel)
    names = set(re.findall(r'"(\w+)"', query)) - {m.name}
    assert names <= {*m.tags, *m.numbers, *m.texts}
    assert set(re.findall(r"\$tag_(\w+)", panel["targets"][0].get("alias", ""))) <= set(m.tags)
    assert "$timeFilter" in query


def test_panels_do_not_lie_on_one_another() -> None:
    cells = [
        (x, y)
        for panel in PANELS
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def points() -> dict[Bucket, list[Point]]:
    """Return a few points of each measurement, of the last minutes."""
    found: dict[Bucket, list[Point]] = {Bucket("actual", "vitals"): [], Bucket("actual", "readings"): []}
    for row in range(ROWS):
        at = (int(time.time()) - 60 * row - 5) * SECOND_NS
        vitals = found[Bucket("actual", "vitals")]
        for unit, indicator in ((UNIT, "air_temperature"), ("hp", "overall"), ("hp.bund", "overall")):
            vitals.append(Point(INDICATORS, (unit, indicator), (21.5, 80.0, 0.0, 6.0, 1.0, 0.0), (), at))
        vitals.append(Point(ALERTS, ("gas-leak", "red", UNIT), (1.0, 1.0), (f"a{row}", "UNACK", "Observed"), at))
        vitals.append(Point(ORDERS, ("gas-leak", "closed", UNIT), (1.0, 9.0), (f"c{row}", "team-1", "unit"), at))
        crowd = Point(CROWD, ("square", "gate"), (60.0, 5.0, None, None, None, None, None), (), at)
        found[Bucket("actual", "readings")].append(crowd)
    return found


async def test_every_question_is_answered(influx: LocalInflux) -> None:
    store = InfluxStore(Settings(), influx.url)
    await store.open()
    try:
        for bucket, some in points().items():
            assert await store.write(bucket, [Block(Origin("vitals.judged", 0, 0), bucket, None, some)]) == []
    finally:
        await store.close()
    with InfluxDBClient(url=influx.url, token="-", org="-") as client:  # noqa: S106 - 1.8 asks for none

        def ask(database: str, query: str) -> list[Any]:
            answer = client.api_client.call_api(
                "/query", "POST", query_params=[("db", database), ("q", query)], response_type="object",
                _return_http_data_only=True,
            )  # fmt: skip
            (result,) = answer["results"]
            assert "error" not in result, (query, result)
            return list(result.get("series", ()))

        (variable,) = BOARD["templating"]["list"]
        values = [value for _, value in ask("vitals", variable["query"])[0]["values"]]
        assert UNIT in values
        for panel in PANELS:
            query = query_of(panel).replace("$timeFilter", "time >= now() - 1h").replace("$__interval", "10s")
            database = SOURCES[panel["datasource"]["uid"]]["jsonData"]["dbName"]
            series = ask(database, query.replace("$unit", UNIT.replace(".", r"\.")))
            assert series, f"{panel['title']}: no rows"
            assert all(any(value is not None for value in row[1:]) for one in series for row in one["values"])
