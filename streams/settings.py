"""Settings: ``VITALS_*`` variables over a TOML file (``VITALS_CONFIG``) over ``.vitals/run.json`` over defaults."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from streams.catalogue.files import CATALOGUE_FOLDER

RUN_FILE = Path(".vitals/run.json")
_FROM_RUN_FILE = ("kafka", "broker", "store", "console", "disorder_s", "clock_scale", "clock_behind_s", "namespace")


class SettingsError(Exception):
    """A setting is wrong or a server is missing: one line that says what, and what to do. Exit code 2."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every process of the system needs to know; ``VITALS_<NAME>`` sets each."""

    kafka: str = "127.0.0.1:9092"  # bootstrap servers
    broker: Literal["kafka", "embedded"] = "kafka"  # embedded: the stand-in of ``vitals up``, with its limits
    store: str = "duckdb:///.vitals/vitals.duckdb"  # or influxdb://host:8086[?org=..]; token in store_token_file
    store_token_file: str | None = None
    store_readings: Literal["on", "off"] = "on"
    console: str = "127.0.0.1:8080"
    namespace: str = ""  # prefix before every topic, group and bucket
    sources_from: str | None = None  # namespace of sources, feedback, actions and registry, where another's
    catalogue: str = str(CATALOGUE_FOLDER)
    clock_scale: float = 1.0
    clock_behind_s: float = 0.0  # how far event time lies behind this machine's clock, in trials
    disorder_s: float = 10.0
    grace_s: float = 600.0
    checkpoint_s: float = 10.0
    host: str = "127.0.0.1"  # where metrics and health listen
    metrics_port: int = 9464
    store_port: int = 9465
    bridge_port: int = 8081  # where `bridge http` takes rows, and where the other gateways have metrics and health
    gateway_tokens_file: str | None = None  # YAML: gateway id -> bearer token, for `bridge http`
    mqtt: str = "mqtt://127.0.0.1:1883"  # or mqtts://[user@]host[:8883]
    mqtt_version: Literal["5", "3.1.1"] = "5"
    mqtt_client_id: str = "vitals-bridge"  # the broker keeps under this name what comes while the bridge is away
    mqtt_password_file: str | None = None
    mqtt_ca_file: str | None = None  # certificates to trust, where the system's do not do
    webhook_url: str | None = None  # of whoever is told of alerts and orders
    webhook_secret_file: str | None = None  # signs what is sent there: whsec_BASE64, or 24 bytes or more of text
    webhook_dead_after_s: float = 3_600.0  # so long is tried to deliver one of them
    webhook_port: int = 9466
    data: str = ".vitals"  # folder of what this machine keeps


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Return the settings; ``given`` (command line options that are not ``None``) win.

    Raises
    ------
    SettingsError
        A value is wrong or a setting unknown; the message names it.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = _run_file(Path(environ.get("VITALS_RUN_FILE", str(RUN_FILE))))
    if config := environ.get("VITALS_CONFIG"):
        values |= _toml(Path(config))
    for name in Settings.__struct_fields__:
        if (text := environ.get(f"VITALS_{name.upper()}")) is not None:
            values[name] = text
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"bad setting: {error}; see `vitals --help` for the names (VITALS_*)") from error
    if settings.clock_scale < 1:
        raise SettingsError(f"bad setting: clock_scale must be 1 or more, not {settings.clock_scale}")
    return settings


def _run_file(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: found[name] for name in _FROM_RUN_FILE if name in found}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"VITALS_CONFIG={path}: {error}") from error
