"""Dashboards from the catalogue."""

import json
from pathlib import Path

import pytest

from streams.catalogue.files import load_catalogue
from streams.grafana.__main__ import main
from streams.grafana.boards import BOARDS, Board, Row, dashboard

CATALOGUE = load_catalogue()


def test_each_row_has_its_title_its_indicators_and_the_quantities_without_one() -> None:
    board = Board("air", "air", "空气", ("environment",), (Row("Air", "空气", ("pm25", "no2")),))
    titles = [panel["title"] for panel in dashboard(board, CATALOGUE)["panels"]]
    assert titles[2:] == ["Air / 空气", "Fine particles, $unit / 细颗粒物", "Nitrogen dioxide, all devices / 二氧化氮"]


def test_what_the_catalogue_does_not_have_is_refused() -> None:
    board = Board("air", "air", "空气", (), (Row("Air", "空气", ("unobtainium",)),))
    with pytest.raises(ValueError, match="has no unobtainium"):
        dashboard(board, CATALOGUE)


def test_a_signal_stands_in_one_row_only() -> None:
    names = [name for board in BOARDS for row in board.rows for name in row.signals]
    assert len(set(names)) == len(names)


def test_every_board_is_written_into_a_file_of_its_own(tmp_path: Path) -> None:
    main(str(tmp_path))
    uids = {path.stem: json.loads(path.read_text())["uid"] for path in tmp_path.iterdir()}
    assert uids == {board.uid: f"vitals-{board.uid}" for board in BOARDS}
