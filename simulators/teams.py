"""Field teams: they accept an order, travel, handle it, and say so; now and then one refuses or hands back.

Reads   vitals.orders       (newest version of each case; only orders and teams of mode ``exercise``)
Writes  vitals.feedback     (key: district)
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from schemas import channels
from schemas.codec import decode_order, encode
from schemas.envelope import TICK, gateway_urn, write_envelope
from schemas.feedback import Feedback, FeedbackAction
from schemas.ids import district_of
from schemas.orders import Order, Step
from schemas.refusals import RefusedError
from schemas.registry import RegistryFile, Team, Unit
from schemas.times import SECOND_NS, format_time
from schemas.watermarks import WATERMARK_TYPE
from simulators.noise import stream_of
from simulators.outgoing import Outgoing
from simulators.sending import Sender
from simulators.simulate import Clock, WallClock

log = logging.getLogger(__name__)

ORDER_PARTITIONS = 4
POLL_S = 0.5
MAX_CASES = 20_000
GAP_NS = SECOND_NS // 5  # between two words of one team, so that no clock takes them for simultaneous
METRES_PER_DEGREE = 111_000.0
AT_WORK: tuple[Step, ...] = ("dispatched", "accepted", "handling")  # how far a team has come, in order
ACTIONS: tuple[FeedbackAction, ...] = ("accept", "arrive", "done")


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamHabits:
    """How teams work; ``clock_scale`` divides all times.

    Parameters
    ----------
    accept_s, set_out_s, handle_s
        To accept, to get ready to travel, to put things right.
    speed_mps
        Of travel, by electric bicycle through the streets.
    refuse_share
        Orders that are refused at once; half as many are handed back after having been accepted.
    is_accepting
        Whether anybody accepts anything (``False``: --no-recovery).
    """

    accept_s: float = 60.0
    set_out_s: float = 120.0
    speed_mps: float = 4.0
    handle_s: float = 600.0
    refuse_share: float = 0.02
    is_accepting: bool = True
    clock_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Word:
    """What a team says next, and when (ns)."""

    at_ns: int
    action: FeedbackAction


@dataclass(slots=True)
class _Case:
    """The newest version of a case, and what is still to be said of its order."""

    order: Order
    words: list[Word] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """Feedback that is due, with the scenario that it is about."""

    feedback: Feedback
    scenario: str


class Crews:
    """All teams of the district: a pure plan of who says what when. The same orders and seed give the same plan."""

    def __init__(self, registry: RegistryFile, habits: TeamHabits | None = None, *, seed: int = 1) -> None:
        self._teams = {team.team_id: team for team in registry.teams if team.mode == "exercise"}
        self._units = {unit.unit_id: unit for unit in registry.units}
        self._habits = habits or TeamHabits()
        self._seed = seed
        self._cases: OrderedDict[str, _Case] = OrderedDict()

    def hear(self, order: Order, now_ns: int) -> None:
        """Take a version of an order: an old one changes nothing, another attempt or an end drops the plan."""
        known = self._cases.get(order.case_id)
        if order.mode != "exercise" or (known is not None and order.version <= known.order.version):
            return
        is_same = known is not None and (known.order.order_id, known.order.team_id) == (order.order_id, order.team_id)
        words = known.words if known is not None and is_same else self._plan(order, now_ns)
        self._cases[order.case_id] = _Case(order, words if order.step in AT_WORK else [])
        self._cases.move_to_end(order.case_id)
        while len(self._cases) > MAX_CASES:
            self._cases.popitem(last=False)

    def due(self, now_ns: int) -> list[Said]:
        """Return what teams say up to now, one word of each case at most; its time is now, the next one's later."""
        found: list[Said] = []
        for case in self._cases.values():
            if case.words and case.words[0].at_ns <= now_ns:
                word, *later = case.words
                found.append(Said(_feedback(case.order, word.action, now_ns), case.order.scenario))
                case.words = [Word(max(next_.at_ns, now_ns + GAP_NS), next_.action) for next_ in later]
        return found

    def next_ns(self) -> int | None:
        """Return when the next word is due."""
        return min((case.words[0].at_ns for case in self._cases.values() if case.words), default=None)

    def _plan(self, order: Order, now_ns: int) -> list[Word]:
        team = self._teams.get(order.team_id or "")
        if team is None or order.order_id is None or order.step not in AT_WORK or not self._habits.is_accepting:
            return []
        habits = self._habits
        lasts = (habits.accept_s, self._travel_s(team, order.unit_id), habits.handle_s)
        at_ns = now_ns
        words: list[Word] = []
        for place in range(AT_WORK.index(order.step), len(ACTIONS)):
            mood, haste = self._draw(order.order_id, place), self._draw(order.order_id, place + len(ACTIONS))
            at_ns += round(lasts[place] * (0.8 + 0.4 * haste) / habits.clock_scale * SECOND_NS)
            if mood < (habits.refuse_share, habits.refuse_share / 2, 0.0)[place]:
                return [*words, Word(at_ns, "refuse")]
            words.append(Word(at_ns, ACTIONS[place]))
        return words

    def _travel_s(self, team: Team, unit_id: str) -> float:
        return self._habits.set_out_s + _metres(team, self._units.get(unit_id)) / self._habits.speed_mps

    def _draw(self, order_id: str, number: int) -> float:
        return stream_of(self._seed, f"{order_id} {number}") / 2**64


