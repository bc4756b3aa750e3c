"""Catalogue files that somebody has broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.catalogue.files import CatalogueError, load_catalogue


def refusal(folder: Path, file: str, old: str, new: str) -> str:
    """Return why a catalogue is refused of which one file says ``new`` in place of the first ``old``."""
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        load_catalogue(folder)
    return str(refused.value)
