"""Which dashboard shows what: rows by medium, of each its indicators and the quantities that have none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import Catalogue, IndicatorEntry
from streams.grafana import panels
from streams.grafana.panels import Panel

WIDTH, HEIGHT = 24, 7


@dataclass(frozen=True, slots=True)
class Row:
    """What is shown together: quantities, and signals of crowd and video, by their ids."""

    en: str
    zh: str
    signals: tuple[str, ...]
    has_people: bool = False  # with what counters and cameras saw


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    uid: str
    en: str
    zh: str
    domains: tuple[str, ...]
    rows: tuple[Row, ...]


BOARDS = (
    Board("environment", "environment", "环境", ("environment",), (
        Row("Air", "空气", ("pm25", "pm10", "site_pm10", "so2", "no2", "voc")),
        Row("Weather", "气象", ("temperature", "wind_speed", "wind_direction", "rain_rate")),
        Row("Creeks", "河道水质", ("turbidity", "cod", "nh3n")),
        Row("Greenery and soil", "绿化与土壤", ("soil_moisture", "tree_tilt")),
        Row("Noise", "噪声", ("LAeq", "site_LAeq")),
        Row("Radiation", "辐射", ("dose_rate",)),
    )),
    Board("utilities", "utilities", "市政公用", ("utilities", "safety"), (
        Row("Water and drainage", "供排水", ("water_pressure", "flow_rate", "road_water_level")),
        Row("Power", "供电", ("voltage", "load", "leakage_current", "socket_current")),
        Row("Gas", "燃气", ("ch4", "co")),
    )),
    Board("buildings", "buildings", "楼宇", ("building", "safety"), (
        Row("Structure", "结构", ("tilt", "crack_width", "vibration", "settlement")),
        Row("Lifts", "电梯", ("lift_fault", "lift_between_floors", "lift_call", "lift_vibration")),
        Row("Plant", "设备", ("power", "steam_pressure", "sump_level", "inspection_overdue")),
        Row("Rooms", "室内", ("persons", "co2", "humidity")),
        Row("Fire and doors", "消防与门禁", ("smoke", "heat", "battery_temperature", "exit_blocked", "gate_forced")),
    )),
    Board("mobility", "mobility", "交通", ("mobility",), (
        Row("Roads", "道路", ("speed", "occupancy", "travel_time")),
        Row("Parking", "停车", ("lot_occupancy",)),
    )),
    Board("public", "public space and care", "公共空间与民生", ("public-space", "care"), (
        Row("Public space", "公共空间", ("fill_level", "nh3", "h2s", "queue")),
        Row("Care", "民生", ("call", "fall", "inactive")),
    )),
    Board("crowd", "crowds", "客流", ("crowd",), (
        Row("People", "人员", ("crowd_density", "people_in", "person_count"), has_people=True),
    )),
)  # fmt: skip


def dashboard(board: Board, catalogue: Catalogue) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it.

    Raises
    ------
    ValueError
        A row names what the catalogue does not have.
    """
    source = {"type": "influxdb", "uid": "vitals"}
    unit = {
        "name": "unit", "type": "query", "label": "Unit / 单元", "datasource": source, "refresh": 1,
        "includeAll": False, "multi": False, "sort": 1,
        "query": 'SHOW TAG VALUES FROM "indicators" WITH KEY = "unit_id"',
        "regex": r"/^([^.]+\.){3}.+$/", "current": {},
    }  # fmt: skip
    return {
        "uid": f"vitals-{board.uid}", "title": f"Urban Vitals: {board.en} / {board.zh}", "tags": ["urban-vitals"],
        "timezone": "browser", "schemaVersion": 41, "version": 1, "editable": False, "refresh": "1m",
        "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": []}, "templating": {"list": [unit]},
        "panels": list(_placed(board, catalogue)),
    }  # fmt: skip


def as_json(found: dict[str, Any]) -> str:
    """Return a dashboard's file: a line for each of its keys, and one for each panel."""

    def line(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    heads = [f'  "{key}": {line(value)},\n' for key, value in found.items() if key != "panels"]
    below = ",\n".join(f"    {line(panel)}" for panel in found["panels"])
    return "{\n" + "".join(heads) + '  "panels": [\n' + below + "\n  ]\n}\n"


def _placed(board: Board, catalogue: Catalogue) -> Iterator[Panel]:
    """Yield the panels with their places: two of scores, then each row under its title, three abreast."""
    shown = [one for row in board.rows for one in _indicators(row, catalogue)]
    ids, y = iter(range(1, 1_000)), 0
    for title, group, columns in (
        ("", [panels.scores_of_unit(shown), panels.scores_of_areas(board.domains)], 2),
        *((f"{row.en} / {row.zh}", _panels(row, catalogue), 3) for row in board.rows),
    ):
        if title:
            at = {"x": 0, "y": y, "w": WIDTH, "h": 1}
            yield {"id": next(ids), "type": "row", "title": title, "collapsed": False, "gridPos": at, "panels": []}
            y += 1
        width = WIDTH // columns
        for place, panel in enumerate(group):
            at = {"x": place % columns * width, "y": y + place // columns * HEIGHT, "w": width, "h": HEIGHT}
            yield {"id": next(ids), **panel, "gridPos": at}
        y += -(-len(group) // columns) * HEIGHT


def _panels(row: Row, catalogue: Catalogue) -> list[Panel]:
    signs = _indicators(row, catalogue)
    judged = {one.of for one in signs}
    if unknown := set(row.signals) - judged - set(catalogue.quantities):
        raise ValueError(f"the catalogue has no {', '.join(sorted(unknown))}")
    rest = [catalogue.quantities[name] for name in row.signals if name not in judged]
    return [*map(panels.indicator, signs), *map(panels.quantity, rest), *(panels.people() if row.has_people else ())]


def _indicators(row: Row, catalogue: Catalogue) -> list[IndicatorEntry]:
    return [one for one in catalogue.indicators.values() if one.of in row.signals]
