"""The event stream: snapshots, changes, slow readers."""

from functools import partial

import msgspec
import pytest

from schemas.times import SECOND_NS
from streams.console import hub as hubs
from streams.console.hub import Client, Hub, TooManyClientsError
from streams.console.live import Live
from streams.console.overall import overall
from tests.streams.console.builders import T0, alerted, scores


def state_and_hub() -> tuple[Live, Hub]:
    live = Live(partial(overall, 4.0))
    return live, Hub(live, now_ns=lambda: T0)


async def names(hub: Hub, client: Client) -> list[str]:
    message = await hub.next_message(client)
    assert message is not None
    return [line.split(b": ", 1)[1].decode() for line in message.splitlines() if line.startswith(b"event: ")]


async def test_a_client_begins_with_the_time_and_a_snapshot() -> None:
    live, hub = state_and_hub()
    live.fold([alerted(1)])
    assert await names(hub, hub.join()) == ["time", "snapshot"]


async def test_many_records_become_one_message() -> None:
    live, hub = state_and_hub()
    client = hub.join()
    await names(hub, client)
    live.fold(scores(end_ns=T0 + step * SECOND_NS) for step in range(1_000))
    hub.publish()
    hub.publish()
    assert await names(hub, client) == ["changes"]
    assert not client.waiting


async def test_a_slow_client_gets_a_snapshot_in_place_of_a_growing_queue() -> None:
    live, hub = state_and_hub()
    slow, quick = hub.join(), hub.join()
    await names(hub, slow)
    await names(hub, quick)
    for step in range(hubs.WAITING * 3):
        live.fold([scores(end_ns=T0 + step * SECOND_NS)])
        hub.publish()
        assert await names(hub, quick) == ["changes"]
        assert len(slow.waiting) <= hubs.WAITING
    assert await names(hub, slow) == ["time", "snapshot"]


async def test_what_is_published_while_a_snapshot_is_due_is_in_it() -> None:
    live, hub = state_and_hub()
    client = hub.join()
    live.fold([alerted(1)])
    hub.publish()
    message = await hub.next_message(client)
    assert message is not None
    picture = msgspec.json.decode(message.rsplit(b"data: ", 1)[1])
    assert [one["version"] for one in picture["alerts"]] == [1]
    assert not client.waiting


async def test_silence_is_broken_by_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", 0)
    _, hub = state_and_hub()
    client = hub.join()
    await names(hub, client)
    assert await names(hub, client) == ["time"]


async def test_closing_ends_every_stream() -> None:
    _, hub = state_and_hub()
    client = hub.join()
    hub.close()
    assert await hub.next_message(client) is None


def test_there_are_only_so_many_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MAX_CLIENTS", 1)
    _, hub = state_and_hub()
    client = hub.join()
    with pytest.raises(TooManyClientsError, match="1 pages are open"):
        hub.join()
    hub.leave(client)
    hub.join()
