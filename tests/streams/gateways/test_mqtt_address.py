"""Where the MQTT broker is, what it may refuse, and that a password never stands in an address."""

from pathlib import Path

import aiomqtt
import msgspec
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from streams.gateways.mqtt import check_granted
from streams.gateways.mqtt_address import read_mqtt_address
from streams.settings import Settings, SettingsError


def settings(**given: str) -> Settings:
    return msgspec.structs.replace(Settings(), **given)


def test_an_address_has_a_port_of_its_scheme_and_a_login_with_a_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    found = read_mqtt_address(settings(mqtt="mqtts://me%40here@broker", mqtt_password_file=str(tmp_path / "password")))
    assert (found.host, found.port, found.is_tls, found.user, found.password) == (
        "broker",
        8883,
        True,
        "me@here",
        "hush",
    )
    assert found.text == "mqtts://broker:8883"
    assert read_mqtt_address(settings(mqtt="mqtt://[::1]:1999")).port == 1999


@pytest.mark.parametrize("url", ["broker", "http://b", "mqtt://", "mqtt://b/topic", "mqtt://b:x", "mqtt://me:hush@b"])
def test_a_bad_address_is_refused_and_shows_no_password(url: str) -> None:
    with pytest.raises(SettingsError, match="mqtt") as refused:
        read_mqtt_address(settings(mqtt=url))
    assert "hush" not in str(refused.value)


def test_a_password_file_that_is_missing_is_named() -> None:
    nowhere = {"mqtt_password_file": "/nowhere"}
    with pytest.raises(SettingsError, match="/nowhere"):
        read_mqtt_address(settings(**nowhere))


def test_a_subscription_that_is_refused_is_no_subscription() -> None:
    check_granted("a/#", [0])
    check_granted("a/#", [1])
    check_granted("a/#", [ReasonCode(PacketTypes.SUBACK, identifier=1)])
    for code in (128, ReasonCode(PacketTypes.SUBACK, identifier=135)):
        with pytest.raises(aiomqtt.MqttError, match="does not let this login subscribe to a/#"):
            check_granted("a/#", [code])
