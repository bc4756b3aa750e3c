"""Where the MQTT broker is: ``mqtt://[user@]host[:1883]`` or ``mqtts://[user@]host[:8883]``; a password is a file's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from streams.settings import Settings, SettingsError

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttAddress:
    """A broker and a login; ``text`` is what may be shown."""

    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None

    @property
    def text(self) -> str:
        """Return the address without the login."""
        return f"{'mqtts' if self.is_tls else 'mqtt'}://{self.host}:{self.port}"


def read_mqtt_address(settings: Settings) -> MqttAddress:
    """Return the address of the settings.

    Raises
    ------
    SettingsError
        It is none, holds a password, or its password's file cannot be read.
    """
    try:
        url = urlsplit(settings.mqtt)
        port = url.port
    except ValueError as error:
        raise SettingsError(f"bad setting: mqtt: {error}") from error
    if url.password is not None:
        raise SettingsError("bad setting: mqtt holds a password; put it into a file and set VITALS_MQTT_PASSWORD_FILE")
    if url.scheme not in PORTS or not url.hostname or url.path not in ("", "/") or url.query or url.fragment:
        raise SettingsError(f"bad setting: mqtt must be mqtt://HOST:1883 or mqtts://HOST:8883, not {settings.mqtt!r}")
    password = None
    if settings.mqtt_password_file is not None:
        try:
            password = Path(settings.mqtt_password_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"bad setting: mqtt_password_file {settings.mqtt_password_file}: {error}") from error
    return MqttAddress(
        host=url.hostname,
        port=port or PORTS[url.scheme],
        is_tls=url.scheme == "mqtts",
        user=None if url.username is None else unquote(url.username),
        password=password,
    )
