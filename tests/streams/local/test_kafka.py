"""What LocalKafka decides without a server: its configuration, what it says when something is missing."""

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.local.kafka import CLUSTER_ID, LocalKafka, live_brokers
from streams.local.process import ServiceMissingError


def properties(kafka: LocalKafka) -> dict[str, str]:
    lines = (line.strip() for line in kafka._properties().splitlines())  # noqa: SLF001 - the file is what Kafka reads
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def broker(node_id: int, host: str, port: int, rack: str | None) -> bytes:
    name = host.encode()
    where = b"" if rack is None else rack.encode()
    rack_length = -1 if rack is None else len(where)
    return struct.pack(f">ih{len(name)}sih{len(where)}s", node_id, len(name), name, port, rack_length, where)


@pytest.fixture
def metadata_server() -> Iterator[tuple[int, list[bytes]]]:
    """A listener that answers its one client with what the list holds, and the port it is at."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answers.pop())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1], answers
        thread.join(timeout=5)


def test_a_node_alone_is_its_own_only_voter(tmp_path: Path) -> None:
    kafka = LocalKafka(tmp_path, 20_001, controller_port=20_002)
    assert properties(kafka)["controller.quorum.voters"] == "1@127.0.0.1:20002"


def test_a_node_of_a_cluster_knows_all_voters(tmp_path: Path) -> None:
    kafka = LocalKafka(tmp_path, 20_001, node_id=2, controller_port=20_012, voters={1: 20_002, 2: 20_012, 3: 20_022})
    said = properties(kafka)
    assert said["node.id"] == "2"
    assert said["controller.quorum.voters"] == "1@127.0.0.1:20002,2@127.0.0.1:20012,3@127.0.0.1:20022"


def test_settings_of_the_caller_come_last_and_so_win(tmp_path: Path) -> None:
    kafka = LocalKafka(tmp_path, settings={"offsets.topic.replication.factor": "3"})
    assert properties(kafka)["offsets.topic.replication.factor"] == "3"


def test_topics_are_never_made_by_a_typing_mistake(tmp_path: Path) -> None:
    assert properties(LocalKafka(tmp_path))["auto.create.topics.enable"] == "false"


def test_the_node_listens_on_loopback_only(tmp_path: Path) -> None:
    listeners = properties(LocalKafka(tmp_path, 20_001, controller_port=20_002))["listeners"]
    assert listeners == "BROKER://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"


def test_the_cluster_id_has_the_22_letters_that_kafka_wants() -> None:
    assert len(CLUSTER_ID) == 22


def test_without_jars_the_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITALS_TOOLS", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(ServiceMissingError, match="make services"):
        LocalKafka(tmp_path / "data").start()


def test_without_java_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceMissingError, match="install Java 17"):
        LocalKafka(tmp_path / "data").start()


def test_live_brokers_are_read_from_a_metadata_answer_with_and_without_racks(
    metadata_server: tuple[int, list[bytes]],
) -> None:
    port, answers = metadata_server
    body = struct.pack(">iii", 0, 0, 2) + broker(1, "127.0.0.1", 9092, None) + broker(7, "node-seven", 9093, "rack-a")
    answers.append(struct.pack(">i", len(body)) + body)
    assert live_brokers(port) == {1, 7}


@pytest.mark.parametrize("answer", [b"", b"\0\0", struct.pack(">i", 100) + b"cut"])
def test_a_broken_answer_is_an_oserror_not_a_readiness(answer: bytes, metadata_server: tuple[int, list[bytes]]) -> None:
    port, answers = metadata_server
    answers.append(answer)
    with pytest.raises(OSError, match="connection closed"):
        live_brokers(port)
