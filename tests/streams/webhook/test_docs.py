"""The snippet of docs/webhook.md takes what is genuine, and nothing else."""

import re
import time
from pathlib import Path
from typing import Any

from streams.webhook.signing import read_secret, signature

PAGE = Path(__file__).resolve().parents[3] / "docs/webhook.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's example


def test_the_snippet_of_the_page_verifies() -> None:
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(block[1], names)  # noqa: S102 - our own page
    now, body = int(time.time()), b'{"a": 1}'
    headers = {"webhook-id": "alert:a:1", "webhook-timestamp": str(now)}
    headers["webhook-signature"] = signature(read_secret(SECRET), "alert:a:1", now, body)
    assert names["is_genuine"](SECRET, headers, body)
    assert not names["is_genuine"](SECRET, headers, body + b" ")
    assert not names["is_genuine"](SECRET, headers | {"webhook-id": "alert:a:2"}, body)
    old = headers | {"webhook-timestamp": str(now - 600)}
    old["webhook-signature"] = signature(read_secret(SECRET), "alert:a:1", now - 600, body)
    assert not names["is_genuine"](SECRET, old, body)