def _metres(team: Team, unit: Unit | None) -> float:
    if unit is None or team.lat is None or team.lon is None or unit.lat is None or unit.lon is None:
        return 1_000.0
    east = (unit.lon - team.lon) * math.cos(math.radians(unit.lat))
    return METRES_PER_DEGREE * math.hypot(unit.lat - team.lat, east)


def _feedback(order: Order, action: FeedbackAction, now_ns: int) -> Feedback:
    assert order.order_id is not None
    assert order.team_id is not None
    note = "no one free" if action == "refuse" else ""
    return Feedback(
        order_id=order.order_id, unit_id=order.unit_id, action=action, time=format_time(now_ns), by=order.team_id,
        team_id=order.team_id, note=note,
    )  # fmt: skip


def feedback_record(feedback: Feedback, now_ns: int) -> Outgoing:
    """Return the record of one word of a team."""
    district = district_of(feedback.unit_id)
    headers = write_envelope(
        id=f"{feedback.order_id}-{feedback.action}",
        source=gateway_urn(f"{district}-teams"),
        type=channels.EVENT_TYPES[channels.FEEDBACK],
        time_ns=now_ns,
        mode="exercise",
    )
    value = encode(feedback)
    return Outgoing(
        topic=channels.FEEDBACK, key=district.encode(), value=value, headers=headers, rows=1, time_ns=now_ns
    )


def order_of(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Order | None:
    """Return the order in a record of ``vitals.orders``; ``None`` for a tick or a watermark in band."""
    named = dict(headers)
    if not value or TICK in named or named.get("ce_type") == WATERMARK_TYPE.encode():
        return None
    return decode_order(value)


class OrderRecord(Protocol):
    """What we need of a ``ConsumerRecord``."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Consumer(Protocol):
    """What we need of ``AIOKafkaConsumer``."""

    def assign(self, partitions: list[TopicPartition]) -> None: ...
    async def seek_to_end(self, *partitions: TopicPartition) -> object: ...
    async def position(self, partition: TopicPartition) -> int: ...
    async def getmany(self, *, timeout_ms: int) -> Mapping[TopicPartition, Sequence[OrderRecord]]: ...


async def run_teams(
    crews: Crews,
    consumer: Consumer,
    sender: Sender,
    topic_name: Callable[[str], str],
    repair: Callable[[str, str], None],
    *,
    stop: asyncio.Event,
    ready: asyncio.Event | None = None,
    partitions: int = ORDER_PARTITIONS,
    clock: Clock | None = None,
) -> None:
    """Let the teams work until ``stop`` is set.

    Parameters
    ----------
    consumer
        Started (``AIOKafkaConsumer``), without a group; it is assigned ``vitals.orders`` from the end.
    sender
        Its confirmations are awaited before this returns.
    repair
        Called with (unit_id, scenario) once a team's ``done`` is on its way.
    ready
        Set when no order can be missed any more.
    """
    clock = clock or WallClock()
    orders = [TopicPartition(topic_name(channels.ORDERS), number) for number in range(partitions)]
    consumer.assign(orders)
    await consumer.seek_to_end(*orders)
    for partition in orders:
        await consumer.position(partition)
    if ready is not None:
        ready.set()
    while not stop.is_set():
        await _hear(crews, consumer, clock)
        for said in crews.due(clock.now_ns()):
            await sender.send(feedback_record(said.feedback, clock.now_ns()))
            log.info("%s: %s", said.feedback.by, said.feedback.action)
            if said.feedback.action == "done":
                repair(said.feedback.unit_id, said.scenario)
    await sender.drain()


async def _hear(crews: Crews, consumer: Consumer, clock: Clock) -> None:
    next_ns = crews.next_ns()
    wait_s = POLL_S if next_ns is None else (next_ns - clock.now_ns()) / SECOND_NS
    timeout_ms = round(1_000 * min(POLL_S, max(0.0, wait_s)))
    try:
        batches = await consumer.getmany(timeout_ms=timeout_ms)
    except KafkaError as error:
        log.warning("orders cannot be read, tried again: %s", error)
        await asyncio.sleep(POLL_S)
        return
    for records in batches.values():
        for record in records:
            try:
                order = order_of(record.value, record.headers)
            except RefusedError as error:
                log.warning("an order that cannot be read is left to others: %s", error)
                continue
            if order is not None:
                crews.hear(order, clock.now_ns())
