"""From MQTT messages to readings: whose they are comes from the topic, and what cannot be mapped says why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.mqtt_mapping import MappedReading, MqttMapping, MqttRoute
from schemas.times import SECOND_NS
from streams.gateways.mapped import Mapper, NotMappedError

NOW_NS = 1_767_225_600 * SECOND_NS
LORA = MqttRoute(
    topic="lora/{device}/up",
    gateway="gw-lora",
    format="json",
    device="hp-{device}",
    time="$.time",
    readings=(
        MappedReading(quantity="temperature", value="$.object.temp", unit="Cel"),
        MappedReading(quantity="smoke", value="$.object.alarms[1]"),
    ),
)
VALUE = MqttRoute(
    topic="v/{gateway}/{device}/{quantity}",
    format="json",
    readings=(MappedReading(quantity="{quantity}", value="$"),),
)
MAPPER = Mapper(MqttMapping(topics=(LORA, VALUE, MqttRoute(topic="g/{gateway}/#"))))
PAYLOAD = {"time": "2026-01-01T00:00:10Z", "object": {"temp": 21.5, "alarms": [False, True]}}


def test_each_reading_of_a_payload_is_found() -> None:
    _, pack = MAPPER.readings("lora/7/up", json.dumps(PAYLOAD).encode(), NOW_NS)
    assert pack.names == ["hp-7/temperature", "hp-7/smoke"]
    assert (pack.values, pack.booleans, pack.units) == ([21.5, 1.0], [False, True], ["Cel", None])
    assert pack.times == [NOW_NS + 10 * SECOND_NS] * 2


@pytest.mark.parametrize("time", [1_767_225_610, 1_767_225_610.0, 1_767_225_610_000, "2026-01-01T00:00:10Z"])
def test_a_time_is_rfc_3339_or_seconds_or_milliseconds(time: object) -> None:
    _, pack = MAPPER.readings("lora/7/up", json.dumps(PAYLOAD | {"time": time}).encode(), NOW_NS)
    assert pack.times[0] == NOW_NS + 10 * SECOND_NS


def test_a_bare_number_is_a_reading_at_the_time_of_receipt() -> None:
    _, pack = MAPPER.readings("v/gw-1/hp-7/LAeq", b"61.5", NOW_NS)
    assert (pack.names, pack.values, pack.times) == (["hp-7/LAeq"], [61.5], [NOW_NS])
    assert MAPPER.readings("v/gw-1/hp-7/LAeq", b'"61.5"', NOW_NS)[1].values == [61.5]


def test_senml_and_single_readings_need_no_mapping() -> None:
    assert MAPPER.readings("g/gw-2/any/where", b'[{"n": "d/LAeq", "v": 1}]', NOW_NS)[1].names == ["d/LAeq"]
    single = b'{"device_id": "d", "quantity": "LAeq", "value": 1}'
    assert MAPPER.readings("g/gw-2", single, NOW_NS)[1].names == ["d/LAeq"]


def test_who_speaks_is_what_the_topic_says() -> None:
    said = [
        MAPPER.readings("lora/7/up", json.dumps(PAYLOAD).encode(), NOW_NS)[0].source,
        MAPPER.readings("v/gw-1/d/q", b"1", NOW_NS)[0].source,
    ]
    for topic in ("g/gw-2/x", "g/no id/x", "other"):
        with pytest.raises(NotMappedError) as refused:
            MAPPER.readings(topic, b"no JSON", NOW_NS)
        said.append(refused.value.origin.source)
    ids = ["gw-lora", "gw-1", "gw-2", "unknown", "unknown"]
    assert said == [f"urn:vitals:gateway:{one}" for one in ids]


@pytest.mark.parametrize(
    ("topic", "payload", "said"),
    [
        ("other", b"1", "no topic pattern"),
        ("lora/7/up", b"{", "undecodable"),
        ("lora/7/up", b"\xff", "undecodable"),
        ("lora/7/up", b"[" * 50, "undecodable"),
        ("lora/7/up", b"{}", "time: 'None' is neither"),
        ("lora/7/up", json.dumps(PAYLOAD | {"object": {}}).encode(), "none of $.object.temp, $.object.alarms[1]"),
        (
            "lora/7/up",
            json.dumps(PAYLOAD | {"object": {"temp": "warm"}}).encode(),
            "$.object.temp: 'warm' is no number",
        ),
        ("lora/7/up", json.dumps(PAYLOAD | {"object": {"temp": [1]}}).encode(), "is no number"),
        ("lora/7/up", json.dumps(PAYLOAD | {"object": {"temp": "nan"}}).encode(), "is no number"),
        ("lora/7/up", json.dumps(PAYLOAD | {"time": True}).encode(), "time: 'True'"),
        ("lora/7/up", json.dumps(PAYLOAD | {"time": 1e30}).encode(), "outside 1970 to 2100"),
        ("lora/a b/up", json.dumps(PAYLOAD).encode(), "no device id"),
        ("v/gw-1/d/no quantity", b"1", "is no quantity"),
        ("g/gw-2/x", b"21.5", "schema"),
    ],
)
def test_what_cannot_be_mapped_says_why(topic: str, payload: bytes, said: str) -> None:
    with pytest.raises(NotMappedError) as refused:
        MAPPER.readings(topic, payload, NOW_NS)
    assert said in str(refused.value)


@given(st.sampled_from(["lora/7/up", "v/g/d/q", "g/x"]), st.binary(max_size=80) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["time", "object", "temp"]), inner),
    max_leaves=8,
).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_any_payload_is_mapped_or_refused(topic: str, payload: bytes) -> None:
    try:
        _, pack = MAPPER.readings(topic, payload, NOW_NS)
    except NotMappedError:
        return
    assert pack.names or pack.bad
