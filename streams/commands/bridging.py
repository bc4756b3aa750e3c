"""Ways in: MQTT, HTTP, and single readings that are coalesced."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands import running
from streams.commands.running import run_until_stopped, set_up_logging, with_kafka
from streams.settings import Settings, SettingsError

if TYPE_CHECKING:
    from streams.gateways.tokens import Tokens

GIVEN = "VITALS_GATEWAY_TOKENS"


@click.group()
def bridge() -> None:
    """Take rows from gateways that do not speak Kafka.

    Example: vitals bridge http
    """


@bridge.command("mqtt")
@click.argument("mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--mqtt", metavar="URL", help="mqtt://[USER@]HOST[:1883] or mqtts://...  [VITALS_MQTT]")
@with_kafka
def bridge_mqtt(settings: Settings, mapping: Path, mqtt: str | None) -> None:
    """Take readings from an MQTT broker, as MAPPING (YAML) says.

    A message of QoS 1 is acknowledged once Kafka has confirmed its readings. Whose they are says the topic: let the
    MQTT broker allow each login only its own level (Mosquitto: `pattern write gateways/%u/#`).

    \b
      topics:
      - topic: gateways/{gateway}/senml              # SenML packs, or readings as JSON objects
      - topic: lora/{device}/up
        gateway: gw-lora
        format: json
        time: $.time
        readings:
        - {quantity: temperature, value: $.object.temp, unit: Cel}

    The login's password is read from VITALS_MQTT_PASSWORD_FILE; VITALS_MQTT_VERSION is 5 or 3.1.1.

    Example: vitals bridge mqtt mapping.yaml --mqtt mqtt://127.0.0.1:1883
    """  # noqa: D301 - click wants the character
    from schemas.mqtt_mapping import read_mqtt_mapping
    from streams.gateways.mqtt import run_mqtt_bridge
    from streams.gateways.mqtt_address import read_mqtt_address

    found = read_mqtt_mapping(mapping)
    given = settings if mqtt is None else msgspec.structs.replace(settings, mqtt=mqtt)
    address = read_mqtt_address(given)
    set_up_logging()
    run_until_stopped(lambda stop: run_mqtt_bridge(given, found, address, stop))


@bridge.command("http")
@with_kafka
def bridge_http(settings: Settings) -> None:
    """Take rows over HTTP: POST /ingest/readings, crowd, video, reports; /openapi.json describes it.

    Each gateway has a bearer token: VITALS_GATEWAY_TOKENS_FILE names a YAML file of `gateway: token` lines (a token may
    be given as sha256:HEX), which is read again when it changes. Without one a token for the gateway `local` is made
    and printed.

    Example: vitals bridge http
    """
    from streams.gateways.http import run_http_bridge
    from streams.gateways.tokens import TRIAL_GATEWAY

    quantities = running.catalogue_of(settings).quantities
    tokens, made = gateway_tokens(settings)
    set_up_logging()

    def started(url: str) -> None:
        click.echo(f"taking rows on {url}/ingest/readings; {url}/openapi.json describes it")
        if made is not None:
            click.echo(f"token of gateway {TRIAL_GATEWAY}: {made}")

    run_until_stopped(lambda stop: run_http_bridge(settings, quantities, tokens, stop, started))


@click.command()
@with_kafka
def collect(settings: Settings) -> None:
    """Coalesce single readings (vitals.readings.single: any key, JSON or SenML) into packs by unit.

    Example: vitals collect
    """
    from streams.gateways.collect import run_collect

    set_up_logging()
    run_until_stopped(lambda stop: run_collect(settings, stop))


def gateway_tokens(settings: Settings) -> tuple[Tokens, str | None]:
    """Return the gateways' tokens, and one that was made because none are given."""
    from streams.gateways.tokens import TRIAL_GATEWAY, Tokens, read_tokens

    if settings.gateway_tokens_file is not None:
        path = Path(settings.gateway_tokens_file)
        return Tokens(read_tokens(path), path), None
    if (given := os.environ.get(GIVEN)) is not None:
        try:
            return Tokens(msgspec.json.decode(given, type=dict[str, str])), None
        except msgspec.DecodeError as error:
            raise SettingsError(f"bad setting: {GIVEN} must be JSON, a token by gateway: {error}") from error
    made = secrets.token_urlsafe(24)
    return Tokens({TRIAL_GATEWAY: made}), made
