"""A Kafka-protocol broker out of a PyPI wheel (`noida-db`), for trying out: nothing to install, nothing outlives it.

It is a stand-in, not Apache Kafka: one member a group, and records in memory only. ``EmbeddedBroker.quirks`` holds what
its clients must do otherwise; ``ClientQuirks()``, the default, is Apache Kafka.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from aiokafka.client import AIOKafkaClient

from streams.local.process import LOOPBACK, LocalService, ServiceMissingError

ASK_SECONDS = 2.0
API_VERSIONS = 18
EMPTY_FETCH_SECONDS = 0.025


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientQuirks:
    """What clients of a broker must do otherwise than clients of Apache Kafka, for which the defaults stand.

    Parameters
    ----------
    static_members
        Each consumer of a group must have a ``group_instance_id`` that is the same after a restart: the broker never
        notices that a member died, and a new one would wait for it for ever.
    members_per_group
        None: any number. 1: do not start a second worker of a stage.
    empty_fetch_seconds
        How long a client must wait after a fetch that brought nothing: the broker answers those at once, and each
        consumer would use a whole core. See ``pace_empty_fetches``.
    segment_bytes, retention_bytes
        Of each partition, for topics that say nothing else; see ``topic_config``. None: as the broker has it.
    """

    static_members: bool = False
    members_per_group: int | None = None
    empty_fetch_seconds: float = 0.0
    segment_bytes: int | None = None
    retention_bytes: int | None = None

    def group_instance_id(self, group: str) -> str | None:
        """Return the ``group_instance_id`` of a group's one member; None where none is needed."""
        return f"{group}-0" if self.static_members else None

    def topic_config(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return a topic's own settings with what the broker needs besides.

        A topic that keeps its records for ever (state) or by key (registry) keeps them here too.
        """
        config = dict(own)
        is_endless = config.get("retention.ms") == "-1" or "compact" in config.get("cleanup.policy", "")
        if self.segment_bytes is not None:
            config.setdefault("segment.bytes", str(self.segment_bytes))
        if self.retention_bytes is not None and not is_endless:
            config.setdefault("retention.bytes", str(self.retention_bytes))
        return config

    def apply(self) -> None:
        """Make this process fit for the broker; call it before its first consumer starts."""
        if self.empty_fetch_seconds > 0:
            pace_empty_fetches(self.empty_fetch_seconds)


# An append adds up the sizes of all batches of the newest segment: keep segments small. Records are kept in memory, at
# 1.2 times their size: with 32 MiB a partition, 28 minutes of 3,000 readings a second.
NOIDA = ClientQuirks(
    static_members=True,
    members_per_group=1,
    empty_fetch_seconds=EMPTY_FETCH_SECONDS,
    segment_bytes=1 << 20,
    retention_bytes=32 << 20,
)


class EmbeddedBroker(LocalService):
    """One noida-db that serves Kafka only, on a loopback port; a restart begins empty, without topics and offsets.

    To end it by its pid takes SIGKILL: on SIGTERM it waits for a save that never ends (see ``_prepare``).

    Parameters
    ----------
    data_dir
        Holds the log file. None: a fresh temporary folder.
    port
        None: a free one.
    start_seconds
        How long ``start`` waits for readiness.
    """

    name: ClassVar[str] = "embedded-broker"
    quirks: ClassVar[ClientQuirks] = NOIDA

    def __init__(self, data_dir: Path | None = None, port: int | None = None, *, start_seconds: float = 20.0) -> None:
        super().__init__(data_dir, port, start_seconds)

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"

    @classmethod
    def require(cls) -> None:
        """Raise ``ServiceMissingError`` unless the wheel's program is there."""
        _program()

    def stop(self, grace_seconds: float = 0.0) -> None:  # noqa: ARG002 - there is nothing to wait for
        """End the process at once: it has nothing to save."""
        self.kill()

    def _prepare(self) -> None:
        """Keep the broker from saving its records.

        Else it writes all that it holds into one JSON file each second: with 90 MB of records 70% of a core and 75 MB/s
        of disk. It writes ``kafka.tmp`` first. Where that is a pipe that nobody reads, its saving thread waits there
        for good with its first, nearly empty save, and holds no lock that records need.
        """
        for old in ("kafka.json", "kafka.tmp"):
            (self.data_dir / old).unlink(missing_ok=True)
        if hasattr(os, "mkfifo"):
            os.mkfifo(self.data_dir / "kafka.tmp")

    def _command(self) -> list[str]:
        what = [str(_program()), "start", "--only", "kafka", "--host", LOOPBACK]
        return [*_killed_with_parent(), *what, "--kafka-port", str(self.port), "--data-dir", str(self.data_dir)]

    def _is_ready(self) -> bool:
        try:
            return _answers_kafka(self.port)
        except OSError:
            return False


def pace_empty_fetches(seconds: float = EMPTY_FETCH_SECONDS) -> None:
    """Have every aiokafka client of this process, Faust's too, wait after a fetch without records and errors.

    A broker that holds such a fetch back by itself (``fetch_max_wait_ms``) needs none of this. It adds at most this
    much to a record's way. A second call replaces the first.
    """
    send = getattr(AIOKafkaClient.send, "unpaced", AIOKafkaClient.send)

    async def paced(self: AIOKafkaClient, node_id: Any, request: Any, **options: Any) -> Any:
        response = await send(self, node_id, request, **options)
        if _is_empty_fetch(response):
            await asyncio.sleep(seconds)
        return response

    paced.unpaced = send  # type: ignore[attr-defined]  # so that a second call does not wait twice
    AIOKafkaClient.send = paced  # type: ignore[method-assign]  # Faust makes its own clients: there is no other place


def _is_empty_fetch(response: Any) -> bool:
    """Whether this answers a fetch of any version, and holds neither records nor an error."""
    if not type(response).__name__.startswith("FetchResponse"):
        return False
    # A partition's answer begins with its number and error code, and ends with the records.
    return not any(partition[1] or partition[-1] for _, partitions in response.topics for partition in partitions)


def _program() -> Path:
    spec = find_spec("noida_db")
    folders = (spec.submodule_search_locations or []) if spec else []
    programs = [Path(folder) / name for folder in folders for name in ("noida-db", "noida-db.exe")]
    for program in programs:
        if program.is_file():
            if not os.access(program, os.X_OK):  # an installer may drop the bit
                program.chmod(0o755)
            return program
    message = "the embedded broker is missing: run `pip install noida-db==0.2.3`, or use `vitals up --kafka local`"
    raise ServiceMissingError(message)


def _killed_with_parent() -> list[str]:
    """SIGKILL in place of the SIGTERM that ``LocalService`` has Linux send when we are killed."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL", "--"]


def _answers_kafka(port: int) -> bool:
    """Ask for the API versions, as every client does first."""
    body = struct.pack(">hhih", API_VERSIONS, 0, 1, -1)
    with socket.create_connection((LOOPBACK, port), ASK_SECONDS) as connection, connection.makefile("rb") as answer:
        connection.sendall(struct.pack(">i", len(body)) + body)
        said = answer.read(10)
    return len(said) == 10 and struct.unpack(">iih", said)[1:] == (1, 0)
