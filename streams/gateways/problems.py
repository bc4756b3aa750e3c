"""Errors of the HTTP bridge as RFC 9457 problems, which name the elements at fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from streams.gateways.ingest import Fault


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """An answer that is no success.

    Parameters
    ----------
    detail
        A sentence for people: what is wrong, and what to do.
    errors
        The elements of the body that are at fault.
    retry
        Seconds after which the same request may succeed.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Iterable[Fault] = (),
        retry: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, list(errors)
        self.headers = {**(headers or {}), **({} if retry is None else {"Retry-After": str(retry)})}
        if status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = 'Bearer realm="urban-vitals"'


def problem_response(problem: Problem) -> web.Response:
    """Return it as ``application/problem+json``."""
    status = problem.status
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return web.Response(
        body=msgspec.json.encode(body),
        status=status.value,
        content_type="application/problem+json",
        charset="utf-8",
        headers=problem.headers,
    )
