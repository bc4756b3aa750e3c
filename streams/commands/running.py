"""How a command runs: settings in, signals to a stop event, errors to one line and the exit code of the design."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from schemas.catalogue import CATALOGUE_FOLDER, Catalogue, CatalogueError, load_catalogue
from streams.local.process import ServiceMissingError, ServiceStartError
from streams.settings import Settings, SettingsError, load_settings

OK, CHECK_FAILED, BAD_SETTING, TIMED_OUT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 70, 130
PARENT_CHECK_SECONDS = 1.0
MAPPINGS = CATALOGUE_FOLDER.parent / "mappings"
ROLES = ("viewer", "operator")
LOCAL = "local"  # --kafka local: Apache Kafka of deploy/local
R = TypeVar("R")


def with_settings(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that all share, and its ``settings``; say what is wrong in one line."""

    @click.option("--kafka", metavar="HOST:PORT", help="Bootstrap servers.  [VITALS_KAFKA]")
    @click.option("--store", metavar="URL", help="duckdb:///PATH or influxdb://HOST:8086.  [VITALS_STORE]")
    @click.option("--namespace", metavar="NAME", help="Prefix of every topic, group and bucket.  [VITALS_NAMESPACE]")
    @click.option("--sources-from", metavar="NAME", help="Namespace whose sources are judged.  [VITALS_SOURCES_FROM]")
    @functools.wraps(command)
    def wrapped(
        *args: Any, kafka: str | None, store: str | None, namespace: str | None, sources_from: str | None, **kwargs: Any
    ) -> R:
        try:
            settings = _settings(kafka, store=store, namespace=namespace, sources_from=sources_from)
            return command(settings, *args, **kwargs)
        except (SettingsError, CatalogueError, ServiceMissingError, ServiceStartError) as error:
            click.echo(f"vitals: {error}", err=True)
            sys.exit(BAD_SETTING)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    return wrapped


def _settings(kafka: str | None, **given: str | None) -> Settings:
    if kafka in {None, LOCAL}:
        return load_settings(None, **given)
    return load_settings(None, kafka=kafka, broker="kafka", **given)  # an address that is given is a real broker's


def broker_of_up() -> str:
    """Return which broker ``vitals up`` starts: ``embedded``, ``local`` (Apache Kafka), or none: it is ``given``."""
    context = click.get_current_context()
    kafka = context.params.get("kafka") or os.environ.get("VITALS_KAFKA")
    if kafka == LOCAL:
        return "local"
    return "embedded" if kafka is None else "given"


def console_tokens() -> dict[str, str]:
    """Return a token a role: those that ``vitals up`` made, else new ones."""
    given = os.environ.get("VITALS_CONSOLE_TOKENS")
    if given is not None:
        return msgspec.json.decode(given, type=dict[str, str])
    return {role: secrets.token_urlsafe(24) for role in ROLES}


def mapping_path(name: Path) -> Path:
    """Return the file of a mapping: a path, or the name of a shipped one."""
    shipped = MAPPINGS / f"{name}.yaml"
    if name.exists() or not shipped.exists():
        return name
    return shipped


def catalogue_of(settings: Settings) -> Catalogue:
    """Return the catalogue that the settings name."""
    return load_catalogue(Path(settings.catalogue))


def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[R]]) -> R:
    """Run ``work`` with an event that SIGTERM, SIGINT and the end of the parent process set."""

    async def main() -> R:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        watcher = asyncio.create_task(_watch_parent(stop))
        try:
            return await work(stop)
        finally:
            watcher.cancel()

    return asyncio.run(main())


def set_up_logging(level: int = logging.INFO) -> None:
    """Log to standard error, one line an event, with the time in UTC."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for noisy in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


async def _watch_parent(stop: asyncio.Event) -> None:
    """Stop when the supervisor that started this process is gone, so that nothing is left running."""
    parent = os.environ.get("VITALS_SUPERVISOR")
    while parent is not None:
        await asyncio.sleep(PARENT_CHECK_SECONDS)
        if os.getppid() != int(parent):
            stop.set()
            return
