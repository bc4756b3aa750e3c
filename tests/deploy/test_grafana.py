"""Grafana's files fit together, and an InfluxDB that our store filled answers every question of the dashboards."""

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from influxdb_client.client.influxdb_client import InfluxDBClient

from schemas.signs import DOMAINS
from schemas.times import SECOND_NS
from streams.catalogue.files import load_catalogue
from streams.grafana.boards import BOARDS as MADE
from streams.grafana.boards import as_json, dashboard
from streams.local.influx import LocalInflux
from streams.settings import Settings
from streams.store.influx import InfluxStore
from streams.store.line_protocol import Heads
from streams.store.points import (
    ALERTS,
    CROWD,
    INDICATORS,
    ORDERS,
    VIDEO,
    Block,
    Bucket,
    Measurement,
    Origin,
    Point,
    ReadingArrays,
)
from streams.store.points import measurement_of as measurement_named

FOLDER = Path(__file__).resolve().parents[2] / "deploy/grafana"
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "dashboards").glob("*.json"))
}
SOURCES = {
    one["uid"]: one
    for one in yaml.safe_load((FOLDER / "provisioning/datasources/vitals.yaml").read_text())["datasources"]
}
PANELS: list[tuple[str, dict[str, Any]]] = [
    (name, panel) for name, board in BOARDS.items() for panel in board["panels"] if panel["type"] != "row"
]
CATALOGUE = load_catalogue()
UNIT = "hp.bund.g01.my-house"
DEVICE = "my-device"
ROWS = 3
every_board = pytest.mark.parametrize("name", BOARDS)
every_panel = pytest.mark.parametrize(
    "panel", [panel for _, panel in PANELS], ids=[f"{name}-{panel['id']}" for name, panel in PANELS]
)


def query_of(panel: dict[str, Any]) -> str:
    (target,) = panel["targets"]
    return str(target["query"])


def measurement_of(panel: dict[str, Any]) -> Measurement:
    found = re.search(r'FROM "(\w+)"', query_of(panel))
    assert found is not None
    measurement = measurement_named(found[1], frozenset(CATALOGUE.quantities))
    assert measurement is not None, f"{found[1]}: the store has no such measurement"
    return measurement


def indicators_of(panel: dict[str, Any]) -> set[str]:
    """Return the indicators, or tiers' domains, that a panel names."""
    lists = re.findall(r"\"indicator\" (?:= '|=~ /\^\()([^')]+)", query_of(panel))
    return {one for some in lists for one in some.split("|")}


def quantities_of(panel: dict[str, Any]) -> set[str]:
    return set(re.findall(r'FROM "readings_(\w+)"', query_of(panel)))


