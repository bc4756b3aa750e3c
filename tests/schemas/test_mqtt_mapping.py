"""The MQTT bridge's mapping file: what is wrong with it is said with place and reason."""

from pathlib import Path

import pytest

from schemas.files import FileFormatError
from schemas.mqtt_mapping import json_path, read_mqtt_mapping, subscription

SENML = "topics:\n- {topic: 'gateways/{gateway}/senml'}\n"
JSON = """
topics:
- topic: lora/{device}/up
  gateway: gw-lora
  format: json
  device: "hp-{device}"
  time: $.rx[0].time
  readings:
  - {quantity: temperature, value: $.object.temp, unit: Cel}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_mapping_is_read(tmp_path: Path) -> None:
    mapping = read_mqtt_mapping(written(tmp_path, SENML + JSON.replace("\ntopics:\n", "")))
    assert [route.topic for route in mapping.topics] == ["gateways/{gateway}/senml", "lora/{device}/up"]
    assert mapping.topics[1].readings[0].quantity == "temperature"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topics: []", "length >= 1"),
        ("topics:\n- {topic: a, colour: blue}", "unknown field `colour`"),
        ("topics:\n- {topic: a}", "whose it is"),
        ("topics:\n- {topic: 'a/{gateway}', gateway: gw}", "whose it is"),
        ("topics:\n- {topic: 'a/#/b', gateway: gw}", "# must be the last level"),
        ("topics:\n- {topic: 'a/b#', gateway: gw}", "# must be the last level"),
        ("topics:\n- {topic: 'a/x{gateway}'}", "must be a level alone"),
        ("topics:\n- {topic: '{gateway}/{gateway}'}", "comes twice"),
        ("topics:\n- {topic: a, gateway: 'no id'}", "$.topics[0].gateway"),
        ("topics:\n- {topic: a, gateway: gw, time: $.t}", "senml takes neither"),
        ("topics:\n- {topic: a, gateway: gw, format: json, device: d}", "needs readings"),
        (JSON.replace("hp-{device}", "{eui}"), "no level {eui}"),
        (JSON.replace("hp-{device}", "a b"), "makes no id"),
        (JSON.replace("$.object.temp", "$..temp"), "readings[0].value: not a JSON path"),
        (JSON.replace("$.rx[0].time", "rx.time"), "time: not a JSON path"),
        (JSON.replace("temperature", "'{q}'"), "readings[0].quantity: the topic has no level {q}"),
        ("topics: [", "mapping.yaml"),
    ],
)
def test_a_bad_mapping_is_refused_with_place_and_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileFormatError) as refused:
        read_mqtt_mapping(written(tmp_path, text))
    assert said in str(refused.value)
    assert "mapping.yaml" in str(refused.value)


def test_named_levels_are_subscribed_to_as_any_one() -> None:
    assert subscription("a/{gateway}/+/{device}/#") == "a/+/+/+/#"


def test_json_paths_are_single_steps() -> None:
    assert json_path("$") == ()
    assert json_path("$.a.b-c['d e'][12]") == ("a", "b-c", "d e", 12)
    for bad in ("", "a", "$a", "$.", "$.a..b", "$[*]", "$[-1]", "$.a[", "$" + ".a" * 17):
        with pytest.raises(ValueError, match="not a JSON path"):
            json_path(bad)
