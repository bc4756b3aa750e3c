"""What a person types for a unit, and what may have been meant."""

from __future__ import annotations

import pytest

from streams.twin.names import close_to, meant, or_close

TOWER, HOUSE, OTHER = "hp.bund.g01.clock-tower", "hp.bund.g01.nanjing-building", "xh.xujiahui.g02.nanjing-building"
UNITS = (TOWER, HOUSE, OTHER)


@pytest.mark.parametrize(
    ("name", "units"),
    [
        (TOWER, [TOWER]),
        ("clock-tower", [TOWER]),
        ("nanjing-building", [HOUSE, OTHER]),
        ("hp.bund", ["hp.bund"]),
        ("tower", []),
        ("", []),
    ],
)
def test_an_id_the_end_of_one_or_a_tier_is_meant(name: str, units: list[str]) -> None:
    assert meant(UNITS, name) == units


@pytest.mark.parametrize(
    ("name", "units"),
    [("clock-towr", [TOWER]), ("hp.bund.g02.clock-tower", [TOWER]), ("nanjing-bilding", [HOUSE]), ("atlantis", [])],
)
def test_what_was_mistyped_finds_what_is_close(name: str, units: list[str]) -> None:
    assert close_to(UNITS, name) == units


def test_a_sentence_names_the_close_ones_or_nothing() -> None:
    assert or_close(UNITS, "clock-towr") == f"; close to it: {TOWER}"
    assert or_close(UNITS, "atlantis") == ""
