"""Catalogue files that are wrong are refused with file, line and reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streams.catalogue.files import CatalogueError, load_catalogue
from tests.streams.catalogue.builders import refusal


def test_every_entry_that_is_shipped_is_read_and_says_where_its_numbers_come_from() -> None:
    catalogue = load_catalogue()
    assert len(catalogue.scenarios) == 27  # 26 and `other`
    for scenario in catalogue.scenarios.values():
        assert scenario.name.zh != scenario.name.en
        assert scenario.settle_s > 0
        levels = [rule.levels for rule in scenario.rules if hasattr(rule, "levels")]
        assert all(len(level.source) > 10 for level in levels)
    domains = {indicator.domain for indicator in catalogue.indicators.values()}
    assert domains == {
        "safety", "environment", "mobility", "utilities", "building", "public-space", "care", "crowd"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("scenarios/gas-leak.yaml", "settle_s: 120\n", "", "gas-leak.yaml:1: gas-leak: settle_s: Field required"),
        (
            "scenarios/special-equipment.yaml", "yellow: 720000", "yellow: 780000",
            "special-equipment.yaml:14: special-equipment: rules.0.level.levels: thresholds must be given in the order",
        ),
        (
            "scenarios/gas-leak.yaml", "quantities: [ch4, co], window_s: 60, at_least: 0.1",
            "quantities: [ch5], window_s: 60, at_least: 0.1",
            "scenario gas-leak, rule gas-rising: unknown quantities ['ch5']",
        ),
        ("scenarios/gas-leak.yaml", "group_by: unit", "group_by: street", "gas-leak.yaml:5: gas-leak: group_by"),
        ("scenarios/gas-leak.yaml", "settle_s: 120", "settles_s: 120", "gas-leak.yaml:"),
        ("scenarios/gas-leak.yaml", "id: gas-leak", "id: gas", "gas-leak.yaml:1: the id is gas"),
        ("scenarios/noise-night.yaml", "gb3096-night", "gb3096-dusk", "rule night-noise: unknown table gb3096-dusk"),
        ("scenarios/gas-leak.yaml", "skills: [gas]", "skills: [gas", "gas-leak.yaml:"),
        ("quantities.yaml", "high: 100000\n", "high: -1\n", "quantities.yaml:"),
        ("quantities.yaml", "- id: co\n", "- id: ch4\n", "ch4: a second entry of this id"),
        (
            "network.yaml", "unit: hp.laoximen.g03.laoximen-block", "unit: laoximen-block",
            "network.yaml:15: laoximen-creek: unit: String should match pattern",
        ),
        (
            "network.yaml", "[{to: fuxing-drain, minutes: 7}]", "[{to: fuxing-drain}]",
            "network.yaml:9: yuyangli-creek: flows.0.minutes: Field required",
        ),
        ("network.yaml", "drain, minutes: 4", "drain, minutes: 0", "network.yaml:10: tunnel-pit: flows.0.minutes"),
        (
            "network.yaml", "flows: [{to: river-outfall, minutes: 15}]", "flows: [{to: yuyangli-creek, minutes: 15}]",
            "network.yaml:6: yuyangli-creek: water cannot flow in a circle: yuyangli-creek -> fuxing-drain ->",
        ),
        ("network.yaml", "to: river-outfall", "to: sea", "network.yaml:13: laoximen-creek: flows to sea, which is no"),
        ("network.yaml", "emits: [turbidity], f", "emits: [mud], f", "point tunnel-pit: unknown quantities ['mud']"),
        (
            "network.yaml", "hp.laoximen.g03.laoximen-block", "hp.huaihai-middle.g04.yuyangli",
            "laoximen-creek: hp.huaihai-middle.g04.yuyangli is the unit of yuyangli-creek too",
        ),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(folder: Path, file: str, old: str, new: str, said: str) -> None:
    assert said in refusal(folder, file, old, new)


@pytest.mark.parametrize("file", ["tables.yaml", "network.yaml", "units.yaml", "teams.yaml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(CatalogueError, match=re.escape(file)):
        load_catalogue(folder)
