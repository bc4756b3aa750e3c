"""The OpenAPI 3.1 document of the HTTP bridge, made from the same types that check what comes."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec

from schemas.crowd import MAX_CROWD_ROWS, CrowdRow
from schemas.examples import EXAMPLES
from schemas.export import json_schemas
from schemas.reports import Report
from schemas.senml_records import MAX_READINGS
from schemas.single import SingleReading
from schemas.video import MAX_VIDEO_ROWS, VideoRow
from streams.gateways.ingest import MAX_REPORTS

Schema = dict[str, Any]
_REF = "#/components/schemas/"
_FAULT: Schema = {
    "type": "object",
    "required": ["index", "reason", "detail"],
    "properties": {
        "index": {"type": "integer", "minimum": 0, "description": "position of the element in the body"},
        "reason": {"type": "string", "description": "as in vitals.dead-letters"},
        "detail": {"type": "string"},
    },
}
_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what to do"},
        "errors": {"type": "array", "items": {"$ref": _REF + "Fault"}},
    },
}
_RECORD: Schema = {
    "type": "object",
    "required": ["id", "unit_id", "topic", "partition", "offset"],
    "properties": {
        "id": {"type": "string", "description": "`vitals trace ID` tells what became of it"},
        "unit_id": {"type": "string"},
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "integer"},
    },
}
_ACCEPTED: Schema = {
    "type": "object",
    "required": ["accepted", "records", "warnings"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 1, "description": "elements that Kafka has confirmed"},
        "records": {"type": "array", "items": {"$ref": _REF + "Record"}},
        "warnings": {
            "type": "array",
            "items": {"$ref": _REF + "Fault"},
            "description": "elements that will become dead letters, as the registry stands now; at most 20 are named",
        },
    },
}
_PROBLEMS = {
    400: "Not JSON, or a bad parameter or header.",
    401: "No token, or nobody's.",
    408: "The body did not come in time.",
    409: "A request with this Idempotency-Key is under way.",
    413: "More bytes or elements than are taken at once.",
    415: "Another Content-Type.",
    422: "An element is at fault: `errors` names it. Nothing was taken.",
    429: "Kafka is slow: send it again after `Retry-After`.",
    503: "Kafka has not confirmed in time: send it again with the same Idempotency-Key.",
}


def openapi() -> Schema:
    """Return the document."""
    names = (SingleReading, CrowdRow, VideoRow, Report)
    _, components = msgspec.json.schema_components(names, ref_template=_REF + "{name}")
    components |= {"Fault": _FAULT, "Problem": _PROBLEM, "Record": _RECORD, "Accepted": _ACCEPTED}
    components["SenMLPack"] = {
        name: part for name, part in json_schemas()["readings"].items() if name not in ("$schema", "$id", "examples")
    }
    crowd, video = _array("CrowdRow", MAX_CROWD_ROWS), _array("VideoRow", MAX_VIDEO_ROWS)
    paths = {
        "/ingest/readings": _post("Readings of any units", _readings(), "readings"),
        "/ingest/crowd": _post("Crowd rows of any zones", _json(crowd, "crowd"), "crowd"),
        "/ingest/video": _post("Video rows of any cameras", _json(video, "video"), "video"),
        "/ingest/reports": _post("Reports of people", _json(_one_or_more("Report", MAX_REPORTS), "report"), "reports"),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Urban Vitals ingest",
            "version": version("urban-vitals"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Rows are answered for once Kafka has confirmed them; sense judges them after that.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"gateway": {"type": "http", "scheme": "bearer", "description": "one token a gateway"}},
        },
        "security": [{"gateway": []}],
    }


def _readings() -> Schema:
    senml: Schema = {"schema": {"$ref": _REF + "SenMLPack"}, "example": msgspec.json.decode(EXAMPLES["readings"]())}
    return {
        "application/senml+json": senml,
        "application/json": {"schema": _one_or_more("SingleReading", MAX_READINGS)},
    }


def _array(name: str, most: int) -> Schema:
    return {"type": "array", "minItems": 1, "maxItems": most, "items": {"$ref": _REF + name}}


def _one_or_more(name: str, most: int) -> Schema:
    return {"oneOf": [{"$ref": _REF + name}, _array(name, most)]}


def _json(schema: Schema, example: str) -> Schema:
    return {"application/json": {"schema": schema, "example": msgspec.json.decode(EXAMPLES[example]())}}


def _post(summary: str, content: Schema, what: str) -> Schema:
    key: Schema = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "description": "the same key and body again count once",
    }
    backfill: Schema = {
        "name": "backfill",
        "in": "query",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "old rows: stored and scored, raise nothing",
    }
    unit: Schema = {
        "name": "unit",
        "in": "query",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"},
        "description": "the unit, where several have a zone of this name",
    }
    problem = {"application/problem+json": {"schema": {"$ref": _REF + "Problem"}}}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    responses: Schema = {
        "202": {
            "description": "Kafka has confirmed all of it.",
            "content": {"application/json": {"schema": {"$ref": _REF + "Accepted"}}},
        }
    }
    for status, description in _PROBLEMS.items():
        responses[str(status)] = {"description": description, "content": problem}
        if status in (409, 429, 503):
            responses[str(status)]["headers"] = retry
    return {
        "post": {
            "operationId": f"ingest_{what}",
            "summary": summary,
            "parameters": [key, backfill, *([unit] if what == "crowd" else [])],
            "requestBody": {"required": True, "content": content},
            "responses": responses,
        }
    }
