"""A producer that knows only ``vitals schema export`` and plain aiokafka; and what becomes of bad input."""

import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from influxdb_client.client.influxdb_client import InfluxDBClient
from jsonschema import Draft202012Validator

from schemas.export import export
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from tests.integration.system import System, running_system

UNIT = "hp.people-square.g02.tea-house"
DEVICE = "tea-house-air-1"
REGISTRY = f"""
units:
  - {{unit_id: {UNIT}, kind: shops, name_zh: 茶馆, name_en: Tea house}}
devices:
  - {{device_id: {DEVICE}, unit_id: {UNIT}, quantities: [temperature, pm25], interval_s: 10}}
"""


@pytest.fixture(scope="module")
def system(kafka: LocalKafka, influx: LocalInflux, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("contract")
    with running_system(kafka, influx, folder, f"contract-{secrets.token_hex(3)}") as running:
        (folder / "tea.yaml").write_text(REGISTRY)
        applied = running.run("registry", "apply", "tea.yaml")
        assert applied.returncode == 0, applied.stderr
        assert applied.stdout.endswith("2 written, 0 unchanged\n")
        yield running


class Contract:
    """What the exported files say of ``vitals.readings``; nothing else of ours is used to publish."""

    def __init__(self, folder: Path) -> None:
        document = json.loads((folder / "asyncapi.json").read_text())
        self.text: str = document["info"]["description"]
        channel = next(one for one in document["channels"].values() if one["address"].endswith(".readings"))
        assert any(
            one["action"] == "send" and document["channels"][one["channel"]["$ref"].rpartition("/")[2]] is channel
            for one in document["operations"].values()
        )
        self.address: str = channel["address"]
        self.partitions: int = channel["bindings"]["kafka"]["partitions"]
        name = next(name for name in channel["messages"] if name != "tick")
        message = document["components"]["messages"][name]
        self.key_is: str = message["bindings"]["kafka"]["key"]["description"]
        self.type: str = message["name"]
        envelope = document["components"]["schemas"][message["headers"]["$ref"].rpartition("/")[2]]
        self.headers = Draft202012Validator(envelope)
        self.payload = Draft202012Validator(json.loads((folder / message["payload"]["$ref"]).read_text()))
        limits = re.search(r"Readings, crowd and video: (\d+) bytes, (\d+) readings", self.text)
        assert limits is not None
        self.max_bytes, self.max_readings = int(limits[1]), int(limits[2])
        rule = re.search(
            r"\(murmur2\(key\) & (0x[0-9a-f]+)\) % partitions`, murmur2 .* seed `(0x[0-9a-f]+)`", self.text
        )
        assert rule is not None
        self.mask, self.seed = int(rule[1], 16), int(rule[2], 16)

    def partition(self, key: bytes) -> int:
        return (murmur2(key, self.seed) & self.mask) % self.partitions

    def envelope(self, ident: str) -> list[tuple[str, bytes]]:
        headers = {
            "ce_specversion": "1.0",
            "ce_id": ident,
            "ce_source": "urn:vitals:gateway:tea-house",
            "ce_type": self.type,
            "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        assert list(self.headers.iter_errors(headers)) == []
        return [(name, text.encode()) for name, text in headers.items()]


def murmur2(data: bytes, seed: int) -> int:
    """MurmurHash2 in 32 bits, as Austin Appleby wrote it."""
    m, r, word = 0x5BD1E995, 24, 0xFFFFFFFF
    h = (seed ^ len(data)) & word
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & word
        k = (k ^ (k >> r)) * m & word
        h = (h * m & word) ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & word
    h = (h ^ (h >> 13)) * m & word
    return h ^ (h >> 15)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    folder = tmp_path_factory.mktemp("schemas")
    export(folder)
    return Contract(folder)


async def sent(system: System, *records: dict[str, Any]) -> list[RecordMetadata]:
    """Publish with plain aiokafka, idempotent, its default partitioner; return what the broker confirmed."""
    producer = AIOKafkaProducer(bootstrap_servers=system.settings.kafka, acks="all", enable_idempotence=True)
    async with producer:
        return [await producer.send_and_wait(**record) for record in records]


def test_the_contracts_own_examples_check_the_partitioner(contract: Contract) -> None:
    examples = re.findall(r"`([\w.-]+)` is (\d+) of 12 and (\d+) of 4", contract.text)
    assert len(examples) >= 4
    found = [(k, (murmur2(k.encode(), contract.seed) & contract.mask)) for k, _, _ in examples]
    assert [(k, str(h % 12), str(h % 4)) for k, h in found] == examples


async def test_who_has_only_the_contract_publishes_and_sees_it_stored(
    system: System, contract: Contract, influx: LocalInflux
) -> None:
    assert contract.key_is == "unit_id"
    key, now = UNIT.encode(), round(time.time(), 3)
    packs = [
        [
            {"bn": f"{DEVICE}/", "bt": now, "n": "temperature", "u": "Cel", "v": 21.5},
            {"n": "pm25", "u": "ug/m3", "v": 18},
        ],
        [{"n": f"{DEVICE}/temperature", "t": now + 1, "v": 21.75}],
    ]
    assert [error.message for pack in packs for error in contract.payload.iter_errors(pack)] == []
    topic = f"{system.settings.namespace}.{contract.address}"
    first, second = (json.dumps(pack).encode() for pack in packs)
    assert len(first) < contract.max_bytes
    right = contract.partition(key)
    by_default, by_hand, again = await sent(
        system,
        {"topic": topic, "value": first, "key": key, "headers": contract.envelope("tea-1")},
        {"topic": topic, "value": second, "key": key, "headers": contract.envelope("tea-2"), "partition": right},
        {"topic": topic, "value": second, "key": key, "headers": contract.envelope("tea-2"), "partition": right},
    )
    assert by_default.partition == by_hand.partition == again.partition == right
    line = system.line(contract.address, right)
    assert {name: line[name] for name in ("in", "judged", "late", "dead", "duplicate", "stored", "lag")} == {
        "in": 4, "judged": 3, "late": 0, "dead": 0, "duplicate": 1, "stored": 3, "lag": 0,
    }  # fmt: skip
    bucket = f"{system.settings.namespace}.readings"
    query = f'from(bucket: "{bucket}") |> range(start: -1h, stop: 1m) |> filter(fn: (r) => r._field == "value")'
    with InfluxDBClient(url=influx.url, token="-", org="-") as client:  # noqa: S106 - 1.8 asks for none
        rows = [row.values for table in client.query_api().query(query) for row in table.records]
    assert sorted((row["_measurement"], row["device_id"], row["_value"]) for row in rows) == [
        ("readings_pm25", DEVICE, 18.0),
        ("readings_temperature", DEVICE, 21.5),
        ("readings_temperature", DEVICE, 21.75),
    ]


class Bad(NamedTuple):
    """What is sent, and the reason that its dead letter must have."""

    reason: str
    value: bytes
    key: bytes | None = UNIT.encode()
    off: int = 0  # how far from its partition
    row: bytes | None = b"0"  # its place; none where the whole record is refused


def reading(**fields: Any) -> bytes:
    return json.dumps([{"n": f"{DEVICE}/temperature", "u": "Cel", "v": 20.0, **fields}]).encode()


BAD = (
    Bad("undecodable", b"\xff\xfe\x00not json", row=None),
    Bad("undecodable", b'[{"n": "' + DEVICE.encode() + b'/temperature", "v": NaN}]', row=None),
    Bad("schema", reading(v="21.5")),
    Bad("schema", b'{"n": "' + DEVICE.encode() + b'/temperature", "v": 1}', row=None),
    Bad("bad_value", b'[{"n": "' + DEVICE.encode() + b'/temperature", "v": 12345678901234567890}]'),
    Bad("unknown_device", reading(n="nobody-1/temperature")),
    Bad("unknown_device", reading(), key=b"hp.people-square.g02.nowhere"),
    Bad("unknown_quantity", reading(n=f"{DEVICE}/happiness")),
    Bad("unknown_quantity", reading(n=f"{DEVICE}/LAeq")),
    Bad("wrong_measure", reading(u="K")),
    Bad("too_large", b"[" + b",".join([reading()[1:-1]] * 9_000) + b"]", row=None),
    Bad("future", reading(bt=time.time() + 86_400)),
    Bad("wrong_partition", reading(), off=1, row=None),
    Bad("no_key", reading(), key=None, row=None),
    Bad("unknown_label", reading(must_=1), row=None),
)


async def test_each_bad_input_is_a_dead_letter_with_its_reason_and_the_worker_goes_on(
    system: System, contract: Contract
) -> None:
    pids = system.stage_pids()
    before = system.balance()
    topic = f"{system.settings.namespace}.{contract.address}"
    records = [
        {
            "topic": topic,
            "value": bad.value,
            "key": bad.key,
            "partition": (contract.partition(bad.key or UNIT.encode()) + bad.off) % contract.partitions,
            "headers": contract.envelope(f"bad-{number}"),
        }
        for number, bad in enumerate(BAD)
    ]
    good = {"topic": topic, "value": reading(t=round(time.time())), "key": UNIT.encode()}
    confirmed = await sent(system, *records, {**good, "headers": contract.envelope("good")})
    after = system.balance()

    letters, values = {}, set()
    for record in await system.dead_letters():
        values.add(record.value)
        headers = dict(record.headers)
        place = int(headers["dl_partition"]), int(headers["dl_offset"])
        letters[place] = headers["dl_reason"].decode(), headers.get("dl_index"), headers["dl_topic"].decode()
    found = [letters.get((one.partition, one.offset)) for one in confirmed]
    assert found == [*((bad.reason, bad.row, contract.address) for bad in BAD), None]
    assert {bad.value for bad in BAD if bad.row is None} <= values  # as they came

    def total(balance: dict[str, Any], name: str) -> int:
        return sum(int(line[name]) for line in balance["by_partition"])

    assert (after["status"], after["problems"]) == ("closed", [])
    assert total(after, "dead") - total(before, "dead") == len(BAD)
    assert total(after, "stored") - total(before, "stored") == 1
    assert system.stage_pids() == pids
    assert set(pids) == {"sense", "alert", "dispatch"}
