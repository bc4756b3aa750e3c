"""The AsyncAPI 3 document: channels, keys, partitions, headers and messages, as one outside of us sees them."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from schemas import channels
from schemas.bounded import MAX_EVENT_BYTES, MAX_SOURCE_BYTES
from schemas.classification import TOPICS
from schemas.envelope import MAX_HEADER_BYTES, gateway_urn, tick_headers, write_envelope
from schemas.examples import EXAMPLES, START_NS
from schemas.ids import MODES
from schemas.refusals import Reason
from schemas.times import TIME_PATTERN
from schemas.watermarks import WATERMARK_TYPE

Document = dict[str, Any]
UNIT_PARTITIONS = 12  # as shipped; ``vitals topics describe`` says what a deployment has
DISTRICT_PARTITIONS = 4
BINDING = "0.5.0"
SENML = "application/senml+json"
JSON = "application/json"
MSGPACK = "application/msgpack"

# Key -> partition of 12 and of 4: so that whoever writes a partitioner can check it.
PARTITIONER_EXAMPLES = {
    "hp.nanjing-east.g03.nanjing-building": (9, 1),
    "hp.bund.g01.bund-a": (8, 0),
    "xh.a.g1.b": (3, 3),
    "hp": (4, 0),
}


class _Channel(NamedTuple):
    """One row of the table below."""

    payload: str  # <payload>.schema.json
    content_type: str
    key: str
    partitions: int
    about: str


def _by_unit(payload: str, about: str, content_type: str = JSON, key: str = "unit_id") -> _Channel:
    return _Channel(payload, content_type, key, UNIT_PARTITIONS, about)


def _by_district(payload: str, about: str) -> _Channel:
    key = "district: the first label of unit_id, what stands before the first dot"
    return _Channel(payload, JSON, key, DISTRICT_PARTITIONS, about)


def _registry(kind: str, key: str, partitions: int) -> _Channel:
    about = f"{kind}s; an empty value removes one; written by vitals registry alone"
    return _Channel(f"registry-{kind}", JSON, key, partitions, about)


_SINGLE = "packs of any size and of several units; vitals collect makes packs by unit of them"
_NEWEST = "whole state at each change; keep the newest version of each"
_CHANNELS: dict[str, _Channel] = {
    channels.READINGS: _by_unit("readings", "packs of readings", SENML),
    channels.SINGLE_READINGS: _by_unit("readings", _SINGLE, SENML, "any"),
    channels.CROWD: _by_unit("crowd", "crowd counts"),
    channels.VIDEO: _by_unit("video", "video metadata: no picture, no face, no plate"),
    channels.REPORTS: _by_unit("report", "reports of citizens and inspectors"),
    channels.JUDGED: _by_unit("judged", "the accepted rows of each source record", MSGPACK),
    channels.LATE: _by_unit("judged", "rows that came after the grace period", MSGPACK),
    channels.INDICATORS: _by_unit(
        "indicator", "vital signs; the newest revision of a window counts", JSON, "unit_id, or a tier's prefix of it"
    ),
    channels.UNIT_SCORES: _by_district("unit-scores", "a unit's scores by domain"),
    channels.ANOMALIES: _by_district("anomaly", "onset, updates and clear of each anomaly"),
    channels.ALERTS: _by_district("alert", f"an alert's {_NEWEST} alert_id"),
    channels.ORDERS: _by_district("order", f"a case's {_NEWEST} case_id"),
    channels.ACTIONS: _by_district("action", "what people do with alerts"),
    channels.FEEDBACK: _by_district("feedback", "what field teams say of an order"),
    channels.REGISTRY_DEVICES: _registry("device", "device_id; the partition is its unit_id's", UNIT_PARTITIONS),
    channels.REGISTRY_UNITS: _registry("unit", "unit_id", UNIT_PARTITIONS),
    channels.REGISTRY_TEAMS: _registry("team", "team_id", 1),
    channels.REGISTRY_GATEWAYS: _registry("gateway", "gateway_id", 1),
}
SENT_BY_OTHERS = (*channels.SOURCES, channels.SINGLE_READINGS, channels.ACTIONS, channels.FEEDBACK)
_WITH_WATERMARKS = (channels.UNIT_SCORES, channels.ANOMALIES, channels.ALERTS)

_DESCRIPTION = f"""\
Urban Vitals judges a district's sensors from Kafka records. This document is written from outside: operations that
`send` are for gateways, people's tools and teams; those that `receive` are for whoever reads what we make.

**Key and partition.** The key is UTF-8 text, and it must be there. The partition is that of Kafka's Java producer:
`(murmur2(key) & 0x7fffffff) % partitions`, murmur2 in 32 bits with seed `0x9747b28c`. librdkafka and kcat default to
another one: set `partitioner=murmur2_random`. A source record without key, or in another partition, is a dead letter
(`no_key`, `wrong_partition`). To check a partitioner: {
    "; ".join(f"`{key}` is {many} of 12 and {few} of 4" for key, (many, few) in PARTITIONER_EXAMPLES.items())
}. A deployment may have other partition counts: ask the broker.

