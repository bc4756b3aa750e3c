"""Signatures of the Standard Webhooks specification (standardwebhooks.com, 1.0): HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
MIN_BYTES = 24  # of a secret, as the specification asks


def read_secret(text: str) -> bytes:
    """Return the key that a secret stands for: base64 after ``whsec_``, else its own bytes.

    Raises
    ------
    ValueError
        It is no base64, or too short; the message shows nothing of it.
    """
    given = text.strip()
    try:
        key = (
            base64.b64decode(given.removeprefix(PREFIX), validate=True) if given.startswith(PREFIX) else given.encode()
        )
    except binascii.Error as error:
        raise ValueError(f"what follows {PREFIX} must be base64") from error
    if len(key) < MIN_BYTES:
        raise ValueError(f"a secret has at least {MIN_BYTES} bytes")
    return key


def signature(key: bytes, ident: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``; ``timestamp`` is that of ``webhook-timestamp``, in seconds."""
    signed = f"{ident}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
