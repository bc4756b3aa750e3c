"""Apache Kafka on this machine: a KRaft node (broker and controller in one) from the jars of `make services`."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from streams.local.process import (
    LOOPBACK,
    LocalService,
    ServiceMissingError,
    ServiceStartError,
    deploy_folder,
    free_port,
    tools_folder,
)

CLUSTER_ID = "vitalsVitalsVitalsVita"
HEAP = "-Xmx512m"
# The first compiler alone and the serial collector start in 3 s instead of 4 s. A benchmark passes its own.
FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

METADATA_REQUEST = 3
METADATA_VERSION = 4


class LocalKafka(LocalService):
    """A Kafka node on a loopback port with a data folder of its own.

    Parameters
    ----------
    data_dir
        Made and formatted if it is new. None: a fresh temporary folder.
    port
        Where clients connect. None: a free one.
    node_id
        Its id in the cluster.
    controller_port
        Where the nodes' controllers speak. None: a free one.
    voters
        Controller port of every node of the cluster by node id. None: this node alone. Nodes of one cluster are all
        launched before the first is waited for.
    settings
        Broker settings over those of ``deploy/local/kafka/server.properties``, such as replication factors.
    jvm_options
        Of the Java process.
    start_seconds
        How long ``start`` waits for readiness.
    """

    name: ClassVar[str] = "kafka"

    def __init__(
        self,
        data_dir: Path | None = None,
        port: int | None = None,
        *,
        node_id: int = 1,
        controller_port: int | None = None,
        voters: Mapping[int, int] | None = None,
        settings: Mapping[str, str] | None = None,
        jvm_options: tuple[str, ...] = FAST_START,
        start_seconds: float = 60.0,
    ) -> None:
        super().__init__(data_dir, port, start_seconds)
        self.node_id = node_id
        self.controller_port = controller_port or free_port()
        self._voters = voters or {node_id: self.controller_port}
        self._settings = settings or {}
        self._jvm_options = jvm_options

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``host:port``."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """The address as Faust wants it."""
        return f"kafka://{self.bootstrap}"

    @classmethod
    def require(cls) -> None:
        """Raise ``ServiceMissingError`` unless Java and the jars of `make services` are here."""
        if shutil.which("java") is None:
            message = "Java is missing: install Java 17 or newer (Debian: apt-get install default-jre-headless)"
            raise ServiceMissingError(message)
        if not any(_libraries().glob("kafka_*.jar")):
            message = "Apache Kafka is not built here: run `make services` (needs Java 17 or newer and Maven)"
            raise ServiceMissingError(message)

    def _prepare(self) -> None:
        self._properties_file.write_text(self._properties())
        if not (self._log_dir / "meta.properties").exists():
            self._format()

    def _properties(self) -> str:
        base = (deploy_folder() / "kafka" / "server.properties").read_text()
        voters = ",".join(f"{node}@{LOOPBACK}:{port}" for node, port in self._voters.items())
        own = {
            "node.id": str(self.node_id),
            "listeners": f"BROKER://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"BROKER://{self.bootstrap}",
            "controller.quorum.voters": voters,
            "log.dirs": str(self._log_dir),
            **self._settings,
        }
        return base + "".join(f"{name}={value}\n" for name, value in own.items())

    def _format(self) -> None:
        command = [
            *self._java(),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER_ID,
            "-c",
            str(self._properties_file),
        ]
        with self.log_file.open("ab") as log:
            outcome = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
        if outcome.returncode != 0:
            message = f"kafka could not format {self._log_dir}: see {self.log_file}"
            raise ServiceStartError(message)

    def _command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self._properties_file)]

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={deploy_folder() / 'kafka' / 'log4j2.properties'}"
        java = shutil.which("java") or "java"
        return [java, HEAP, *self._jvm_options, logging, "-cp", f"{_libraries()}/*"]

    def _is_ready(self) -> bool:
        try:
            return self.node_id in live_brokers(self.port)
        except OSError:
            return False

    @property
    def _properties_file(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "log"


def live_brokers(port: int, timeout_seconds: float = 2.0) -> frozenset[int]:
    """Ids of the brokers that the Kafka on a loopback port holds for live, by its own metadata.

    An open port is not readiness: a node listens before it is registered with its controller.

    Raises
    ------
    OSError
        Nobody listens there, or whoever does broke off.
    """
    client = b"vitals"
    header = struct.pack(f">hhih{len(client)}s", METADATA_REQUEST, METADATA_VERSION, 0, len(client), client)
    no_topics = struct.pack(">i?", 0, False)
    request = header + no_topics
    with socket.create_connection((LOOPBACK, port), timeout_seconds) as connection, connection.makefile("rb") as answer:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", _exactly(answer.read(4), 4))
        return frozenset(_broker_ids(_exactly(answer.read(length), length)))


def _broker_ids(answer: bytes) -> Iterator[int]:
    """The node ids in a metadata response: correlation id, throttle time, (id, host, port, rack) of each broker."""
    (count,) = struct.unpack_from(">i", answer, 8)
    at = 12
    for _ in range(count):
        node_id, host_length = struct.unpack_from(">ih", answer, at)
        at += 6 + host_length + 4
        (rack_length,) = struct.unpack_from(">h", answer, at)
        at += 2 + max(rack_length, 0)
        yield node_id


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        message = f"connection closed after {len(data)} of {length} bytes"
        raise ConnectionError(message)
    return data


def _libraries() -> Path:
    return tools_folder() / "kafka" / "libs"
