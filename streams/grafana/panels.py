"""Single panels: one question each, with its unit and thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from schemas.catalogue import IndicatorEntry, Quantity
from schemas.video import CAMERA_HEALTH
from streams.grafana.limits import SCORE_STEPS, Steps, steps_of_indicator, steps_of_quantity
from streams.store.points import READINGS_PREFIX

Panel = dict[str, Any]
Source = Literal["vitals", "vitals-readings"]

UNIT = '"unit_id" =~ /^$unit$/'
DISTRICT = '"unit_id" =~ /^[a-z0-9-]+(\\.[a-z0-9-]+)?$/'
GOOD = '"quality" >= 0.5'
# SenML's units where Grafana has the same; the others stand behind the number as they are.
UNITS = {
    "/": "short", "/100": "percent", "Cel": "celsius", "dB": "dB", "ppm": "ppm", "m/s": "velocityms",
    "km/h": "velocitykmh", "V": "volt", "A": "amp", "mA": "mamp", "kW": "kwatt", "mm": "lengthmm", "s": "s", "h": "h",
}  # fmt: skip
SUFFIXES = {"/m2": "per m²", "ug/m3": "µg/m³", "/1000": "‰", "m3/s": "m³/s", "m/s2": "m/s²"}


def asked(chosen: str, measurement: str, *where: str, by: Iterable[str] = ()) -> str:
    """Return an InfluxQL query of a series for each of ``by``, at the pace that the panel has room for."""
    held = " AND ".join((*where, "$timeFilter"))
    groups = ", ".join(("time($__interval)", *(f'"{tag}"' for tag in by)))
    return " ".join(("SELECT", chosen, "FROM", f'"{measurement}"', "WHERE", held, "GROUP BY", groups, "fill(none)"))


def scores_of_unit(indicators: Iterable[IndicatorEntry]) -> Panel:
    """Return the chosen unit's scores of some indicators."""
    query = asked('last("score")', "indicators", UNIT, _one_of(one.id for one in indicators), by=["indicator"])
    described = "0 to 100, 100 is well."
    return series(
        "Scores of $unit", "单元得分", query, "$tag_indicator", described=described, steps=SCORE_STEPS, top=100
    )


def scores_of_areas(domains: Iterable[str]) -> Panel:
    """Return the domains' scores of district and subdistricts."""
    query = asked('last("score")', "indicators", DISTRICT, _one_of(domains), by=["unit_id", "indicator"])
    alias = "$tag_unit_id $tag_indicator"
    return series("District and subdistricts", "全区与街道得分", query, alias, steps=SCORE_STEPS, top=100)


def indicator(entry: IndicatorEntry) -> Panel:
    """Return the chosen unit's values of an indicator."""
    query = asked('last("value")', "indicators", UNIT, f"\"indicator\" = '{entry.id}'", by=["unit_id"])
    name, steps = entry.name, steps_of_indicator(entry)
    return series(
        f"{name.en}, $unit", name.zh, query, "$tag_unit_id", described=entry.source, unit=entry.unit, steps=steps
    )


def quantity(entry: Quantity) -> Panel:
    """Return what all devices measure: the lowest, average and highest; of an alarm, whether it is on anywhere."""
    most = 'max("value") AS highest'
    chosen = most if entry.boolean else f'min("value") AS lowest, mean("value") AS average, {most}'
    query = asked(chosen, f"{READINGS_PREFIX}{entry.id}", GOOD)
    name, described = entry.name, entry.levels.source if entry.levels else ""
    return series(
        f"{name.en}, all devices", name.zh, query, "$col", source="vitals-readings", described=described,
        unit=entry.unit, steps=steps_of_quantity(entry), top=1 if entry.boolean else None,
    )  # fmt: skip


def people() -> list[Panel]:
    """Return what people counters and cameras saw."""
    words = ", ".join(f"{place} {word.replace('_', ' ')}" for place, word in enumerate(CAMERA_HEALTH))
    moved = 'sum("people_in") AS entered, sum("people_out") AS departed'
    seen = 'sum("person") AS persons, sum("vehicle") AS vehicles, sum("bicycle") AS bicycles, sum("ebike") AS ebikes'
    zones, cameras = ["zone_id"], ["camera_id"]
    given = (
        (
            "People present by zone",
            "区域人数",
            asked('mean("people_count")', "crowd", by=zones),
            "$tag_zone_id",
            "/",
            "",
        ),
        ("People in and out", "进出人数", asked(moved, "crowd"), "$col", "/", ""),
        ("Walking speed", "步行速度", asked('mean("mean_speed_mps")', "crowd", by=zones), "$tag_zone_id", "m/s", ""),
        ("In view of cameras", "视频计数", asked(seen, "video"), "$col", "/", ""),
        ("Health of cameras", "摄像机状态", asked('max("health")', "video", by=cameras), "$tag_camera_id", "/", words),
    )
    return [
        series(en, zh, query, alias, source="vitals-readings", unit=unit, described=described)
        for en, zh, query, alias, unit, described in given
    ]


def _one_of(names: Iterable[str]) -> str:
    return f'"indicator" =~ /^({"|".join(names)})$/'


def series(
    en: str, zh: str, query: str, alias: str, *, source: Source = "vitals", described: str = "", unit: str = "/",
    steps: Steps | None = None, top: float | None = None,
) -> Panel:  # fmt: skip
    """Return a panel of time series; from 0 to ``top`` where that is given."""
    where = {"type": "influxdb", "uid": source}
    shown: dict[str, Any] = {"unit": UNITS.get(unit) or f"suffix: {SUFFIXES.get(unit, unit)}"}
    if top is not None:
        shown |= {"min": 0, "max": top}
    if steps:
        marks = [{"color": colour, "value": value} for value, colour in steps]
        shown |= {"thresholds": {"mode": "absolute", "steps": marks}, "custom": {"thresholdsStyle": {"mode": "dashed"}}}
    target = {"refId": "A", "datasource": where, "rawQuery": True, "query": query, "resultFormat": "time_series"}
    return {
        "type": "timeseries", "title": f"{en} / {zh}", "description": described, "datasource": where,
        "targets": [{**target, "alias": alias}], "fieldConfig": {"defaults": shown, "overrides": []}, "options": {},
    }  # fmt: skip
