"""The worker: one stage in this process, or a supervised child process for each of several, with one ``/metrics``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

from schemas.catalogue import Catalogue
from streams.catalogue.files import load_catalogue
from streams.delivery.stage import Stage
from streams.delivery.watchdog import Watchdog
from streams.delivery.worker import StageWorker
from streams.health import health_app, serve
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settings import Settings
from streams.supervisor import Child, Supervisor
from streams.topics import STAGE_SOURCES

STAGES = tuple(STAGE_SOURCES)


def make_stage(name: str, settings: Settings, catalogue: Catalogue) -> Stage:
    """Return a stage by name; what the others need is not imported."""
    match name:
        case "sense":
            from streams.sense.agent import sense_stage

            return sense_stage(settings, catalogue)
        case "alert":
            from streams.alert.agent import alert_stage

            return alert_stage(settings, catalogue)
        case _:
            from streams.dispatch.agent import dispatch_stage

            return dispatch_stage(settings, catalogue)


async def run_stage(settings: Settings, name: str, stop: asyncio.Event, port: int) -> None:
    """Run one stage in this process, with its own health port, until ``stop``."""
    catalogue = load_catalogue(Path(settings.catalogue))
    await create_topics(settings)
    worker = StageWorker(settings, make_stage(name, settings, catalogue))
    runner, _ = await serve(health_app(worker.problem), settings.host, port)
    watchdog = Watchdog(settings, worker)
    watchdog.start()
    try:
        await worker.run(stop)
    finally:
        watchdog.stop()
        await runner.cleanup()


async def run_stages(settings: Settings, names: Sequence[str], stop: asyncio.Event) -> None:
    """Run each stage in a child process and serve the metrics of all, until ``stop``."""
    await create_topics(settings)
    supervisor = Supervisor()
    with tempfile.TemporaryDirectory(prefix="vitals-metrics-") as folder:
        ports = {}
        for name in names:
            ports[name] = free_port()
            command = [sys.executable, "-m", "streams.cli", "worker", "--stages", name, "--port", str(ports[name])]
            log_file = Path(settings.data) / "log" / f"{name}.log"
            environment = {**environment_of(settings), "PROMETHEUS_MULTIPROC_DIR": folder}
            supervisor.add(Child(name, command, log_file, environment))
        app = _joint_app(folder, settings.host, ports)
        runner, port = await serve(app, settings.host, settings.metrics_port)
        _write_status(settings, port, supervisor)
        watcher = asyncio.create_task(supervisor.watch())
        try:
            await stop.wait()
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
            await supervisor.stop()
            await runner.cleanup()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the settings as ``VITALS_*`` variables, for children."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    return {f"VITALS_{name.upper()}": str(value) for name, value in values.items() if value is not None}


def _write_status(settings: Settings, port: int, supervisor: Supervisor) -> None:
    """Tell ``vitals up`` where the metrics are; the file is beside the logs."""
    path = Path(settings.data) / "worker.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    pids = {child.name: child.pid for child in supervisor.children}
    found = {"metrics": f"http://{settings.host}:{port}/metrics", "pid": os.getpid(), "stages": pids}
    path.write_text(json.dumps(found), encoding="utf-8")


def _joint_app(folder: str, host: str, ports: dict[str, int]) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=folder)
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def readyz(_: web.Request) -> web.Response:
        answers = [await _problem(name, host, port) for name, port in ports.items()]
        problems = [problem for problem in answers if problem is not None]
        return web.json_response({"status": "; ".join(problems) or "ready"}, status=503 if problems else 200)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=64 << 10)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


async def _problem(name: str, host: str, port: int) -> str | None:
    try:
        url, timeout = f"http://{host}:{port}/readyz", aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return None if answer.status == 200 else str((await answer.json())["status"])
    except (aiohttp.ClientError, TimeoutError):
        return f"{name}: not up"
