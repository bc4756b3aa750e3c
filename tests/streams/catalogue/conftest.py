from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from streams.catalogue.files import CATALOGUE_FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped catalogue."""
    shutil.copytree(CATALOGUE_FOLDER, tmp_path / "catalogue")
    return tmp_path / "catalogue"
