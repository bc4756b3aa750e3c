"""`vitals trace`: why a reading did not show, in words, for each reason; and what became of those that did."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas import channels
from schemas.refusals import Reason
from streams.dead_letters.words import WORDS
from streams.kafka import producer, topic_name
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.topics import partition_for
from streams.trace.search import trace
from streams.trace.words import render
from tests.integration.system import System, running_system

UNIT, OTHER = "hp.people-square.g02.tea-house", "hp.people-square.g02.book-shop"
REGISTRY = f"""
units:
  - {{unit_id: {UNIT}, kind: shops, name_zh: 茶馆, name_en: Tea house}}
  - {{unit_id: {OTHER}, kind: shops, name_zh: 书店, name_en: Book shop}}
devices:
  - {{device_id: tea-air-1, unit_id: {UNIT}, quantities: [temperature, pm25], interval_s: 10}}
  - {{device_id: tea-air-2, unit_id: {UNIT}, quantities: [pm25], interval_s: 10, gateway_id: gw-tea}}
  - {{device_id: tea-lift-1, unit_id: {UNIT}, quantities: [lift_fault], interval_s: 10}}
"""
UNSEEN = {  # by other stages, or not before signatures are: their words are tested in tests/streams/trace
    Reason.BAD_SIGNATURE, Reason.REPLAYED, Reason.STORE_REFUSED, Reason.UNDELIVERED,
}  # fmt: skip


@pytest.fixture(scope="module")
def system(kafka: LocalKafka, influx: LocalInflux, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("trace")
    with running_system(kafka, influx, folder, f"trace-{secrets.token_hex(3)}") as running:
        (folder / "tea.yaml").write_text(REGISTRY)
        applied = running.run("registry", "apply", "tea.yaml")
        assert applied.returncode == 0, applied.stderr
        yield running


def reading(**changes: object) -> bytes:
    return json.dumps([{"n": "tea-air-1/pm25", "v": 20.0, "t": time.time()} | changes]).encode()


async def sent(
    system: System,
    value: bytes,
    *,
    topic: str = channels.READINGS,
    key: bytes | None = UNIT.encode(),
    partition: int | None = None,
    source: str = "gw-tea",
    ident: str | None = None,
) -> str:
    """Publish one record; return its place."""
    headers = [
        ("ce_source", f"urn:vitals:gateway:{source}".encode()),
        ("ce_id", (ident or secrets.token_hex(8)).encode()),
    ]
    if partition is None and key is None:
        partition = 0
    async with producer(system.settings) as sender:
        done = await sender.send_and_wait(
            topic_name(system.settings, topic), value, key=key, partition=partition, headers=headers
        )
    return f"{topic}:{done.partition}:{done.offset}"


async def traced(system: System, ident: str, until: str) -> str:
    """Return what `vitals trace` says, once it says ``until``."""
    deadline = time.monotonic() + 60
    while True:
        said = render(await trace(system.settings, ident))
        if until in said:
            return said
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.3)


def as_json(**fields: object) -> bytes:
    return json.dumps({"time": "2026-01-01T00:00:00Z", "by": "li"} | fields).encode()


CROWD = as_json(zone_id="moon", source="gate", people_count=3).replace(b', "by": "li"', b"")
BAD: dict[Reason, Callable[[], dict[str, Any]]] = {
    Reason.TOO_LARGE: lambda: {"value": b"[" + b" " * 600_000 + b"]"},
    Reason.UNDECODABLE: lambda: {"value": b"21.5 degrees"},
    Reason.SCHEMA: lambda: {"value": reading(vs="warm")},
    Reason.UNKNOWN_LABEL: lambda: {"value": reading(must_=1)},
    Reason.BAD_VALUE: lambda: {"value": reading(t=9e18)},
    Reason.UNKNOWN_DEVICE: lambda: {"value": reading(n="tea-air-9/pm25")},
    Reason.UNKNOWN_PLACE: lambda: {"value": b"[" + CROWD + b"]", "topic": channels.CROWD},
    Reason.UNKNOWN_QUANTITY: lambda: {"value": reading(n="tea-air-1/mood")},
    Reason.WRONG_MEASURE: lambda: {"value": reading(u="mg/m3")},
    Reason.WRONG_PARTITION: lambda: {"value": reading(), "partition": (partition_for(UNIT.encode(), 12) + 1) % 12},
    Reason.NO_KEY: lambda: {"value": reading(), "key": None},
    Reason.NOT_OWNER: lambda: {"value": reading(n="tea-air-2/pm25"), "source": "gw-thief"},
    Reason.FUTURE: lambda: {"value": reading(t=time.time() + 3_600)},
    Reason.BAD_FEEDBACK: lambda: {
        "value": as_json(order_id="none-1", unit_id=UNIT, action="accept"), "topic": channels.FEEDBACK, "key": b"hp",
    },
    Reason.BAD_ACTION: lambda: {
        "value": as_json(action="acknowledge", alert_id="none", reason="", district="hp"),
        "topic": channels.ACTIONS, "key": b"hp",
    },
}  # fmt: skip


async def test_each_reason_is_told_in_words_with_what_to_do(system: System) -> None:
    taken_s = time.time()
    await sent(system, reading(t=taken_s, v=20))  # what the conflict is with
    bad = BAD | {Reason.CONFLICT: lambda: {"value": reading(t=taken_s, v=21)}}
    places = {reason: await sent(system, **make()) for reason, make in bad.items()}
    assert {*bad, *UNSEEN} == {*Reason}
    for reason, place in places.items():
        said = await traced(system, place, f": {reason}: ")
        meaning, advice = WORDS[reason]
        assert meaning in said
        assert f"what to do: {advice}" in said
        assert "vitals dead-letters show" in said


async def test_a_reading_that_is_well_is_judged_and_stored(system: System) -> None:
    place = await sent(system, reading(n="tea-air-1/temperature", v=21.5), ident="well-1")
    said = await traced(system, "well-1", "stored: yes")
    assert f"record {place}" in said
    assert "1 element: 1 judged" in said
    assert "tea-air-1/temperature = 21.5, quality 1" in said


async def test_a_late_reading_and_a_duplicate_say_so(system: System) -> None:
    await sent(system, reading(), ident="before")
    await traced(system, "before", "1 judged")
    late = await sent(system, reading(t=time.time() - 3_600), ident="late-1")
    assert "1 element: 1 late" in await traced(system, late.removeprefix("vitals."), "1 late")
    value = reading()
    first = await sent(system, value, ident="twice-1")
    await sent(system, value, ident="twice-1")
    said = await traced(system, "twice-1", "1 duplicate")
    assert f"duplicate: {first} came before with the same id" in said


async def test_a_reading_nobody_has_judged_yet_says_who_must_run(system: System) -> None:
    place = await sent(system, reading(), topic=channels.SINGLE_READINGS, key=None)
    assert "does `vitals collect` run?" in await traced(system, place, "no pack yet")


async def test_a_device_is_told_of_whether_registered_or_not(system: System) -> None:
    await sent(system, reading(n="tea-air-7/pm25"), ident="unknown-1")
    said = await traced(system, "tea-air-7", "1 dead letter unknown_device")
    assert f"vitals registry add-device tea-air-7 --unit {UNIT} --quantity pm25 --interval SECONDS" in said
    await sent(system, reading(v=17.25))
    said = await traced(system, "tea-air-1", "tea-air-1/pm25 = 17.25")
    assert f"device tea-air-1: in {UNIT}, temperature, pm25" in said


async def test_an_alert_leads_back_to_its_reading_and_on_to_its_case(system: System) -> None:
    value = json.dumps([{"n": "tea-lift-1/lift_fault", "vb": True, "t": time.time()}]).encode()
    place = await sent(system, value, ident="fault-1")
    said = await traced(system, "fault-1", "led to case")
    alert = said.partition("led to alert ")[2].partition(" ")[0]
    said = await traced(system, alert, "led to case")
    assert f"evidence: {place}" in said
    case = said.partition("led to case ")[2].partition(" ")[0]
    assert "lift-fault" in await traced(system, case, f"`vitals case {case}`")


def test_what_is_nowhere_says_where_was_looked_and_what_to_check(system: System) -> None:
    done = system.run("trace", "no-such-thing")
    assert (done.returncode, done.stderr) == (1, "")
    assert "nothing is known of 'no-such-thing'" in done.stdout
    assert "was it acknowledged?" in done.stdout


async def test_data_is_the_same_as_words(system: System) -> None:
    place = await sent(system, reading(v=11.5), ident="data-1")
    await traced(system, "data-1", "stored: yes")
    found = json.loads(system.run("trace", "data-1", "--json").stdout)
    (record,) = found["records"]
    assert (record["place"], record["judged"], record["rows"][0]["value"]) == (place, 1, 11.5)
