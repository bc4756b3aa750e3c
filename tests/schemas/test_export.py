"""The export: schemas that hold what we write and refuse what we refuse, and an AsyncAPI document in one piece."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from schemas import channels
from schemas.classification import ORDER, TOPICS
from schemas.examples import EXAMPLES
from schemas.export import DRAFT, export, json_schemas
from schemas.export_asyncapi import PARTITIONER_EXAMPLES, SENT_BY_OTHERS, asyncapi
from schemas.refusals import Reason
from streams.topics import TOPICS as PROVISIONED
from streams.topics import partition_for, partitions_of

SCHEMAS = json_schemas()
DOCUMENT = asyncapi()
by_name = pytest.mark.parametrize("name", SCHEMAS)


def errors(name: str, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMAS[name]).iter_errors(value)]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    children: Iterator[Any] = iter(())
    if isinstance(value, dict):
        yield value
        children = iter(value.values())
    elif isinstance(value, list):
        children = iter(value)
    for child in children:
        yield from nodes(child)


def resolved(ref: str, folder: Path) -> Any:
    file, _, pointer = ref.partition("#")
    target = json.loads((folder / file).read_bytes()) if file else DOCUMENT
    for part in filter(None, pointer.split("/")):
        target = target[part]
    return target


@by_name
def test_a_schema_is_one(name: str) -> None:
    assert SCHEMAS[name]["$schema"] == DRAFT
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_we_write_is_valid(name: str) -> None:
    assert errors(name, msgspec.json.decode(EXAMPLES[name]())) == []


ROW = {"zone_id": "z", "source": "gate", "time": "2026-01-01T00:00:00Z"}
CAMERA = {"camera_id": "c", "time": "2026-01-01T00:00:00Z"}


def example(name: str) -> Any:
    return msgspec.json.decode(EXAMPLES[name]())


def without(name: str, field: str) -> Any:
    return {key: value for key, value in example(name).items() if key != field}


INVALID: list[tuple[str, object]] = [
    ("readings", []),
    ("readings", {"n": "d/q", "v": 1}),
    ("readings", [{"n": "d/q"}]),
    ("readings", [{}]),
    ("readings", [{"n": "d/q", "v": "1"}]),
    ("readings", [{"n": "d/q", "v": 1, "vb": True}]),
    ("readings", [{"n": "d/q", "vs": "x"}]),
    ("readings", [{"n": "d/q", "v": 1, "bs": 1}]),
    ("readings", [{"n": "d/q", "v": 1, "x_": 1}]),
    ("readings", [{"n": "d/q", "v": 1, "bver": 11}]),
    ("readings", [{"n": "d/q", "v": 1}] * 4_097),
    ("crowd", []),
    ("crowd", [ROW]),
    ("crowd", [ROW | {"people_in": None}]),
    ("crowd", [ROW | {"people_in": -1}]),
    ("crowd", [ROW | {"people_in": 1, "face": "x"}]),
    ("video", [CAMERA | {"plate": "x"}]),
    ("video", [CAMERA | {"events": [{"kind": "dog", "confidence": 1}]}]),
    ("report", example("report") | {"text": "x" * 2_001}),
    ("report", example("report") | {"phone": "x"}),
    ("indicator", example("indicator") | {"score": 101}),
    ("unit-scores", example("unit-scores") | {"scores": {"weather": 1}}),
    ("anomaly", example("anomaly") | {"phase": "end"}),
    ("alert", without("alert", "alert_id")),
    ("order", example("order") | {"step": "lost"}),
    ("feedback", example("feedback") | {"action": "sleep"}),
    ("feedback", example("feedback") | {"notes": "x"}),
    ("action", without("action", "matcher")),
    ("watermark", {"source_partition": 1}),
    ("registry-device", without("registry-device", "unit_id")),
    ("registry-unit", example("registry-unit") | {"kind": "castle"}),
    ("registry-team", example("registry-team") | {"skills": []}),
    ("registry-gateway", example("registry-gateway") | {"gateway_id": "g\n"}),
    ("registry-file", {"lamps": []}),
    ("ground-truth", without("ground-truth", "must_stay_silent")),
    ("mapping", example("mapping") | {"target": "vitals.alerts"}),
    ("balance", without("balance", "closed")),
    ("run-report", without("run-report", "latency_s")),
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_what_we_refuse_is_invalid(name: str, value: object) -> None:
    assert errors(name, value)


def test_every_event_has_an_invalid_example() -> None:
    assert {name for name, _ in INVALID} == set(EXAMPLES)


def test_a_pack_may_set_base_fields_by_themselves() -> None:
    assert errors("readings", [{"bn": "d/", "bt": 1}, {"n": "q", "v": 1, "x": 1}]) == []


def test_all_documents_are_written(tmp_path: Path) -> None:
    paths = export(tmp_path / "new" / "folder")
    assert {path.name for path in paths} == {"asyncapi.json", *(f"{name}.schema.json" for name in SCHEMAS)}
    assert json.loads((tmp_path / "new" / "folder" / "asyncapi.json").read_bytes()) == DOCUMENT


def test_exporting_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in export(tmp_path)}
    assert {path.name: path.read_bytes() for path in export(tmp_path)} == first


def test_every_reference_leads_somewhere(tmp_path: Path) -> None:
    export(tmp_path)
    found = [node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node]
    assert all(resolved(ref, tmp_path) for ref in found)
    assert {"./readings.schema.json", "./crowd.schema.json", "./alert.schema.json"} <= set(found)


@by_name
def test_every_reference_within_a_schema_leads_somewhere(name: str) -> None:
    refs = [node["$ref"] for node in nodes(SCHEMAS[name]) if "$ref" in node]
    assert all(ref.removeprefix("#/$defs/") in SCHEMAS[name]["$defs"] for ref in refs)


# What https://www.asyncapi.com/docs/reference/specification/v3.0.0 asks of each object, by hand.
def test_the_document_has_the_fields_of_asyncapi_3() -> None:
    fields = {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}
    assert set(DOCUMENT) == fields
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT["info"]) <= {"title", "version", "description", "license"}
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert all({"host", "protocol"} <= set(server) for server in DOCUMENT["servers"].values())


@pytest.mark.parametrize("channel", DOCUMENT["channels"].values(), ids=DOCUMENT["channels"])
def test_a_channel_has_address_messages_and_its_kafka_binding(channel: dict[str, Any]) -> None:
    assert set(channel) == {"address", "description", "messages", "bindings", "x-classification"}
    assert channel["bindings"]["kafka"]["topic"] == channel["address"]
    assert channel["messages"]
    assert "Key: " in channel["description"]


@pytest.mark.parametrize("message", DOCUMENT["components"]["messages"].values(), ids=DOCUMENT["components"]["messages"])
def test_a_message_has_known_fields_and_a_payload(message: dict[str, Any]) -> None:
    assert set(message) <= {"name", "title", "contentType", "headers", "payload", "bindings", "examples"}
    assert {"name", "title", "payload"} <= set(message)
    assert all(set(one) <= {"name", "summary", "headers", "payload"} for one in message.get("examples", ()))


@pytest.mark.parametrize("operation", DOCUMENT["operations"].values(), ids=DOCUMENT["operations"])
def test_an_operation_sends_to_sources_and_receives_from_the_rest(operation: dict[str, Any], tmp_path: Path) -> None:
    address = resolved(operation["channel"]["$ref"], tmp_path)["address"]
    assert set(operation) == {"action", "channel", "bindings"}
    assert operation["action"] == ("receive", "send")[address in SENT_BY_OTHERS]


def test_names_are_such_as_asyncapi_allows() -> None:
    keys = [*DOCUMENT["channels"], *DOCUMENT["operations"], *DOCUMENT["components"]["messages"]]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", key) for key in keys)


def test_every_topic_but_our_state_is_a_channel_with_its_partitions() -> None:
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    provisioned = {topic.name for topic in PROVISIONED if not topic.name.startswith("vitals.state.")}
    assert addresses == provisioned == set(TOPICS)
    for channel in DOCUMENT["channels"].values():
        assert channel["bindings"]["kafka"]["partitions"] == partitions_of(channel["address"])


def test_every_event_type_is_the_name_of_a_message() -> None:
    names = {message["name"] for message in DOCUMENT["components"]["messages"].values()}
    assert set(channels.EVENT_TYPES.values()) <= names


@pytest.mark.parametrize(("key", "partitions"), PARTITIONER_EXAMPLES.items())
def test_the_partitioner_is_described_with_true_examples(key: str, partitions: tuple[int, int]) -> None:
    assert (partition_for(key.encode(), 12), partition_for(key.encode(), 4)) == partitions
    assert f"`{key}`" in DOCUMENT["info"]["description"]


@pytest.mark.parametrize("message", DOCUMENT["components"]["messages"].values(), ids=DOCUMENT["components"]["messages"])
def test_examples_of_headers_and_payloads_are_valid(message: dict[str, Any], tmp_path: Path) -> None:
    export(tmp_path)
    for one in message.get("examples", ()):
        payload = resolved(message["payload"].get("$ref", "#"), tmp_path) if "$ref" in message["payload"] else {}
        headers = resolved(message["headers"]["$ref"], tmp_path)
        Draft202012Validator(payload).validate(one["payload"])
        Draft202012Validator(headers).validate(one.get("headers", {"ce_type": "city.vitals.watermark.v1"}))


def test_the_reasons_of_dead_letters_are_all_there() -> None:
    headers = DOCUMENT["components"]["schemas"]["deadLetter"]["properties"]
    assert headers["dl_reason"]["enum"] == [reason.value for reason in Reason]


@by_name
def test_every_field_has_a_class(name: str) -> None:
    fields = [
        sub for node in nodes(SCHEMAS[name]) for sub in node.get("properties", {}).values() if isinstance(sub, dict)
    ]
    described = [sub for sub in fields if "not" not in sub]  # what crowd rows and actions need one of
    assert described
    assert all(sub["x-classification"] in ORDER for sub in described)


PERSON = re.compile(r"plate|face|imei|\bmac\b|imsi|phone|mobile|email|identity|passport|id_card|picture|photo|image")


@by_name
def test_no_field_asks_for_a_person(name: str) -> None:
    assert not [field for node in nodes(SCHEMAS[name]) for field in node.get("properties", {}) if PERSON.search(field)]


@pytest.mark.parametrize("channel", DOCUMENT["channels"].values(), ids=DOCUMENT["channels"])
def test_no_field_is_classified_above_its_topic(channel: dict[str, Any], tmp_path: Path) -> None:
    export(tmp_path)
    limit = ORDER.index(channel["x-classification"])
    for message in channel["messages"].values():
        payload = resolved(message["$ref"], tmp_path)["payload"]
        schema = resolved(payload["$ref"], tmp_path) if "$ref" in payload else {}
        classes = {node["x-classification"] for node in nodes(schema) if "x-classification" in node}
        assert all(ORDER.index(one) <= max(limit, ORDER.index("internal")) for one in classes)
