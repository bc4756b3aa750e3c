"""Who may see and say what."""

import pytest

from streams.console.auth import LINK_SECONDS, LINKS_KEPT, SESSION_SECONDS, Access
from tests.streams.console.builders import TOKENS


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def signed_in(access: Access, role: str = "operator") -> str:
    cookie = access.exchange(TOKENS[role])
    assert cookie is not None
    return cookie


def test_a_token_is_exchanged_once() -> None:
    access = Access(TOKENS)
    signed_in(access)
    assert access.exchange(TOKENS["operator"]) is None
    assert access.exchange(TOKENS["viewer"]) is not None


def test_a_cookie_says_its_role_and_has_a_token_against_forgery() -> None:
    access = Access(TOKENS)
    identity = access.identify(cookie=signed_in(access), authorization=None)
    assert identity is not None
    assert (identity.role, identity.may("act"), len(identity.csrf or "")) == ("operator", True, 64)


def test_a_viewer_may_only_see() -> None:
    access = Access(TOKENS)
    identity = access.identify(cookie=signed_in(access, "viewer"), authorization=None)
    assert identity is not None
    assert [identity.may(right) for right in ("see", "act", "report")] == [True, False, False]


def test_a_cookie_outlives_a_restart_with_the_same_tokens_and_dies_with_them() -> None:
    cookie = signed_in(Access(TOKENS))
    assert Access(TOKENS).identify(cookie=cookie, authorization=None) is not None
    assert Access({"operator": "another"}).identify(cookie=cookie, authorization=None) is None


def test_a_cookie_ends_after_twelve_hours() -> None:
    clock = Clock()
    access = Access(TOKENS, clock)
    cookie = signed_in(access)
    clock.now += SESSION_SECONDS + 1
    assert access.identify(cookie=cookie, authorization=None) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.replace("viewer", "operator"),
        lambda c: c[:-1],
        lambda c: c[:0],
        lambda c: c.replace(c, "...."),
        lambda c: "\udcff" + c,
    ],
)
def test_a_forged_cookie_is_worth_nothing(change: object) -> None:
    access = Access(TOKENS)
    cookie = change(signed_in(access, "viewer"))  # type: ignore[operator]  # parametrized
    assert access.identify(cookie=cookie, authorization=None) is None


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic operator-secret", "Bearer", "", "Bearer operator-secre"])
def test_a_wrong_bearer_token_is_worth_nothing_even_beside_a_good_cookie(header: str) -> None:
    access = Access(TOKENS)
    assert access.identify(cookie=signed_in(access), authorization=header) is None


def test_a_bearer_token_works_on_after_its_link_was_spent() -> None:
    access = Access(TOKENS)
    signed_in(access)
    identity = access.identify(cookie=None, authorization="Bearer operator-secret")
    assert identity is not None
    assert (identity.role, identity.csrf) == ("operator", None)


def test_a_new_link_opens_one_more_browser_within_ten_minutes() -> None:
    clock = Clock()
    access = Access(TOKENS, clock)
    first, second = access.new_link("viewer"), access.new_link("viewer")
    assert access.exchange(first) is not None
    assert access.exchange(first) is None
    clock.now += LINK_SECONDS + 1
    assert access.exchange(second) is None


def test_links_are_bounded() -> None:
    access = Access(TOKENS)
    links = [access.new_link("viewer") for _ in range(LINKS_KEPT + 1)]
    assert access.exchange(links[0]) is None
    assert access.exchange(links[1]) is not None


@pytest.mark.parametrize(("tokens", "message"), [({"king": "x"}, "unknown role 'king'"), ({"viewer": ""}, "is empty")])
def test_bad_tokens_are_refused_at_start(tokens: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Access(tokens)
