"""Errors as RFC 9457 problems: what went wrong, and what to do."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """An answer that is no success; ``detail`` is a sentence for people."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem_response(status: HTTPStatus, detail: str) -> web.Response:
    """Return a problem as ``application/problem+json``."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    response = web.Response(
        body=msgspec.json.encode(body), status=status.value, content_type="application/problem+json", charset="utf-8"
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="urban-vitals"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    return response
