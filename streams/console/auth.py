"""Who may see and say what: one token per role, exchanged once for a cookie, or sent as bearer.

A link with a token opens one browser: it is spent by that (``POST /api/links`` makes another). The cookie is signed,
not remembered, so it outlives a restart of the console with the same tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

Role = Literal["viewer", "team", "operator", "admin"]
Right = Literal["see", "act", "report"]  # report: feedback of a team

RIGHTS: dict[Role, frozenset[Right]] = {
    "viewer": frozenset({"see"}),
    "team": frozenset({"see", "report"}),
    "operator": frozenset({"see", "act", "report"}),
    "admin": frozenset({"see", "act", "report"}),
}
SESSION_SECONDS = 12 * 3_600
LINK_SECONDS = 600
LINKS_KEPT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who asks; ``csrf`` is what a change must bring along where a browser sends the cookie by itself."""

    role: Role
    csrf: str | None

    def may(self, right: Right) -> bool:
        """Whether the role has the right."""
        return right in RIGHTS[self.role]


class Access:
    """The tokens of one console.

    Parameters
    ----------
    tokens
        A secret for each role.

    Raises
    ------
    ValueError
        A role is unknown, or its token empty.
    """

    def __init__(self, tokens: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        for role, token in tokens.items():
            if role not in RIGHTS:
                raise ValueError(f"unknown role {role!r}: must be one of {', '.join(RIGHTS)}")
            if not token:
                raise ValueError(f"the token of role {role} is empty")
        self._tokens = {cast("Role", role): token for role, token in tokens.items()}
        self._clock = clock
        self._spent: set[Role] = set()
        self._links: dict[str, tuple[Role, float]] = {}
        text = "\n".join(f"{role}={token}" for role, token in sorted(tokens.items()))
        self._secret = hashlib.sha256(text.encode()).digest()
        # A cookie belongs to a host, not to a port: two consoles on one machine must not overwrite each other's.
        self.cookie_name = f"vitals_{hashlib.sha256(self._secret).hexdigest()[:8]}"

    def exchange(self, token: str) -> str | None:
        """Return a session's cookie for a link's token, which is spent by that; ``None`` where it is worth nothing."""
        role = self._role_of(token)
        if role is not None:
            if role in self._spent:
                return None
            self._spent.add(role)
            return self._cookie(role)
        link = self._links.pop(token, None)
        if link is None or link[1] < self._clock():
            return None
        return self._cookie(link[0])

    def new_link(self, role: Role) -> str:
        """Return the token of a link that opens one more browser, within ten minutes."""
        while len(self._links) >= LINKS_KEPT:
            del self._links[next(iter(self._links))]
        token = secrets.token_urlsafe(24)
        self._links[token] = (role, self._clock() + LINK_SECONDS)
        return token

    def identify(self, *, cookie: str | None, authorization: str | None) -> Identity | None:
        """Return who asks, by a bearer token or else by a cookie."""
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            role = self._role_of(token.strip()) if scheme.lower() == "bearer" else None
            return None if role is None else Identity(role=role, csrf=None)
        if cookie is None or (role := self._role_of_cookie(cookie)) is None:
            return None
        return Identity(role=role, csrf=self._sign("csrf", cookie))

    def _role_of(self, token: str) -> Role | None:
        found: Role | None = None
        for role, own in self._tokens.items():  # all of them, whichever fits: time must tell nothing
            if same(own, token):
                found = role
        return found

    def _cookie(self, role: Role) -> str:
        said = f"{role}.{int(self._clock()) + SESSION_SECONDS}.{secrets.token_hex(8)}"
        return f"{said}.{self._sign('cookie', said)}"

    def _role_of_cookie(self, cookie: str) -> Role | None:
        said, _, signature = cookie.rpartition(".")
        if not same(self._sign("cookie", said), signature):
            return None
        role, until, _ = said.split(".")
        if int(until) < self._clock() or role not in self._tokens:
            return None
        return role

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, _bytes(f"{purpose}|{text}"), hashlib.sha256).hexdigest()


def same(known: str, given: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(known), _bytes(given))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # headers that are not UTF-8 come as lone surrogates
