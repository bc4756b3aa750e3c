"""A fix: what a small YAML file says is to be changed in dead letters before they are sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.files import FileFormatError
from schemas.ids import ID_PATTERN

ID = Field(pattern=ID_PATTERN)
MAX_BYTES = 64 << 10


class Scale(BaseModel):
    """A new value is ``factor * value + offset``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    factor: float = Field(default=1.0, allow_inf_nan=False)
    offset: float = Field(default=0.0, allow_inf_nan=False)


class Fix(BaseModel):
    """What to change; renaming comes first, so that ``measures`` and ``values`` name quantities as they are then."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit_id: str | None = Field(default=None, pattern=ID_PATTERN)  # the key of all that is sent
    gateway_id: str | None = Field(default=None, pattern=ID_PATTERN)  # who speaks
    devices: dict[str, str] = {}  # cameras too
    zones: dict[str, str] = {}
    quantities: dict[str, str] = {}
    measures: dict[str, str] = {}  # quantity -> its unit of measure
    values: dict[str, Scale] = {}  # quantity -> how its values are converted
    shift_s: float = Field(default=0.0, allow_inf_nan=False, ge=-1e9, le=1e9)


NO_FIX = Fix()


def read_fix(path: Path) -> Fix:
    """Return the fix in a YAML file.

    Raises
    ------
    FileFormatError
        With file, line (where YAML itself is at fault) or field, and reason.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise FileFormatError(f"{path}: {len(raw)} bytes; a fix has at most {MAX_BYTES}")
        given: Any = yaml.safe_load(raw)
        return Fix.model_validate({} if given is None else given)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{path}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise FileFormatError(f"{path}: {place}: {first['msg']}") from error
