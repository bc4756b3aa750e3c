"""A local service's life, shown on a small server of Python's own: start, readiness, stop, kill, restart."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

from streams.local.process import (
    PORTS,
    LocalService,
    ServiceStartError,
    free_port,
    tools_folder,
)

SERVER = """
import os, signal, socket, sys, time
if os.environ["STUBBORN"] == "1":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ["BROKEN"] == "1":
    sys.exit("no such luck")
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    signal.pause()
"""


class LittleServer(LocalService):
    name: ClassVar[str] = "little"

    def __init__(
        self, data_dir: Path | None, *, stubborn: bool = False, broken: bool = False, deaf: bool = False
    ) -> None:
        super().__init__(data_dir, None, start_seconds=0.5 if deaf else 20.0)
        self.stubborn, self.broken, self.deaf = stubborn, broken, deaf
        self.prepared = 0

    @classmethod
    def require(cls) -> None:
        """Python is always here."""

    def _prepare(self) -> None:
        self.prepared += 1

    def _command(self) -> list[str]:
        return [sys.executable, "-c", SERVER, str(self.port)]

    def _environment(self) -> dict[str, str]:
        return {"STUBBORN": str(int(self.stubborn)), "BROKEN": str(int(self.broken))}

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return not self.deaf and probe.connect_ex(("127.0.0.1", self.port)) == 0


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_started_server_answers_at_once_and_is_gone_after_stop(tmp_path: Path) -> None:
    server = LittleServer(tmp_path)
    server.start()
    pid = server.pid
    with socket.create_connection(("127.0.0.1", server.port), timeout=5):
        assert server.is_running
    server.stop()
    assert not lives(pid)
    assert not server.is_running


def test_starting_twice_keeps_the_one_process(tmp_path: Path) -> None:
    with LittleServer(tmp_path) as server:
        pid = server.pid
        server.start()
        assert server.pid == pid


def test_restart_keeps_port_and_folder_and_changes_the_process(tmp_path: Path) -> None:
    with LittleServer(tmp_path) as server:
        before = (server.port, server.data_dir)
        pid = server.pid
        server.restart()
        assert (server.port, server.data_dir) == before
        assert server.pid != pid
        assert server.prepared == 2


def test_a_server_deaf_to_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    server = LittleServer(tmp_path, stubborn=True)
    server.start()
    pid = server.pid
    server.stop(grace_seconds=0.1)
    assert not lives(pid)


def test_kill_ends_the_process_and_start_brings_it_back(tmp_path: Path) -> None:
    with LittleServer(tmp_path) as server:
        pid = server.pid
        server.kill()
        assert not lives(pid)
        server.start()
        assert server.is_running


def test_a_server_that_ends_while_starting_is_one_line_that_names_the_log(tmp_path: Path) -> None:
    server = LittleServer(tmp_path, broken=True)
    with pytest.raises(ServiceStartError) as raised:
        server.start()
    assert str(raised.value) == f"little ended while starting: see {tmp_path / 'little.log'}"
    assert "no such luck" in server.log_file.read_text()


def test_a_server_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    server = LittleServer(tmp_path, deaf=True)
    with pytest.raises(ServiceStartError, match=r"was not ready within 0.5 s: see .*little\.log"):
        server.start()
    assert not server.is_running


def test_the_pid_of_a_stopped_server_is_an_error_not_a_stranger(tmp_path: Path) -> None:
    server = LittleServer(tmp_path)
    with pytest.raises(RuntimeError, match="little is not running"):
        _ = server.pid


def test_a_temporary_folder_is_removed_at_the_end_and_a_given_one_is_kept(tmp_path: Path) -> None:
    with LittleServer(None) as temporary, LittleServer(tmp_path / "given") as given:
        assert temporary.data_dir.exists()
    assert not temporary.data_dir.exists()
    assert given.data_dir.exists()


def test_stopping_what_never_started_does_nothing(tmp_path: Path) -> None:
    server = LittleServer(tmp_path)
    server.stop()
    server.kill()
    server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_parent_leaves_no_server_behind(tmp_path: Path) -> None:
    program = f"""
import importlib.util, pathlib, signal
spec = importlib.util.spec_from_file_location("little", {__file__!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
server = module.LittleServer(pathlib.Path({str(tmp_path)!r}))
server.start()
print(server.pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline())
        watch = os.pidfd_open(server_pid)
        parent.send_signal(signal.SIGKILL)
    assert ended_within(watch, seconds=10)


def ended_within(pidfd: int, seconds: float) -> bool:
    with os.fdopen(pidfd) as watch:
        return bool(select.select([watch], [], [], seconds)[0])


def test_a_server_started_from_a_passing_thread_outlives_the_thread(tmp_path: Path) -> None:
    server = LittleServer(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    with server:
        assert server.is_running


def test_free_ports_are_outside_the_range_of_outgoing_connections() -> None:
    assert free_port() in PORTS
    assert PORTS.stop <= 32_768


def test_tools_are_looked_for_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITALS_TOOLS", str(tmp_path))
    assert tools_folder() == tmp_path
