"""The files of the page, read once: no path from outside ever reaches the file system."""

from __future__ import annotations

import html
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from streams.console.problems import Problem

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html"}
FILES = {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in FOLDER.iterdir() if path.suffix in TYPES}


async def index(_: web.Request) -> web.Response:
    """Serve the page."""
    return _file("index.html")


async def static(request: web.Request) -> web.Response:
    """Serve one of the page's files."""
    name = request.match_info["name"]
    if name not in FILES or name.endswith(".html"):
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such file.")
    return _file(name)


def closed_page(reason: str) -> web.Response:
    """Return the page for whoever has no key: it says what to do."""
    body, _ = FILES["closed.html"]
    text = body.decode().replace("{reason}", html.escape(reason))
    return web.Response(text=text, status=HTTPStatus.UNAUTHORIZED.value, content_type="text/html")


def _file(name: str) -> web.Response:
    body, content_type = FILES[name]
    return web.Response(body=body, content_type=content_type, charset="utf-8")
