"""What stands before every route: the door, the forgery checks, the headers that keep a browser honest."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from streams.console.auth import SESSION_SECONDS, Access, Identity, Right, same
from streams.console.problems import Problem, problem_response

log = logging.getLogger(__name__)

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD"})
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/static/style.css", "/static/icon.svg"})  # nothing of the district
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
IDENTITY: web.RequestKey[Identity] = web.RequestKey("identity", Identity)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guard(access: Access, closed_page: Callable[[str], web.Response]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Return the middleware that lets a request through only with a role, and a change only from our own page."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await _enter(request, handler, access, closed_page)
        except Problem as problem:
            return problem_response(problem.status, problem.detail)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return problem_response(HTTPStatus(error.status), error.text or error.reason)
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "The console failed; its log says why.")

    return check


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers on every response, also on streams and errors (``on_response_prepare``)."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


def need(request: web.Request, right: Right) -> Identity:
    """Return who asks.

    Raises
    ------
    Problem
        403: the role may not.
    """
    identity = request[IDENTITY]
    if not identity.may(right):
        raise Problem(HTTPStatus.FORBIDDEN, f"The role {identity.role} may not do this.")
    return identity


async def _enter(
    request: web.Request, handler: Handler, access: Access, closed_page: Callable[[str], web.Response]
) -> web.StreamResponse:
    if request.path in OPEN_PATHS:
        return await handler(request)
    cookie, authorization = request.cookies.get(access.cookie_name), request.headers.get("Authorization")
    identity = access.identify(cookie=cookie, authorization=authorization)
    token = request.query.get("token") if request.path == "/" else None
    if token is not None:
        return _exchange(request, access, token, identity, closed_page)
    if identity is None:
        wants_page = "text/html" in request.headers.get("Accept", "")
        return closed_page("") if wants_page or request.path == "/" else _unknown()
    if request.headers.get("Origin") is not None and not _is_own_origin(request):
        raise Problem(HTTPStatus.FORBIDDEN, "This request comes from another site.")
    if request.method not in SAFE_METHODS and not _has_csrf(request, identity):
        raise Problem(HTTPStatus.FORBIDDEN, f"Header {CSRF_HEADER} is missing or wrong: take it from /api/session.")
    request[IDENTITY] = identity
    return await handler(request)


def _exchange(
    request: web.Request,
    access: Access,
    token: str,
    identity: Identity | None,
    closed_page: Callable[[str], web.Response],
) -> web.Response:
    """Answer a link: a cookie, and the address without the token, so that it stays in no history."""
    cookie = access.exchange(token)
    if cookie is None and identity is None:
        return closed_page("This link has been used, or is not of this run. 此链接已使用或已失效。")
    response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
    if cookie is not None:
        response.set_cookie(
            access.cookie_name, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="Lax", secure=request.secure
        )
    return response


def _is_own_origin(request: web.Request) -> bool:
    return urlsplit(request.headers["Origin"]).netloc == request.host


def _has_csrf(request: web.Request, identity: Identity) -> bool:
    return identity.csrf is None or same(identity.csrf, request.headers.get(CSRF_HEADER, ""))


def _unknown() -> web.Response:
    return problem_response(
        HTTPStatus.UNAUTHORIZED, "Open the link that `vitals up` prints, or send its token as `Authorization: Bearer`."
    )
