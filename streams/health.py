"""``/metrics``, ``/healthz`` and ``/readyz`` of a process, on loopback unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

PORTS_TO_TRY = 50


def health_app(problem: Callable[[], str | None], max_body: int = 64 << 10) -> web.Application:
    """Return an application with the three routes; ``problem`` says why the process is not ready, or ``None``."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        why = problem()
        return web.json_response({"status": why or "ready"}, status=503 if why else 200)

    app = web.Application(client_max_size=max_body)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve ``app`` on ``port`` or, where it is taken, the next free one; return the runner and the port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    for candidate in range(port, port + PORTS_TO_TRY):
        try:
            await web.TCPSite(runner, host, candidate).start()
        except OSError:
            continue
        return runner, candidate
    await runner.cleanup()
    raise OSError(f"no free port from {port} to {port + PORTS_TO_TRY - 1} on {host}")
