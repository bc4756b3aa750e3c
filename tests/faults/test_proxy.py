import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import BLACK_HOLE, FAIR, FaultProxy, Weather


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A proxy before a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        with FaultProxy(server.getsockname()[1]) as found:
            yield found


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_send_back, args=(connection,), daemon=True).start()


def _send_back(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(65_536):
                connection.sendall(data)
        except OSError:
            return


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(client: socket.socket, data: bytes, timeout_s: float = 5.0) -> bytes:
    client.settimeout(timeout_s)
    client.sendall(data)
    found = b""
    while len(found) < len(data):
        part = client.recv(65_536)
        if not part:
            break
        found += part
    return found


def test_in_fair_weather_everything_passes(proxy: FaultProxy) -> None:
    data = bytes(range(256)) * 2_000
    with connect(proxy) as client:
        assert ask(client, data) == data


def test_a_delay_is_felt_on_both_ways(proxy: FaultProxy) -> None:
    proxy.set(Weather(delay_s=0.1))
    started = time.monotonic()
    with connect(proxy) as client:
        assert ask(client, b"x") == b"x"
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("weather", [BLACK_HOLE, Weather(is_to_server_silent=True), Weather(is_to_client_silent=True)])
def test_a_silent_way_swallows_and_keeps_the_connection(proxy: FaultProxy, weather: Weather) -> None:
    with connect(proxy) as client:
        assert ask(client, b"before") == b"before"
        proxy.set(weather)
        with pytest.raises(TimeoutError):
            ask(client, b"lost", 0.3)
        proxy.set(FAIR)
        assert ask(client, b"after!") == b"after!"


def test_reset_ends_with_an_error_and_truncate_in_the_middle(proxy: FaultProxy) -> None:
    proxy.set(Weather(reset_after=10))
    with connect(proxy) as client, pytest.raises(ConnectionResetError):
        ask(client, b"x" * 20)
    proxy.set(Weather(truncate_after=10))
    with connect(proxy) as client:
        assert ask(client, b"x" * 20) == b"x" * 10


def test_refused_and_broken_connections_are_reset(proxy: FaultProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"x") == b"x"
        proxy.break_all()
        with pytest.raises(ConnectionResetError):
            ask(client, b"x")
    proxy.set(Weather(is_refusing=True))
    with pytest.raises((ConnectionResetError, BrokenPipeError)), connect(proxy) as client:
        ask(client, b"x")
