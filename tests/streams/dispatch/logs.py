"""A random log of both topics: alerts live and die, teams and people answer what dispatch says, well or badly."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from schemas import channels
from schemas.alerts import AlertSubject
from schemas.orders import Order
from streams.delivery.records import Effect, Record
from tests.streams.dispatch.builders import (
    COMPOUND,
    HOUSE,
    SHOP,
    alert,
    at,
    by_id,
    mark,
    orders,
    partition,
    said,
    subject,
    team,
    tick,
    told,
    word,
)

COLOURS = ("blue", "yellow", "orange", "red")
STATES = ("UNACK", "ACKED", "UNACK", "SHLVD", "DSUPR", "OOSRV")
ACTIONS = ("accept", "arrive", "done", "accept", "arrive", "done", "refuse", "progress", "check", "reopen")
FITTING = {"dispatched": "accept", "accepted": "arrive", "handling": "done", "handled": "check", "closed": "reopen"}
TEAMS = by_id(
    team("own-house", "general", tier="unit"),
    team("lift-a", "lift", "gas", tier="subdistrict"),
    team("lift-b", tier="district", home=COMPOUND, shifts=[{"start": 8, "until": 9}]),
    team("gas-a", "gas", tier="subdistrict", shifts=[{"start": 9, "until": 17}]),
    team("lift-x", "lift", "gas", tier="district", mode="exercise"),
)
THINGS = (
    {"unit_id": HOUSE, "scenario": "lift-fault"},
    {"unit_id": HOUSE, "scenario": "lift-fault", "mode": "exercise"},
    {"unit_id": SHOP, "scenario": "gas-leak"},
    {"unit_id": COMPOUND, "scenario": "lift-fault"},
    {"unit_id": COMPOUND, "scenario": "unheard-of"},
    {"unit_id": SHOP, "scenario": "lift-fault"},
)


@dataclass
class Thing:
    """One key of alerts in its present episode."""

    number: int
    episode: int = 0
    version: int = 1
    state: str = "NORM"
    colour: str = "yellow"
    subjects: dict[str, AlertSubject] = field(default_factory=dict)


@dataclass
class Log:
    """What both topics hold, and what dispatch said of it while it was written."""

    alerts: list[Record] = field(default_factory=list)
    feedback: list[Record] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


class Writer:
    """Writes a log step by step while a partition reads along, so that answers fit what was asked."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.state = partition(TEAMS)
        self.log = Log()
        self.things = [Thing(number) for number in range(len(THINGS))]
        self.newest: dict[str, Order] = {}
        self.seconds = 0.0

    def step(self) -> None:
        """Let some time pass and something happen."""
        self.seconds += self.draw.choice((0.0, 0.5, 3.0, 20.0, 120.0, 700.0, 4_000.0))
        for _ in range(self.draw.randint(0, 2)):
            self._write(self._alert())
        if self.newest and self.draw.random() < 0.7:
            self._write(self._feedback())
        if self.draw.random() < 0.8:
            self._write(mark(self.seconds, len(self.log.alerts)))
            self._write(tick(self.seconds, len(self.log.feedback)))

    def _write(self, record: Record) -> None:
        into = self.log.alerts if record.topic == channels.ALERTS else self.log.feedback
        into.append(record)
        effects = self.state.fold([record])
        self.log.effects += effects
        self.newest |= {order.case_id: order for order in orders(effects)}

    def _alert(self) -> Record:
        if self.log.alerts and self.draw.random() < 0.1:
            return self.draw.choice(self.log.alerts)  # again, after a crash upstream
        thing = self.draw.choice(self.things)
        if thing.state == "NORM":
            thing.episode += 1
            thing.version, thing.state, thing.subjects = 1, "UNACK", {}
        thing.version += 1
        thing.colour = self.draw.choice(COLOURS)
        clear = self.draw.random() < 0.5
        thing.state = self.draw.choice(("RTNUN", "NORM", "UNACK") if clear else STATES)
        name = "lift-1" if THINGS[thing.number]["scenario"] != "gas-leak" else self.draw.choice(("g-1", "g-2"))
        is_all = clear and self.draw.random() < 0.7
        for each in (*thing.subjects, name) if is_all else (name,):
            thing.subjects[each] = self._subject(each, clear=clear)
        whole = {**THINGS[thing.number], "colour": thing.colour, "state": thing.state}
        name = f"al-{thing.number}-{thing.episode}"
        event = alert(self.seconds, thing.version, *thing.subjects.values(), name=name, **whole)
        return told(event, len(self.log.alerts))

    def _subject(self, name: str, *, clear: bool) -> AlertSubject:
        state = "clear" if clear else self.draw.choice(("active", "active", "active", "dead"))
        quality = self.draw.choice((0.9, 0.9, 0.9, 0.3))
        topic = channels.REPORTS if self.draw.random() < 0.1 else channels.READINGS
        return subject(self.seconds, state, name, quality, topic)

    def _feedback(self) -> Record:
        order = self.draw.choice(list(self.newest.values()))
        action = FITTING.get(order.step, "accept") if self.draw.random() < 0.6 else self.draw.choice(ACTIONS)
        said_at = max(0.0, self.seconds - self.draw.choice((0.0, 0.0, 1.0, 30.0)))
        given: dict[str, Any] = {
            "order_id": order.order_id or order.case_id,
            "unit_id": order.unit_id,
            "by": self.draw.choice(("wang", "li")),
            "team_id": self.draw.choice((order.team_id, None, "lift-a")),
        }
        offset = len(self.log.feedback)
        return said(word(said_at, action, **given), offset, append_ns=at(self.seconds))


def random_log(seed: int, steps: int) -> Log:
    """Return a log of so many steps, after which the watermark is far past every clock."""
    writer = Writer(seed)
    for _ in range(steps):
        writer.step()
    return writer.log
