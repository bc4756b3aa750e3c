import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from schemas.codec import decode_feedback, encode
from schemas.envelope import tick_headers
from schemas.feedback import Feedback
from schemas.orders import Order
from schemas.registry import RegistryFile
from schemas.times import SECOND_NS, parse_time
from simulators.scenarios import UNITS
from simulators.sending import Sender
from simulators.teams import Crews, TeamHabits, feedback_record, order_of, run_teams

NOON_NS = 1_767_240_000 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
WILLING = TeamHabits(refuse_share=0.0)


def order(**changes: Any) -> Order:
    whole = Order(
        case_id="case1", order_id="case1-1", version=2, unit_id=UNITS["lift-fault"], scenario="lift-fault",
        colour="orange", step="dispatched", tier="unit", attempt=1, opened="2026-01-01T04:00:00Z", alert_ids=("a",),
        correlationid="a", causationid="a", mode="exercise", team_id="hp-own-nanjing-building",
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def said(crews: Crews, until_ns: int) -> list[Feedback]:
    """Return all that is said until then, each word at its time."""
    words: list[Feedback] = []
    while (next_ns := crews.next_ns()) is not None and next_ns <= until_ns:
        words += [word.feedback for word in crews.due(next_ns)]
    return words


def test_a_team_accepts_arrives_and_finishes_in_that_order(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    words = said(crews, NOON_NS + HOUR_NS)
    assert [word.action for word in words] == ["accept", "arrive", "done"]
    assert {word.order_id for word in words} == {"case1-1"}
    times = [(parse_time(word.time) - NOON_NS) / SECOND_NS for word in words]
    assert 48 <= times[0] <= 72
    assert 300 < times[-1] < 2_000


def test_times_are_divided_by_the_clock_scale(district: RegistryFile) -> None:
    crews = Crews(district, TeamHabits(refuse_share=0.0, clock_scale=60.0))
    crews.hear(order(), NOON_NS)
    assert [word.action for word in said(crews, NOON_NS + 30 * SECOND_NS)] == ["accept", "arrive", "done"]


def test_travel_takes_longer_from_farther_away(district: RegistryFile) -> None:
    def arrival(team_id: str) -> int:
        crews = Crews(district, WILLING)
        crews.hear(order(team_id=team_id, step="accepted"), NOON_NS)
        arrives = crews.next_ns()
        assert arrives is not None
        return arrives

    assert arrival("hp-own-nanjing-building") < arrival("hp-own-quxi-road")


@pytest.mark.parametrize(
    ("change", "actions"),
    [
        ({"step": "accepted"}, ["arrive", "done"]),
        ({"step": "handling"}, ["done"]),
        ({"step": "handled"}, []),
        ({"step": "closed"}, []),
        ({"team_id": None}, []),
        ({"order_id": None}, []),
        ({"mode": "actual"}, []),
        ({"team_id": "a-real-team"}, []),
    ],
)
def test_what_is_said_fits_the_order(district: RegistryFile, change: dict[str, Any], actions: list[str]) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(**change), NOON_NS)
    assert [word.action for word in said(crews, NOON_NS + HOUR_NS)] == actions


def test_a_real_team_is_never_spoken_for(district: RegistryFile) -> None:
    real = [msgspec.structs.replace(team, mode="actual") for team in district.teams]
    crews = Crews(msgspec.structs.replace(district, teams=tuple(real)), WILLING)
    crews.hear(order(), NOON_NS)
    assert crews.next_ns() is None


def test_nobody_accepts_without_recovery(district: RegistryFile) -> None:
    crews = Crews(district, TeamHabits(is_accepting=False))
    crews.hear(order(), NOON_NS)
    assert crews.next_ns() is None


def test_the_same_version_again_or_an_older_one_changes_nothing(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    first_ns = crews.next_ns()
    crews.hear(order(), NOON_NS + SECOND_NS)
    crews.hear(order(version=1, team_id="hp-own-quxi-road"), NOON_NS + SECOND_NS)
    assert crews.next_ns() == first_ns


def test_a_newer_version_of_the_same_order_keeps_the_plan(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    crews.hear(order(version=3, step="accepted"), NOON_NS + 10 * SECOND_NS)
    assert [word.action for word in said(crews, NOON_NS + HOUR_NS)] == ["accept", "arrive", "done"]


def test_another_attempt_drops_the_old_plan(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    crews.hear(order(version=3, attempt=2, order_id="case1-2", team_id="hp-own-quxi-road"), NOON_NS + 1)
    words = said(crews, NOON_NS + HOUR_NS)
    assert {(word.order_id, word.team_id) for word in words} == {("case1-2", "hp-own-quxi-road")}


def test_a_closed_case_is_left_alone(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    said(crews, NOON_NS + 100 * SECOND_NS)
    crews.hear(order(version=5, step="closed"), NOON_NS + 110 * SECOND_NS)
    assert said(crews, NOON_NS + HOUR_NS) == []


def test_some_refuse_some_hand_back_and_nothing_follows(district: RegistryFile) -> None:
    crews = Crews(district, TeamHabits(refuse_share=0.3))
    for n in range(400):
        crews.hear(order(case_id=f"c{n}", order_id=f"c{n}-1"), NOON_NS)
    by_order: dict[str, list[str]] = {}
    for word in said(crews, NOON_NS + HOUR_NS):
        by_order.setdefault(word.order_id, []).append(word.action)
    refused = sum(actions == ["refuse"] for actions in by_order.values())
    handed_back = sum(actions == ["accept", "refuse"] for actions in by_order.values())
    assert refused / 400 == pytest.approx(0.3, abs=0.06)
    assert handed_back / 400 == pytest.approx(0.105, abs=0.05)
    assert len(by_order) == 400


def test_words_that_are_due_together_are_said_one_after_the_other(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    late_ns = NOON_NS + HOUR_NS
    assert [word.feedback.action for word in crews.due(late_ns)] == ["accept"]
    assert crews.due(late_ns) == []
    assert [word.feedback.action for word in crews.due(late_ns + SECOND_NS)] == ["arrive"]


def test_the_same_seed_makes_the_same_plan(district: RegistryFile) -> None:
    def plan(seed: int) -> list[Feedback]:
        crews = Crews(district, TeamHabits(refuse_share=0.3), seed=seed)
        for n in range(20):
            crews.hear(order(case_id=f"c{n}", order_id=f"c{n}-1"), NOON_NS)
        return said(crews, NOON_NS + HOUR_NS)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_feedback_is_keyed_by_district_with_an_id_of_its_own(district: RegistryFile) -> None:
    crews = Crews(district, WILLING)
    crews.hear(order(), NOON_NS)
    word = crews.due(NOON_NS + HOUR_NS)[0].feedback
    record = feedback_record(word, NOON_NS)
    assert record.key == b"hp"
    assert decode_feedback(record.value)[0] == word
    assert dict(record.headers)["ce_id"] == b"case1-1-accept"


def test_ticks_and_watermarks_are_no_orders() -> None:
    assert order_of(b"", tick_headers(NOON_NS)) is None
    assert order_of(b"{}", [("ce_type", b"city.vitals.watermark.v1")]) is None
    assert order_of(encode(order()), []) == order()


@dataclass
class Log:
    """A consumer of orders that come one a poll; time passes with each, and at the end it stops."""

    orders: list[bytes]
    clock: Any
    stop: asyncio.Event
    seconds_a_poll: float = 60.0
    assigned: list[TopicPartition] = field(default_factory=list)
    ended_at: set[TopicPartition] = field(default_factory=set)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions

    async def seek_to_end(self, *partitions: TopicPartition) -> object:
        self.ended_at = set(partitions)
        return True

    async def position(self, partition: TopicPartition) -> int:
        assert partition in self.ended_at
        return 0

    async def getmany(self, *, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Any]]:
        assert 0 <= timeout_ms <= 500
        self.clock.now_s += self.seconds_a_poll
        if self.clock.now_s > NOON_NS / SECOND_NS + 3_600:
            self.stop.set()
        found = [_Record(self.orders.pop(0))] if self.orders else []
        return {self.assigned[0]: found}


@dataclass
class _Record:
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


async def test_teams_read_orders_from_the_end_and_repair_when_done(
    district: RegistryFile, broker: Any, clock: Any
) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    log = Log([b"not an order", encode(order())], clock, stop)
    repaired: list[tuple[str, str]] = []
    await run_teams(
        Crews(district, WILLING), log, Sender(broker, str), lambda topic: f"n.{topic}",
        lambda unit_id, scenario: repaired.append((unit_id, scenario)), stop=stop, ready=ready, clock=clock,
    )  # fmt: skip
    assert ready.is_set()
    assert log.assigned == [TopicPartition("n.vitals.orders", n) for n in range(4)]
    assert [decode_feedback(value)[0].action for _, _, value, _ in broker.records] == ["accept", "arrive", "done"]
    assert repaired == [(UNITS["lift-fault"], "lift-fault")]
