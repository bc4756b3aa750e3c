"""YAML as nodes that know their lines, so that what is wrong can be named with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

MAX_FILE_BYTES = 1 << 20
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there


class CatalogueError(Exception):
    """A catalogue file is wrong: file, line and reason."""


def read(path: Path) -> yaml.Node:
    """Return the root of a file; ``CatalogueError`` where it is away, too large, empty or not YAML."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CatalogueError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise CatalogueError(f"{path}:{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if root is None:
        raise CatalogueError(f"{path}:1: the file is empty")
    return root


def value_of(path: Path, node: yaml.Node) -> Any:
    """Return what a node says."""
    try:
        return LOADER("").construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CatalogueError(f"{path}:{line_of(node)}: {getattr(error, 'problem', None) or error}") from error


def find(node: yaml.Node, place: Sequence[int | str]) -> yaml.Node | None:
    """Return the deepest node on the way to a place; parts that no node has (names of a union) are passed over."""
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == str(part)), node)
    return node


def line_of(node: yaml.Node) -> int:
    """Return the line of its file where a node begins, from 1 on."""
    return int(node.start_mark.line) + 1
