"""How a command runs: settings in, signals to a stop event, errors to one line and the exit code of the design."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import os
import re
import secrets
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from aiokafka.errors import KafkaError

from schemas.catalogue import Catalogue
from schemas.files import FileFormatError
from schemas.times import MAX_NS, MIN_NS, parse_time
from streams.catalogue.files import CATALOGUE_FOLDER, CatalogueError, load_catalogue
from streams.local.process import ServiceMissingError, ServiceStartError
from streams.settings import Settings, SettingsError, load_settings
from streams.store.address import read_address

OK, CHECK_FAILED, BAD_SETTING, TIMED_OUT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 70, 130
PARENT_CHECK_SECONDS = 1.0
CONNECT_SECONDS = 3.0
MAPPINGS = CATALOGUE_FOLDER.parent / "mappings"
ROLES = ("viewer", "operator")
LOCAL = "local"  # --kafka local: Apache Kafka of deploy/local
NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KNOWN_ERRORS = (SettingsError, CatalogueError, FileFormatError, ServiceMissingError, ServiceStartError)
R = TypeVar("R")
T = TypeVar("T")


class OneLineGroup(click.Group):
    """A group of commands that says what is wrong with its arguments in one line."""

    def main(self, args: Any = None, prog_name: str | None = None, *rest: Any, **extra: Any) -> Any:
        """Run; see ``click.Command.main``."""
        extra["standalone_mode"] = False
        try:
            sys.exit(super().main(args, prog_name, *rest, **extra) or OK)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(OK)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            see = f"; see `{context.command_path} --help`" if context is not None else ""
            click.echo(f"vitals: {error.format_message().rstrip('.')}{see}".replace("\n", " "), err=True)
            sys.exit(BAD_SETTING)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(INTERRUPTED)


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
        settings: Settings | None = None
        try:
            settings = _settings(kafka, store=store, namespace=namespace, sources_from=sources_from)
            return command(settings, *args, **kwargs)
        except KNOWN_ERRORS as error:
            _say(error)
            sys.exit(BAD_SETTING)
        except KafkaError as error:
            where = "" if settings is None else f" at {settings.kafka}"
            _say(f"Kafka{where} does not answer as it should ({error!r}); is it Kafka, and are its topics made?")
            sys.exit(BAD_SETTING)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except click.exceptions.Exit:
            raise
        except Exception:  # noqa: BLE001 - the last stop: an exit code of its own, and the trace for whoever mends it
            traceback.print_exc()
            sys.exit(INTERNAL)

    return wrapped


def with_kafka(command: Callable[..., R]) -> Callable[..., R]:
    """Do as ``with_settings``, for a command that cannot start without Kafka."""

    @functools.wraps(command)
    def wrapped(settings: Settings, *args: Any, **kwargs: Any) -> R:
        need_kafka(settings)
        return command(settings, *args, **kwargs)

    return with_settings(wrapped)


def need_kafka(settings: Settings) -> None:
    """Find out in seconds whether somebody listens at one of the bootstrap servers; ``SettingsError`` if not."""
    quiet(logging.CRITICAL)  # what a client says of a broker that is not there, we say in one line
    why = "nothing given"
    for server in settings.kafka.split(","):
        host, colon, port = server.strip().rpartition(":")
        if not colon or not host or not port.isdecimal():
            raise SettingsError(f"bad setting: kafka must be HOST:PORT, or several with commas, not {settings.kafka!r}")
        reason = _refusal(host.strip("[]"), int(port))
        if reason is None:
            return
        why = reason
    raise SettingsError(f"no Kafka at {settings.kafka} ({why}); start one, or set VITALS_KAFKA or --kafka HOST:PORT")


def need_store(settings: Settings) -> None:
    """Find out whether the store's address is one, and whether its server listens; ``SettingsError`` if not."""
    url = read_address(settings.store).url
    if url:
        host, _, port = url.partition("://")[2].rpartition(":")
        why = _refusal(host.strip("[]"), int(port))
        if why is not None:
            raise SettingsError(f"no InfluxDB at {url} ({why}); start one, or set VITALS_STORE or --store URL")


def _refusal(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        return str(getattr(error, "strerror", None) or error).lower()
    return None


def _say(what: object) -> None:
    click.echo("vitals: " + " ".join(str(what).split()), err=True)


def _settings(kafka: str | None, **given: str | None) -> Settings:
    if kafka in {None, LOCAL}:
        found = load_settings(None, **given)
    else:
        found = load_settings(None, kafka=kafka, broker="kafka", **given)  # an address that is given is a real broker's
    if found.namespace and not NAMESPACE.fullmatch(found.namespace):
        raise SettingsError(f"bad setting: namespace must be letters, digits, . - and _, not {found.namespace[:80]!r}")
    return found


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
    if given is None:
        return {role: secrets.token_urlsafe(24) for role in ROLES}
    try:
        return msgspec.json.decode(given, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise SettingsError(f"bad setting: VITALS_CONSOLE_TOKENS must be JSON, a token by role: {error}") from error


def mapping_path(name: Path) -> Path:
    """Return the file of a mapping: a path, or the name of a shipped one; ``SettingsError`` if there is none."""
    shipped = MAPPINGS / f"{name}.yaml"
    if name.is_file():
        return name
    if not shipped.is_file():
        names = ", ".join(sorted(path.stem for path in MAPPINGS.glob("*.yaml")))
        raise SettingsError(f"no mapping {name}: give a file, or the name of a shipped one ({names})")
    return shipped


def time_span(since: str | None, until: str | None) -> tuple[int, int]:
    """Return ``--from`` and ``--to`` in ns; ``SettingsError`` where one is no time."""
    try:
        return MIN_NS if since is None else parse_time(since), MAX_NS if until is None else parse_time(until)
    except ValueError as error:
        raise SettingsError(f"--from and --to: {error}") from error


def event_time(option: str, text: str) -> int:
    """Return an option's time in ns; ``SettingsError`` where it is none."""
    try:
        return parse_time(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {error}; write for example 2026-01-01T00:00:00Z") from error


def replay_speed(text: str) -> float | None:
    """Return ``--speed`` as seconds of data a second; ``None``: as fast as can be."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed < math.inf:
        raise SettingsError(f"--speed must be a number above 0, or max, not {text!r}")
    return speed


def shown(items: Iterable[T], total: int, size: Callable[[T], int]) -> Iterator[T]:
    """Yield ``items``; show how much of ``total`` has been taken, if a person looks on."""
    if not sys.stderr.isatty():
        yield from items
        return
    with click.progressbar(length=total, file=sys.stderr) as bar:
        for item in items:
            yield item
            bar.update(size(item))


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
    logging.Formatter.converter = time.gmtime
    quiet(max(level, logging.WARNING))


def quiet(level: int) -> None:
    """Hear of the libraries' doings only what is at least of this level."""
    for noisy in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(noisy).setLevel(level)


async def _watch_parent(stop: asyncio.Event) -> None:
    """Stop when the supervisor that started this process is gone, so that nothing is left running."""
    parent = os.environ.get("VITALS_SUPERVISOR")
    while parent is not None:
        await asyncio.sleep(PARENT_CHECK_SECONDS)
        if os.getppid() != int(parent):
            stop.set()
            return
