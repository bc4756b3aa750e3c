"""What windows must come to: the vital signs of each unit, and of each tier above it, by the catalogue's curves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

from schemas.catalogue import Catalogue, IndicatorEntry
from schemas.registry import RegistryFile
from schemas.times import SHANGHAI, format_time
from tests.faults.expected import IndicatorKey, Point, Signs

WINDOW_NS = 60_000_000_000
EXPONENT = 4  # of the power mean of badness, detectors/power_mean.py
Scores = dict[str, tuple[dict[str, float], float]]  # unit -> its score by domain, coverage


def signs(
    points: Mapping[Point, float], registry: RegistryFile, catalogue: Catalogue, end_ns: int
) -> dict[IndicatorKey, Signs]:
    """Return the last indicators of every window that ends at or before ``end_ns``."""
    unit_of = {device.device_id: device.unit_id for device in registry.devices}
    rows: dict[tuple[int, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (name, time_ns), value in points.items():
        device_id, _, quantity = name.partition("/")
        rows[time_ns - time_ns % WINDOW_NS, unit_of[device_id]][quantity].append(value)
    found: dict[IndicatorKey, Signs] = {}
    windows: dict[int, Scores] = defaultdict(dict)
    for (start, unit_id), values in sorted(rows.items()):
        if start + WINDOW_NS <= end_ns:
            of_unit = _of_unit(unit_id, values, registry, catalogue, start)
            found |= {(unit_id, e.id, "actual", format_time(start)): _rounded(*signs) for e, signs in of_unit}
            windows[start][unit_id] = _by_domain(of_unit)
    for start, scores in windows.items():
        for prefix in {prefix for unit_id in scores for prefix in _prefixes(unit_id)}:
            for name, of_prefix in _of_prefix(prefix, scores, registry):
                found[prefix, name, "actual", format_time(start)] = _rounded(*of_prefix)
    return found


def _of_unit(
    unit_id: str, values: Mapping[str, list[float]], registry: RegistryFile, catalogue: Catalogue, start: int
) -> list[tuple[IndicatorEntry, Signs]]:
    devices = Counter(quantity for one in registry.devices if one.unit_id == unit_id for quantity in one.quantities)
    interval_s = {quantity: one.interval_s for one in registry.devices for quantity in one.quantities}
    found = []
    for entry in catalogue.indicators.values():
        if came := values.get(entry.of):
            value = {"max": max(came), "mean": sum(came) / len(came)}[entry.aggregate]
            due = devices[entry.of] * WINDOW_NS / 1e9 / interval_s[entry.of]
            coverage = min(1.0, len(came) / due) if due > 1 else 1.0
            found.append((entry, (value, _on_curve(entry, value, start), len(came), coverage)))
    return found


def _by_domain(of_unit: list[tuple[IndicatorEntry, Signs]]) -> tuple[dict[str, float], float]:
    domains: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for entry, (_, score, _, _) in of_unit:
        domains[entry.domain].append((score, entry.weight))
    coverage = sum(coverage for _, (_, _, _, coverage) in of_unit) / len(of_unit)
    return {domain: _power_mean(pairs) for domain, pairs in domains.items()}, coverage


def _of_prefix(prefix: str, scores: Scores, registry: RegistryFile) -> list[tuple[str, Signs]]:
    """Return the domains of a tier and its overall score; units that should have said something lower the coverage."""
    members = {unit_id: row for unit_id, row in scores.items() if prefix in _prefixes(unit_id)}
    due = {unit.unit_id for unit in registry.units if prefix in _prefixes(unit.unit_id)} | set(members)
    found, domains = [], []
    for domain in sorted({domain for by_domain, _ in members.values() for domain in by_domain}):
        having = [(by_domain[domain], coverage) for by_domain, coverage in members.values() if domain in by_domain]
        score = _power_mean([(score, 1.0) for score, _ in having])
        domains.append((score, 1.0))
        coverage = sum(coverage for _, coverage in having) / len(having)
        found.append((domain, (score, score, len(having), coverage)))
    overall = _power_mean(domains)
    coverage = sum(coverage for _, coverage in members.values()) / len(due)
    return [*found, ("overall", (overall, overall, len(members), coverage))]


def _prefixes(unit_id: str) -> list[str]:
    labels = unit_id.split(".")
    return [".".join(labels[:count]) for count in (1, 2, 3)]


def _on_curve(entry: IndicatorEntry, value: float, start: int) -> float:
    day = datetime.fromtimestamp(start / 1e9, SHANGHAI).date()
    curve = [entry.curve, *(change.curve for change in entry.changes if change.valid_from <= day)][-1]
    corners = [(point.value, point.score) for point in curve]
    if value <= corners[0][0]:
        return corners[0][1]
    for (low, low_score), (high, high_score) in pairwise(corners):
        if value <= high:
            return low_score + (high_score - low_score) * (value - low) / (high - low)
    return corners[-1][1]


def _power_mean(pairs: list[tuple[float, float]]) -> float:
    if len(pairs) == 1:
        return pairs[0][0]
    total = sum(weight for _, weight in pairs)
    bad = sum(weight * (100.0 - score) ** EXPONENT for score, weight in pairs) / total
    return float(100.0 - bad ** (1 / EXPONENT))


def _rounded(value: float, score: float, n: int, coverage: float) -> Signs:
    return round(value, 6), round(score, 6), n, round(coverage, 6)