**Headers** are CloudEvents 1.0 in Kafka's binary mode: UTF-8 texts of at most {
    MAX_HEADER_BYTES
} bytes each. `ce_source` and `ce_id`
(with the mode) name a record: one that comes twice within 10 min of event time is counted as a duplicate and otherwise
ignored, so a producer may repeat what was not confirmed, with the same `ce_id`. Send with `acks=all`.

**Times** in JSON are RFC 3339 in UTC and end in `Z`, with up to nine decimals; in SenML they are seconds, as RFC 8428
says. A row more than 5 min ahead of its record is dead (`future`). Send in the order of time: a row more than 10 s
behind the newest of its partition counts as late. **Ids** match `^[A-Za-z0-9][A-Za-z0-9._:-]{{0,63}}$`.

**Limits.** Readings, crowd and video: {MAX_SOURCE_BYTES} bytes, 4096 readings or 1024 rows; other events: {
    MAX_EVENT_BYTES
} bytes; JSON at
most 8 deep, without NaN, in UTF-8. A row that is at fault is a dead letter by itself; the rest of its record counts.
A namespace, if the deployment has one, stands before every topic's name with a dot.
"""


def asyncapi() -> Document:
    """Return the document; its payloads refer to the ``*.schema.json`` files beside it."""
    found: Document = {}
    messages: Document = {
        "tick": _tick(),
        "watermark": _watermark(),
        "deadLetter": _dead_letter(),
        "auditEntry": _audit(),
        "replayedLetter": _replayed_letter(),
    }
    for topic, channel in _CHANNELS.items():
        messages[_camel(topic)] = _message(topic, channel)
        names = [_camel(topic)]
        names += ["tick"] if topic in channels.TICKED else []
        names += ["watermark"] if topic in _WITH_WATERMARKS else []
        found[_camel(topic)] = _channel(topic, channel.key, channel.partitions, channel.about, names)
    key = "that of the refused record, if it had one; the partition's number is the refused record's too"
    about = "what was refused, as it came, with the reason in headers"
    found[_camel(channels.DEAD_LETTERS)] = _channel(channels.DEAD_LETTERS, key, UNIT_PARTITIONS, about, ["deadLetter"])
    topic, about = channels.DEAD_LETTERS_REPLAYED, "which dead letters were repaired and sent again, and when"
    key = "where the letter came from: topic:partition:offset, and :index of a row"
    found[_camel(topic)] = _channel(topic, key, 1, about, ["replayedLetter"])
    rules = "changed catalogue entries; written by vitals registry apply alone"
    messages["catalogueEntry"] = _catalogue_entry()
    found[_camel(channels.REGISTRY_RULES)] = _channel(channels.REGISTRY_RULES, "id", 1, rules, ["catalogueEntry"])
    found[_camel(channels.AUDIT)] = _channel(channels.AUDIT, "none", 1, "who did what, in a hash chain", ["auditEntry"])
    return {
        "asyncapi": "3.0.0",
        "id": "urn:vitals:api",
        "info": {
            "title": "Urban Vitals",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "Any broker of the deployment; with SASL_SSL and SCRAM-SHA-512 outside of one machine.",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": found,
        "operations": {
            f"{'send' if topic in SENT_BY_OTHERS else 'receive'}{_capital(topic)}": {
                "action": "send" if topic in SENT_BY_OTHERS else "receive",
                "channel": {"$ref": f"#/channels/{_camel(topic)}"},
                "bindings": {"kafka": {"bindingVersion": BINDING}},
            }
            for topic in TOPICS
        },
        "components": {"messages": messages, "schemas": _header_schemas()},
    }


def _channel(topic: str, key: str, partitions: int, about: str, messages: list[str]) -> Document:
    return {
        "address": topic,
        "description": f"{about[0].upper()}{about[1:]}. Key: {key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": topic, "partitions": partitions, "bindingVersion": BINDING}},
        "x-classification": TOPICS[topic],
    }


def _message(topic: str, channel: _Channel) -> Document:
    payload = channel.payload
    message: Document = {
        "name": channels.EVENT_TYPES.get(topic, payload),
        "title": channel.about,
        "contentType": channel.content_type,
        "headers": {"$ref": "#/components/schemas/envelope"},
        "payload": {"$ref": f"./{payload}.schema.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": channel.key}, "bindingVersion": BINDING}},
    }
    if payload in EXAMPLES:
        example: Document = {"name": payload, "payload": msgspec.json.decode(EXAMPLES[payload]())}
        if topic in channels.EVENT_TYPES:
            example["headers"] = _texts(
                write_envelope(
                    id="gw-hp-01-000042",
                    source=gateway_urn("gw-hp-01"),
                    type=channels.EVENT_TYPES[topic],
                    time_ns=START_NS,
                )
            )
        message["examples"] = [example]
    return message


def _texts(headers: tuple[tuple[str, bytes], ...]) -> dict[str, str]:
    return {name: value.decode() for name, value in headers}


def _tick() -> Document:
    return {
        "name": "tick",
        "title": "moves the partition's time to ce_time where nothing else comes; made by vitals ticker",
        "headers": {"$ref": "#/components/schemas/tick"},
        "payload": {"type": "null", "description": "an empty value"},
        "examples": [{"headers": _texts(tick_headers(START_NS)), "payload": None}],
    }


def _watermark() -> Document:
    return {
        "name": WATERMARK_TYPE,
        "title": "nothing with an earlier time (ns since 1970) follows from one partition of the stage before; no key",
        "contentType": JSON,
        "headers": {"$ref": "#/components/schemas/watermark"},
        "payload": {"$ref": "./watermark.schema.json"},
        "examples": [{"payload": msgspec.json.decode(EXAMPLES["watermark"]())}],
    }


def _dead_letter() -> Document:
    return {
        "name": "dead-letter",
        "title": "the refused record, or where dl_index is given one row of it as a record of its own",
        "contentType": "application/octet-stream",
        "headers": {"$ref": "#/components/schemas/deadLetter"},
        "payload": {"description": "the bytes as they came; they need not be anything that can be read"},
    }


def _audit() -> Document:
    return {
        "name": "audit-entry",
        "title": "one act; each entry holds the hash of the one before it",
        "contentType": JSON,
        "payload": {"type": "object"},
    }


def _replayed_letter() -> Document:
    return {
        "name": "replayed-letter",
        "title": "when a dead letter was sent again",
        "contentType": "text/plain",
        "payload": {"type": "string", "format": "date-time"},
    }


def _catalogue_entry() -> Document:
    return {
        "name": "catalogue-entry",
        "title": "a quantity, an indicator, a table or a scenario, as in deploy/catalogue",
        "contentType": JSON,
        "payload": {
            "type": "object",
            "properties": {
                "rule_id": {"type": "string"},
                "version": {"type": "integer", "minimum": 1},
                "valid_from": {"type": "string", "format": "date-time"},
                "entry": {"type": "object"},
            },
            "required": ["rule_id", "version", "entry"],
        },
    }


_SIGNATURE = (
    "Ed25519 or HMAC-SHA256, in base64, over ce_source, ce_id, ce_time, ce_sequence, key and raw value, "
    "each preceded by its length as uint32 big-endian"
)


def _header_schemas() -> Document:
    text: Document = {"type": "string", "maxLength": MAX_HEADER_BYTES}
    time = text | {"pattern": TIME_PATTERN, "format": "date-time"}
    count = text | {"pattern": "^[0-9]+$"}
    envelope: Document = {
        "type": "object",
        "description": "CloudEvents 1.0, and ours. With SASL on, ce_id, ce_source, ce_type and ce_time must be there.",
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": text | {"description": "unique within ce_source; the same again when a record is repeated"},
            "ce_source": text | {"description": "urn:vitals:gateway:<gateway_id>", "pattern": "^urn:vitals:"},
            "ce_type": text | {"description": "the message's name"},
            "ce_time": time | {"description": "when the record was made; what relative SenML times are relative to"},
            "ce_sequence": text | {"description": "a counter of the gateway; part of what is signed"},
            "traceparent": text | {"description": "W3C Trace Context"},
            "vitals_mode": {"enum": list(MODES), "default": "actual", "description": "the registry's mode wins"},
            "vitals_backfill": {"enum": ["true"], "description": "old rows: stored and scored, but nothing is raised"},
            "vitals_provisional": {"enum": ["true"], "description": "of an alert: version 1, sent at arrival"},
            "vitals_key_id": text | {"description": "which key signed"},
            "vitals_signature": text | {"description": _SIGNATURE},
        },
    }
    return {
        "envelope": envelope,
        "tick": {
            "type": "object",
            "properties": {"vitals_tick": {"const": "true"}, "ce_time": time},
            "required": ["vitals_tick", "ce_time"],
        },
        "watermark": {
            "type": "object",
            "properties": {"ce_type": {"const": WATERMARK_TYPE}},
            "required": ["ce_type"],
        },
        "deadLetter": {
            "type": "object",
            "description": "Beside the headers that the refused record had.",
            "properties": {
                "dl_topic": text,
                "dl_partition": count,
                "dl_offset": count,
                "dl_index": count | {"description": "place of the row in its record"},
                "dl_reason": {"enum": [str(reason) for reason in Reason]},
                "dl_detail": text,
                "dl_time": time | {"description": "of the refused record"},
            },
            "required": ["dl_topic", "dl_partition", "dl_offset", "dl_reason", "dl_detail", "dl_time"],
        },
    }


def _camel(topic: str) -> str:
    """Return a topic's name as a key: ``vitals.unit-scores`` is ``unitScores``."""
    first, *rest = topic.removeprefix("vitals.").replace("-", ".").split(".")
    return first + "".join(word.capitalize() for word in rest)


def _capital(topic: str) -> str:
    name = _camel(topic)
    return name[0].upper() + name[1:]
