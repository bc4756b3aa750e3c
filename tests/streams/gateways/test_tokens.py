"""Bearer tokens: each opens for its own gateway, a file that changes is read again, and none is shown."""

import hashlib
from pathlib import Path

import pytest

from streams.gateways import tokens
from streams.gateways.tokens import Tokens, read_tokens
from streams.settings import SettingsError

ONE, TWO = "the token of gateway one", "the token of gateway two"


def test_a_token_opens_for_its_own_gateway_and_nothing_else_opens() -> None:
    known = Tokens({"gw-1": ONE, "gw-2": f"sha256:{hashlib.sha256(TWO.encode()).hexdigest()}"})
    assert known.gateway_of(f"Bearer {ONE}") == "gw-1"
    assert known.gateway_of(f"bearer {TWO}") == "gw-2"
    for other in (None, "", "Bearer", "Bearer ", f"Basic {ONE}", ONE, f"Bearer {ONE}x", "Bearer sha256:"):
        assert known.gateway_of(other) is None


def test_a_file_that_changes_is_read_again_and_a_bad_one_leaves_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "LOOK_SECONDS", 0.0)
    path = tmp_path / "tokens.yaml"
    path.write_text(f"gw-1: {ONE}\n")
    known = Tokens(read_tokens(path), path)
    path.write_text(f"gw-2: {TWO}\n")
    assert (known.gateway_of(f"Bearer {ONE}"), known.gateway_of(f"Bearer {TWO}")) == (None, "gw-2")
    path.write_text("gw-3: short\n")
    assert known.gateway_of(f"Bearer {TWO}") == "gw-2"
    path.unlink()
    assert known.gateway_of(f"Bearer {TWO}") == "gw-2"


@pytest.mark.parametrize("text", [f"gw 1: {ONE}", "gw-1: hush", "gw-1: sha256:hush", "- hush", "gw-1: ["])
def test_a_bad_file_is_refused_and_shows_no_token(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="gateway_tokens_file") as refused:
        read_tokens(path)
    assert "hush" not in str(refused.value)
