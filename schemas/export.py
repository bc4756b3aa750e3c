"""What others build against: a JSON Schema (2020-12) of every event and file, and one AsyncAPI 3 document.

``vitals schema export DIR`` writes them; whoever has only these files can write a gateway or a reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from schemas.actions import Action
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.classification import field_class
from schemas.crowd import MAX_CROWD_ROWS, CrowdRow
from schemas.examples import EXAMPLES
from schemas.export_asyncapi import asyncapi
from schemas.feedback import Feedback
from schemas.files import Balance, GroundTruth, Mapping, RunReport
from schemas.judged import Judged
from schemas.mqtt_mapping import MqttMapping
from schemas.orders import Order
from schemas.registry import Device, Gateway, RegistryFile, Team, Unit
from schemas.reports import Report
from schemas.senml import MAX_READINGS
from schemas.signs import DOMAINS, Indicator, UnitScores
from schemas.single import SingleReading
from schemas.video import MAX_VIDEO_ROWS, VideoRow
from schemas.watermarks import Watermark

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "report": Report,
    "indicator": Indicator,
    "unit-scores": UnitScores,
    "anomaly": Anomaly,
    "alert": Alert,
    "order": Order,
    "feedback": Feedback,
    "action": Action,
    "watermark": Watermark,
    "judged": Judged,
    "registry-device": Device,
    "registry-unit": Unit,
    "registry-team": Team,
    "registry-gateway": Gateway,
    "registry-file": RegistryFile,
    "ground-truth": GroundTruth,
    "mapping": Mapping,
    "mqtt-mapping": MqttMapping,
    "single-reading": SingleReading,
    "balance": Balance,
    "run-report": RunReport,
}
_NOTES = {
    "ground-truth": "One line of a ground truth file (JSON lines).",
    "mapping": "A mapping file (YAML) for vitals replay.",
    "mqtt-mapping": "A mapping file (YAML) for vitals bridge mqtt.",
    "single-reading": (
        "One reading as simple devices send it: over HTTP, MQTT, or on vitals.readings.single, where an array of "
        "these, or a SenML record or pack, may stand in its place."
    ),
    "registry-file": (
        "A registry file in YAML. As JSON lines a file has one record a line (registry-*.schema.json), with "
        '"kind": "device", "unit", "team" or "gateway" where wanted; then a unit\'s own kind is named unit_kind.'
    ),
    "run-report": "What --report FILE writes; readers must ignore fields that they do not know.",
    "balance": "What vitals balance --json prints.",
    "judged": "The fields of a msgpack record; what is base64 here is a msgpack bin there, of little-endian numbers.",
}


def export(folder: Path) -> list[Path]:
    """Write every document into ``folder``, which is made if it is missing; returns the files.

    Raises
    ------
    OSError
        The folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = {f"{name}.schema.json": schema for name, schema in json_schemas().items()}
    documents["asyncapi.json"] = asyncapi()
    written = []
    for name, document in documents.items():
        path = folder / name
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        written.append(path)
    return written


def json_schemas() -> dict[str, Schema]:
    """Return the schema of every event and file format by name (``crowd``, ``alert``, ``mapping``, ...)."""
    schemas = {name: _of_struct(kind) for name, kind in _STRUCTS.items()}
    schemas["readings"] = _readings()
    schemas["crowd"] = _of_rows(CrowdRow, MAX_CROWD_ROWS)
    schemas["video"] = _of_rows(VideoRow, MAX_VIDEO_ROWS)
    counts = ("people_count", "people_in", "people_out")
    schemas["crowd"]["$defs"]["CrowdRow"]["anyOf"] = [_given(count) for count in counts]
    schemas["unit-scores"]["$defs"]["UnitScores"]["properties"]["scores"]["propertyNames"] = {"enum": list(DOMAINS)}
    schemas["action"]["$defs"]["Action"]["anyOf"] = [_given("alert_id"), _given("matcher")]
    return {name: _finished(name, schemas[name]) for name in sorted(schemas)}


def _finished(name: str, schema: Schema) -> Schema:
    """Add what all have: dialect, id, title, note, example, and the class of every field."""
    for part in (schema.get("items", {}), *schema.get("$defs", {}).values()):
        for field, sub in part.get("properties", {}).items():
            if isinstance(sub, dict):
                sub["x-classification"] = field_class(name, field)
    head: Schema = {"$schema": DRAFT, "$id": f"urn:vitals:schema:{name}:v1", "title": name}
    if name in _NOTES:
        head["description"] = _NOTES[name]
    if name in EXAMPLES:
        schema["examples"] = [msgspec.json.decode(EXAMPLES[name]())]
    return head | schema


def _of_struct(kind: type[msgspec.Struct]) -> Schema:
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return schema | {"$defs": components}


def _of_rows(kind: type[msgspec.Struct], max_rows: int) -> Schema:
    rows = _of_struct(kind)
    return {
        "type": "array",
        "description": f"The rows of one unit (the record's key), 1 to {max_rows}.",
        "minItems": 1,
        "maxItems": max_rows,
        "items": {"$ref": rows["$ref"]},
        "$defs": rows["$defs"],
    }


def _given(field: str) -> Schema:
    return {"required": [field], "properties": {field: {"not": {"type": "null"}}}}


def _readings() -> Schema:
    number = {"type": "number"}
    text = {"type": "string", "maxLength": 129}
    unit = {"type": "string", "maxLength": 64}
    properties: Schema = {
        "bn": text | {"description": "base name, prepended to n of this record and the following: <device_id>/"},
        "bt": number | {"description": "base time, added to t: seconds since 1970; below 2**28 relative to ce_time"},
        "bu": unit | {"description": "base unit, for records without u"},
        "bv": number | {"description": "base value, added to v"},
        "bver": {"type": "integer", "minimum": 1, "maximum": 10, "description": "version of SenML; leave it out"},
        "n": text | {"description": "name; bn + n must be <device_id>/<quantity>, both ids, one slash"},
        "u": unit | {"description": "unit, as the catalogue has it for the quantity; may be left out"},
        "t": number | {"description": "time in seconds, read to the microsecond, added to bt; may be negative"},
        "v": number | {"description": "the measured number; a whole one within int64"},
        "vb": {"type": "boolean", "description": "state of an alarm or a switch, in place of v"},
        "ut": number | {"description": "accepted and ignored"},
    }
    record: Schema = {
        "type": "object",
        "properties": properties | dict.fromkeys(("s", "bs", "vs", "vd"), False),
        "patternProperties": {"_$": False},
        "not": {"required": ["v", "vb"]},
        "anyOf": [
            {"required": ["v"]},
            {"required": ["vb"]},
            {"propertyNames": {"enum": ["bn", "bt", "bu", "bv", "bver"]}, "minProperties": 1},
        ],
    }
    return {
        "type": "array",
        "description": (
            "A SenML pack (RFC 8428) of the readings of one unit (the record's key). Base fields carry over to the "
            "following records until they are set anew; a record of base fields alone is no reading. Sums and values "
            "that are texts or data are not read; an unknown label that ends in _ refuses the pack."
        ),
        "minItems": 1,
        "maxItems": MAX_READINGS,
        "items": record,
    }