@every_board
def test_ids_are_unique_in_a_board_and_every_panel_asks_a_provisioned_source(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"vitals-{name}"
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for one in board["templating"]["list"]:
        assert one["datasource"]["uid"] in SOURCES


@every_panel
def test_a_panels_measurement_stands_in_the_source_that_it_asks(panel: dict[str, Any]) -> None:
    source = SOURCES[panel["datasource"]["uid"]]
    assert source["jsonData"]["dbName"] == measurement_of(panel).kind
    assert (source["url"], source["type"]) == ("${VITALS_INFLUXDB}", "influxdb")


@every_panel
def test_every_name_that_a_panel_asks_for_is_one_that_the_store_writes(panel: dict[str, Any]) -> None:
    m, query = measurement_of(panel), query_of(panel)
    names = set(re.findall(r'"(\w+)"', query.replace(re.findall(r'FROM "\w+"', query)[0], "")))
    assert names <= {*m.tags, *m.numbers, *m.texts}
    assert set(re.findall(r"\$tag_(\w+)", panel["targets"][0].get("alias", ""))) <= set(m.tags)
    assert "$timeFilter" in query


@every_panel
def test_every_indicator_that_a_panel_asks_for_is_one_of_the_catalogue(panel: dict[str, Any]) -> None:
    assert indicators_of(panel) <= {*CATALOGUE.indicators, *DOMAINS, "overall"}


def test_every_indicator_is_shown_with_its_value_and_among_the_scores() -> None:
    for field in ("score", "value"):
        asked = [indicators_of(panel) for _, panel in PANELS if f'last("{field}")' in query_of(panel)]
        assert set(CATALOGUE.indicators) <= set().union(*asked)


def test_every_quantity_is_shown_by_an_indicator_or_by_itself() -> None:
    alone = set().union(*(quantities_of(panel) for _, panel in PANELS))
    judged = {entry.of for entry in CATALOGUE.indicators.values()}
    assert alone | judged >= set(CATALOGUE.quantities)
    assert not alone & judged


def test_boards_of_domains_are_those_that_the_catalogue_makes() -> None:
    made = {board.uid: as_json(dashboard(board, CATALOGUE)) for board in MADE}
    found = {name: (FOLDER / f"dashboards/{name}.json").read_text(encoding="utf-8") for name in made}
    assert found == made, "run python -m streams.grafana deploy/grafana/dashboards"
    assert {*made, "district"} == set(BOARDS)


@every_board
def test_panels_do_not_lie_on_one_another(name: str) -> None:
    cells = [
        (x, y)
        for panel in BOARDS[name]["panels"]
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
        vitals, readings = found.values()
        named = [(UNIT, one) for one in CATALOGUE.indicators]
        named += [(area, one) for area in ("hp", "hp.bund") for one in (*DOMAINS, "overall")]
        for unit, indicator in named:
            vitals.append(Point(INDICATORS, (unit, indicator), (21.5, 80.0, 0.0, 6.0, 1.0, 0.0), (), at))
        vitals.append(Point(ALERTS, ("gas-leak", "red", UNIT), (1.0, 1.0), (f"a{row}", "UNACK", "Observed"), at))
        vitals.append(Point(ORDERS, ("gas-leak", "closed", UNIT), (1.0, 9.0), (f"c{row}", "team-1", "unit"), at))
        readings.append(Point(CROWD, ("square", "gate"), (60.0, 5.0, 2.0, 1.0, 1.2, None, None), (), at))
        readings.append(Point(VIDEO, ("camera",), (4.0, 1.0, 0.0, 2.0, 0.0), (), at))
    return found


def measured() -> ReadingArrays:
    """Return a reading of each quantity, of a moment ago."""
    series, n = [f"{DEVICE}/{name}" for name in CATALOGUE.quantities], len(CATALOGUE.quantities)
    return ReadingArrays(
        series=series,
        heads=Heads(CATALOGUE.quantities).of(series),
        which=np.arange(n, dtype=np.uint16),
        time=np.full(n, (int(time.time()) - 5) * SECOND_NS),
        value=np.ones(n),
        quality=np.ones(n, dtype=np.float32),
    )


async def test_every_question_is_answered(influx: LocalInflux) -> None:
    store, origin = InfluxStore(Settings(), influx.url), Origin("vitals.judged", 0, 0)
    await store.open()
    try:
        for bucket, some in points().items():
            assert await store.write(bucket, [Block(origin, bucket, None, some)]) == []
        assert await store.write(bucket, [Block(origin, bucket, measured(), [])]) == []
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

        for board in BOARDS.values():
            (variable,) = board["templating"]["list"]
            values = [value for _, value in ask("vitals", variable["query"])[0]["values"]]
            assert UNIT in [value for value in values if re.search(variable.get("regex", "").strip("/"), value)]
        for _, panel in PANELS:
            query = query_of(panel).replace("$timeFilter", "time >= now() - 1h").replace("$__interval", "10s")
            database = SOURCES[panel["datasource"]["uid"]]["jsonData"]["dbName"]
            series = ask(database, query.replace("$unit", UNIT.replace(".", r"\.")))
            assert series, f"{panel['title']}: no rows"
            assert all(any(value is not None for value in row[1:]) for one in series for row in one["values"])
