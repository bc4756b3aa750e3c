"""File formats: ground truth (JSON lines), mapping of foreign data (YAML), run report and balance (JSON)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from schemas.alerts import AlertState
from schemas.channels import CROWD, READINGS
from schemas.ids import Colour, Id, Tier
from schemas.orders import Step, StepEntry
from schemas.registry import Unit
from schemas.signs import Coverage
from schemas.times import Time

MAX_FILE_BYTES = 64 * 1024 * 1024
Rows = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
CROWD_FIELDS = ("people_count", "people_in", "people_out", "mean_speed_mps", "speed_variance_m2s2", "direction_deg")


class FileFormatError(Exception):
    """A file does not have its format: file, place and reason."""


class GroundTruth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One injected fault or near miss; a near miss ``must_stay_silent`` and expects no colour."""

    scenario: Id
    unit_id: Id
    subject: str
    onset: Time
    end: Time | None  # while it lasts there is none
    expect_colour: Colour | None
    must_stay_silent: bool


class TimeColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a row's time stands: ``columns``, joined by a space, read by ``format`` (``strptime``; none: ISO 8601)."""

    columns: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    format: str | None = None


class ValueColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One measured column: value = ``scale`` * cell + ``offset``.

    ``to`` is a quantity of the catalogue, or for crowd rows the field; ``unit`` is the measure's unit after scaling.
    """

    column: str
    to: Id
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How rows of foreign CSV files become events of ours: ``vitals replay MAPPING``.

    ``device`` (readings) or ``zone`` (crowd) names who measured. It may hold ``{file}``, the file's name without
    extensions, and ``{<column>}``, the row's cell; characters that no id may have become ``-``.
    """

    name: Id
    files: Annotated[tuple[str, ...], Meta(min_length=1, max_length=256)]  # patterns below --data
    time: TimeColumns
    time_zone: str  # IANA: Asia/Shanghai
    period_s: Annotated[float, Meta(gt=0, le=86_400)]  # between two rows of one device or zone
    target: Literal["vitals.readings", "vitals.crowd"]
    unit: Unit
    values: Annotated[tuple[ValueColumn, ...], Meta(min_length=1, max_length=64)]
    device: str | None = None
    zone: str | None = None
    source: Literal["camera", "wifi", "cellular", "gate"] = "camera"  # of crowd rows
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ("", "NA", "NaN", "null")


class BalanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of one source partition."""

    topic: str
    partition: Rows
    in_: Rows = msgspec.field(name="in")
    judged: Rows
    late: Rows
    dead: Rows
    duplicate: Rows
    stored: Rows
    expired: Rows
    skipped: Rows
    store_dead: Rows
    lag: Rows


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Section 5's sums; ``closed`` says that they hold for every partition and that no lag is left."""

    closed: bool
    by_partition: tuple[BalanceLine, ...]


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Latency in seconds; ``None`` where nothing was measured."""

    p50: Seconds | None = None
    p99: Seconds | None = None
    p999: Seconds | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From a reading's event time to the alert's record, and to the database's yes."""

    alert: Quantiles = Quantiles()
    stored: Quantiles = Quantiles()


class ReportedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as the run left it."""

    alert_id: Id
    scenario: Id
    unit_id: Id
    colour: Colour
    state: AlertState
    first_seen: Time
    last_seen: Time
    count: int = 0
    worst: Colour | None = None  # of all its versions


class ReportedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case as the run left it."""

    case_id: Id
    scenario: Id
    step: Step
    tier: Tier
    steps: tuple[StepEntry, ...]
    unit_id: Id | None = None


class ScenarioScores(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts against the ground truth; ``None`` where there was nothing to divide by."""

    precision: Coverage | None = None
    recall: Coverage | None = None


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Another way to do the same job on the same topic."""

    readings_per_s_per_core: float


class RunReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ``--report FILE`` writes; the fields with defaults are those of ``vitals bench``."""

    readings: Rows
    readings_per_s: Seconds
    latency_s: Latency
    alerts: tuple[ReportedAlert, ...]
    cases: tuple[ReportedCase, ...]
    balance: Balance
    scenarios: ScenarioScores
    machine: dict[str, str | int | float] | None = None
    sustained_readings_per_s: float | None = None
    cpu_us_per_reading: dict[str, float] | None = None  # by process
    readings_per_s_per_core: float | None = None
    rss_bytes: dict[str, int] | int | None = None
    peers: dict[str, Peer] | None = None


_truth = msgspec.json.Decoder(GroundTruth)
_report = msgspec.json.Decoder(RunReport)


def read_ground_truth(path: Path) -> list[GroundTruth]:
    """Read a ground truth file; ``FileFormatError`` names the line that is wrong."""
    truths = []
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if line.strip():
            try:
                truths.append(_truth.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise FileFormatError(f"{path}: line {number}: {error}") from error
    return truths


def write_ground_truth(path: Path, truths: list[GroundTruth]) -> None:
    """Write a ground truth file; a reader sees the old one or the new one, never half of it."""
    beside = path.with_name(f"{path.name}.tmp")
    beside.write_bytes(b"".join(msgspec.json.encode(truth) + b"\n" for truth in truths))
    beside.replace(path)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping and check what its fields say of each other.

    Raises
    ------
    FileFormatError
        With file, place and reason.
    """
    try:
        mapping = msgspec.convert(msgspec.yaml.decode(read_bytes(path)), Mapping)
        ZoneInfo(mapping.time_zone)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FileFormatError(f"{path}: {error}") from error
    except (KeyError, ValueError, OSError) as error:
        raise FileFormatError(f"{path}: time_zone must be an IANA name like Asia/Shanghai: {error}") from error
    fault = _fault(mapping)
    if fault is not None:
        raise FileFormatError(f"{path}: {fault}")
    return mapping


def _fault(mapping: Mapping) -> str | None:
    who = {READINGS: "device", CROWD: "zone"}[mapping.target]
    if (mapping.device is None, mapping.zone is None) != (who != "device", who != "zone"):
        return f"target {mapping.target} takes {who}, and only that"
    if mapping.target == CROWD:
        for value in mapping.values:
            if value.to not in CROWD_FIELDS:
                return f"values: {value.to} is no field of a crowd row: {', '.join(CROWD_FIELDS)}"
    return None


def read_report(path: Path) -> RunReport:
    """Read a run report; ``FileFormatError`` with file, place and reason."""
    try:
        return _report.decode(read_bytes(path))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: {error}") from error


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes, at most ``MAX_FILE_BYTES``; ``FileFormatError`` if it is missing or larger."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileFormatError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror or error}") from error
