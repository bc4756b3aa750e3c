"""Whom the settings name, checked before anything is sent."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from streams.settings import Settings, SettingsError
from streams.webhook.post import Receiver
from streams.webhook.signing import read_secret


def receiver_of(settings: Settings) -> Receiver:
    """Return the receiver.

    Raises
    ------
    SettingsError
        No URL, none of http or https, no secret, or one that is too short.
    """
    if settings.webhook_url is None:
        raise SettingsError("no receiver: set VITALS_WEBHOOK_URL=https://...")
    try:
        url = urlsplit(settings.webhook_url)
        _ = url.port
    except ValueError as error:
        raise SettingsError("bad setting: webhook_url is no address") from error
    if url.scheme not in ("http", "https") or not url.hostname or url.username is not None:
        raise SettingsError("bad setting: webhook_url must be http:// or https:// and a host, without a login")
    if settings.webhook_secret_file is None:
        raise SettingsError("no secret: set VITALS_WEBHOOK_SECRET_FILE to a file that holds it (whsec_BASE64)")
    try:
        key = read_secret(Path(settings.webhook_secret_file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"bad setting: webhook_secret_file {settings.webhook_secret_file}: {error}") from error
    if not settings.webhook_dead_after_s > 0:
        raise SettingsError("bad setting: webhook_dead_after_s must be above 0")
    return Receiver(url=settings.webhook_url, key=key, dead_after_s=settings.webhook_dead_after_s)
