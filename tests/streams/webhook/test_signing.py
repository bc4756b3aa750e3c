"""Signatures as the specification's own example has them; secrets that are none are refused without showing them."""

import pytest

from streams.webhook.signing import read_secret, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's example


def test_the_example_of_the_specification_has_its_signature() -> None:
    key = read_secret(f"{SECRET}\n")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body) == expected


def test_text_is_its_own_key() -> None:
    assert read_secret("a secret of more than 24 bytes") == b"a secret of more than 24 bytes"


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_%%%", "whsec_c2hvcnQ="])
def test_a_bad_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret has at least|must be base64") as refused:
        read_secret(secret)
    assert "short" not in str(refused.value)
    assert "c2hvcnQ=" not in str(refused.value)
