"""Which gateway a bearer token is: from a file that is read again when it changes, compared without leaking time."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from schemas.files import FileFormatError, read_bytes
from schemas.ids import is_id
from streams.settings import SettingsError

TRIAL_GATEWAY = "local"  # whose token is made where none are given
MIN_TOKEN = 16  # characters
LOOK_SECONDS = 5.0
HASHED = "sha256:"


class Tokens:
    """Gateways by token; ``path`` is YAML, ``<gateway_id>: <token>`` or ``<gateway_id>: sha256:<64 hex digits>``."""

    def __init__(self, given: Mapping[str, str], path: Path | None = None) -> None:
        self._path = path
        self._digests = _digests(given)
        self._stamp = _stamp(path)
        self._looked = time.monotonic()

    def gateway_of(self, authorization: str | None) -> str | None:
        """Return the gateway of an ``Authorization`` header; ``None``: nobody's."""
        self._look()
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        digest = hashlib.sha256(token.strip().encode()).digest()
        found = None
        for gateway_id, known in self._digests:  # all of them, always
            if hmac.compare_digest(digest, known):
                found = gateway_id
        return found

    def _look(self) -> None:
        """Read the file again if it has changed; one that cannot be read leaves in force what was."""
        if self._path is None or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        stamp = _stamp(self._path)
        if stamp is not None and stamp != self._stamp:
            try:
                self._digests = _digests(read_tokens(self._path))
            except SettingsError:
                return
            self._stamp = stamp


def read_tokens(path: Path) -> dict[str, str]:
    """Return what a tokens file says.

    Raises
    ------
    SettingsError
        It is missing, no such YAML, or a token is too short; the message shows no token.
    """
    try:
        found = msgspec.yaml.decode(read_bytes(path), type=dict[str, str])
    except FileFormatError as error:
        raise SettingsError(f"bad setting: gateway_tokens_file: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"bad setting: gateway_tokens_file {path}: must be YAML, `gateway: token` lines") from error
    _digests(found)
    return found


def _digests(given: Mapping[str, str]) -> list[tuple[str, bytes]]:
    return [(gateway_id, _digest(gateway_id, token)) for gateway_id, token in given.items()]


def _digest(gateway_id: str, token: str) -> bytes:
    if not is_id(gateway_id):
        raise SettingsError(f"bad setting: gateway_tokens_file: {gateway_id[:80]!r} is no gateway id")
    if token.startswith(HASHED):
        try:
            digest = bytes.fromhex(token.removeprefix(HASHED))
        except ValueError:
            digest = b""
        if len(digest) != hashlib.sha256().digest_size:
            raise SettingsError(f"bad setting: gateway_tokens_file: {gateway_id}: sha256: needs 64 hex digits")
        return digest
    if len(token) < MIN_TOKEN:
        raise SettingsError(
            f"bad setting: gateway_tokens_file: {gateway_id}: a token has at least {MIN_TOKEN} characters"
        )
    return hashlib.sha256(token.encode()).digest()


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)
