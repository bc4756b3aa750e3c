"""A server of ours as a child process: started on loopback, waited for, and ended by its own pid."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

LOOPBACK = "127.0.0.1"
REPOSITORY = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.05

# Below the range that Linux gives to outgoing connections: there a client that retries a dead server's port can connect
# to itself, and any connection can take the port between a kill and the restart.
PORTS = range(20_000, 32_000)


class ServiceMissingError(RuntimeError):
    """A local server is not installed; the message says what to run."""


class ServiceStartError(RuntimeError):
    """A local server did not get ready; the message names its log file."""


def tools_folder() -> Path:
    """Where `make services` puts what it builds: ``VITALS_TOOLS``, else ``.tools`` of this checkout."""
    return Path(os.environ.get("VITALS_TOOLS") or REPOSITORY / ".tools")


def deploy_folder() -> Path:
    """The checkout's ``deploy/local``, which holds the servers' configuration."""
    return REPOSITORY / "deploy" / "local"


def free_port() -> int:
    """A loopback port that nobody listens on, outside the range of outgoing connections."""
    for port in random.sample(PORTS, k=200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    message = f"no free loopback port found between {PORTS.start} and {PORTS.stop}"
    raise ServiceStartError(message)


class LocalService(ABC):
    """One server process with a port and a data folder of its own; both outlive a stop, a kill and a restart.

    Every method blocks: call it by ``asyncio.to_thread`` from a coroutine. As a context manager it starts, and at the
    end stops and removes the folder if that was a temporary one.

    Parameters
    ----------
    data_dir
        Made if missing. None: a fresh temporary folder.
    port
        None: a free one.
    start_seconds
        How long ``start`` waits for readiness.
    """

    name: ClassVar[str]

    def __init__(self, data_dir: Path | None, port: int | None, start_seconds: float) -> None:
        self._temporary = data_dir is None
        self.data_dir = (
            Path(tempfile.mkdtemp(prefix=f"vitals-{self.name}-")) if data_dir is None else data_dir.resolve()
        )
        self.port = port or free_port()
        self.start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @abstractmethod
    def require(cls) -> None:
        """Do nothing if the server can be started here, else raise ``ServiceMissingError``."""

    @abstractmethod
    def _prepare(self) -> None:
        """Write the configuration and format the data folder, before each launch."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line of the server."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server answers its clients now."""

    def _environment(self) -> dict[str, str]:
        return {}

    @property
    def log_file(self) -> Path:
        """Where the server's standard output and error go, appended over restarts."""
        return self.data_dir / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        """Whether the process lives; says nothing of its readiness."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id, while it runs.

        Raises
        ------
        RuntimeError
            The server does not run.
        """
        if self._process is None or self._process.poll() is not None:
            message = f"{self.name} is not running"
            raise RuntimeError(message)
        return self._process.pid

    def start(self) -> None:
        """Launch the server and wait until clients can use it.

        Raises
        ------
        ServiceMissingError
            It is not built or its runtime is not installed.
        ServiceStartError
            It ended, or was not ready within ``start_seconds``; it is not running afterwards.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process and return at once; for nodes of a cluster, which are only ready together."""
        if self.is_running:
            return
        self.require()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._prepare()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                _ended_with_parent() + self._command(),
                env={**os.environ, **self._environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C is for us, who then stop the servers in order
            )

    def wait_until_ready(self) -> None:
        """Wait for readiness, else end the process and raise ``ServiceStartError``."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            if not self.is_running:
                self._fail("ended while starting")
            if self._is_ready():
                return
            time.sleep(POLL_SECONDS)
        self.kill()
        self._fail(f"was not ready within {self.start_seconds:g} s")

    def stop(self, grace_seconds: float = 20.0) -> None:
        """End the process with SIGTERM, after the grace with SIGKILL. Its data stays."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would. Its data stays."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and remove the data folder if it was a temporary one."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fail(self, what: str) -> None:
        message = f"{self.name} {what}: see {self.log_file}"
        raise ServiceStartError(message)


def _ended_with_parent() -> list[str]:
    """A prefix by which Linux ends the server when we are killed, so that no test run leaves one behind.

    The kernel ties that to the thread that starts the process, so it is left out where that thread may end before us.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", signal.SIGTERM.name.removeprefix("SIG"), "--"]
