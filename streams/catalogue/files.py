"""Reads the catalogue from ``deploy/catalogue``; what is wrong is named with its file, its line and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from schemas.catalogue import Catalogue, IndicatorEntry, Joining, PollutionSource, Quantity, Scenario, Table
from schemas.network import NetworkError, WaterPoint, check_network
from schemas.rules import Entry
from streams.catalogue.nodes import CatalogueError, find, line_of, read, value_of
from streams.catalogue.registered import read_registered

__all__ = ["CATALOGUE_FOLDER", "CatalogueError", "load_catalogue", "read_scenario"]
T = TypeVar("T", bound=Entry)
CATALOGUE_FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "catalogue"
# A thing that people report and that none of the scenarios names: handled all the same.
OTHER = "other"


def load_catalogue(folder: Path = CATALOGUE_FOLDER) -> Catalogue:
    """Read and check every file of a catalogue.

    Raises
    ------
    CatalogueError
        A file is missing, not YAML, or says something wrong; the message names file, line, place and reason.
    """
    scenarios: dict[str, Scenario] = {}
    paths = sorted((folder / "scenarios").glob("*.yaml"))
    if not paths:
        raise CatalogueError(f"{folder}: no scenarios/*.yaml; point VITALS_CATALOGUE to a catalogue folder")
    for path in (*paths, folder / f"{OTHER}.yaml"):
        scenario = read_scenario(path)
        if scenario.id != path.stem:
            raise CatalogueError(f"{path}:1: the id is {scenario.id}: it must be the file's name, {path.stem}")
        scenarios[scenario.id] = scenario
    parts: dict[str, Any] = {
        "quantities": _entries(folder / "quantities.yaml", Quantity),
        "indicators": _entries(folder / "indicators.yaml", IndicatorEntry),
        "tables": _entries(folder / "tables.yaml", Table),
        "sources": _entries(folder / "sources.yaml", PollutionSource),
        "joining": _entries(folder / "scores.yaml", Joining),
        "scenarios": scenarios,
        "network": _network(folder / "network.yaml"),
    }
    parts["registry"] = read_registered(folder, scenarios)
    try:
        return Catalogue(**parts)
    except ValidationError as error:
        raise CatalogueError(f"{folder}: {_reason(error.errors()[0]['msg'])}") from error


def read_scenario(path: Path) -> Scenario:
    """Read one scenario's file by itself; ``CatalogueError`` as ``load_catalogue``."""
    root = read(path)
    return _checked(path, Scenario, root, root)


def _entries(path: Path, kind: type[T]) -> dict[str, T]:
    root = read(path)
    if not isinstance(root, yaml.SequenceNode):
        raise CatalogueError(f"{path}:1: must be a list of entries")
    found: dict[str, T] = {}
    for node in root.value:
        entry = _checked(path, kind, node, root)
        identity = str(entry.id)  # type: ignore[attr-defined]  # every entry of a list has one
        if identity in found:
            raise CatalogueError(f"{path}:{line_of(node)}: {identity}: a second entry of this id")
        found[identity] = entry
    return found


def _checked(path: Path, kind: type[T], node: yaml.Node, root: yaml.Node) -> T:
    value = value_of(path, node)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        name = value.get("id", "?") if isinstance(value, dict) else "?"
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        line = line_of(find(node, first["loc"]) or root)
        raise CatalogueError(f"{path}:{line}: {name}: {place}: {_reason(first['msg'])}") from error


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")


def _network(path: Path) -> dict[str, WaterPoint]:
    points = _entries(path, WaterPoint)
    try:
        check_network(points)
    except NetworkError as error:
        nodes = dict(zip(points, read(path).value, strict=True))
        raise CatalogueError(f"{path}:{line_of(nodes[error.point])}: {error.point}: {error.reason}") from error
    return points
