"""Records as the stages write them for the console, and an application over a live state of hand-made ones."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from schemas import channels
from schemas.alerts import Alert
from schemas.ids import alert_id, case_id, district_of, order_id
from schemas.orders import Order
from schemas.registry import Unit
from schemas.signs import Indicator, UnitScores
from schemas.times import SECOND_NS, format_time
from streams.catalogue.files import load_catalogue
from streams.console.api import NotConfirmedError, Receipt, console_app
from streams.console.auth import Access
from streams.console.hub import Hub
from streams.console.live import Live
from streams.console.overall import overall
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS, encode_watermark
from streams.pollution.answer import CaseSources, RankedSource, Risen, Sources
from streams.twin.state import Twin, TwinFold

T0 = 1_767_225_600 * SECOND_NS
UNIT = "hp.nanjing-east.g03.nanjing-building"
LIFT = "hp-lift-nanjing-building-1"
TOKENS = {"viewer": "viewer-secret", "operator": "operator-secret"}
STEPS = ("registered", "verified", "filed", "dispatched", "accepted", "handling", "handled", "checked", "closed")

Client = TestClient[web.Request, web.Application]


def record(topic: str, event: object, key: str, headers: Mapping[str, bytes] | None = None) -> Record:
    """Return a record that carries ``event``."""
    value = event if isinstance(event, bytes) else msgspec.json.encode(event)
    return Record(
        topic=topic, partition=0, offset=0, append_ns=T0, key=key.encode(), value=value, headers=dict(headers or {})
    )


def watermark(topic: str) -> Record:
    """Return an in-band watermark."""
    return Record(
        topic=topic,
        partition=0,
        offset=0,
        append_ns=T0,
        key=None,
        value=encode_watermark(0, T0),
        headers=dict(WATERMARK_HEADERS),
    )


def unit(unit_id: str = UNIT, **given: Any) -> Record:
    """Return a unit's registry record."""
    whole = {
        "unit_id": unit_id, "kind": "building", "name_zh": "南京大楼", "name_en": "Nanjing Building",
        "responsible": "hp-own-nanjing-building", **given,
    }  # fmt: skip
    return record(channels.REGISTRY_UNITS, msgspec.convert(whole, Unit, strict=False), unit_id)


def scores(unit_id: str = UNIT, end_ns: int = T0, mode: str = "actual", revision: int = 0, **domains: float) -> Record:
    """Return a unit's scores in the minute that ends at ``end_ns``."""
    whole = {
        "unit_id": unit_id, "mode": mode, "window_start": format_time(end_ns - 60 * SECOND_NS), "window_s": 60.0,
        "scores": domains or {"safety": 90.0}, "coverage": 0.9, "revision": revision,
    }  # fmt: skip
    return record(channels.UNIT_SCORES, msgspec.convert(whole, UnitScores), district_of(unit_id))


def indicator(name: str, score: float, unit_id: str = UNIT, end_ns: int = T0, **given: Any) -> Record:
    """Return an indicator in the minute that ends at ``end_ns``; of a prefix where ``name`` is a domain."""
    colour = "green" if score >= 80 else "orange"
    whole = {
        "unit_id": unit_id, "indicator": name, "mode": "actual", "window_s": 60.0, "value": score, "unit": "/",
        "window_start": format_time(end_ns - 60 * SECOND_NS), "score": score, "colour": colour, "n": 6,
        "coverage": 0.8, **given,
    }  # fmt: skip
    return record(channels.INDICATORS, msgspec.convert(whole, Indicator), unit_id)


def falling(name: str, minutes: int = 20, end_ns: int = T0, minute_ns: int = 60 * SECOND_NS) -> list[Record]:
    """Return minutes in which a unit (four labels) or a prefix loses a point each, from 90 on, up to ``end_ns``."""
    made = []
    for step in range(minutes):
        end, score, window_s = end_ns - (minutes - 1 - step) * minute_ns, 90.0 - step, minute_ns / SECOND_NS
        is_unit = name.count(".") == 3
        start = format_time(end - minute_ns)
        made.append(
            scores(name, end, safety=score)
            if is_unit
            else indicator("overall", score, name, window_start=start, window_s=window_s)
        )
    return made


def alert(version: int = 1, episode: int = 0, unit_id: str = UNIT, since_ns: int = T0, **given: Any) -> Alert:
    """Return a lift's alert."""
    mode, since = given.get("mode", "actual"), format_time(since_ns)
    name = alert_id(mode, "lift-fault", unit_id, LIFT, episode)
    subject = {"subject": LIFT, "state": "active", "since": since, "quality": 1.0, "anomaly_id": "an-1"}
    whole = {
        "alert_id": name, "version": version, "unit_id": unit_id, "scenario": "lift-fault", "colour": "orange",
        "state": "UNACK", "subjects": [subject], "first_seen": since, "last_seen": since, "count": 1,
        "certainty": "Observed", "correlationid": name, "mode": mode, "identifier": f"{name}-{version}",
        "sender": "urban-vitals", "sent": since, "status": "Actual", "msgType": "Alert", "scope": "Restricted",
        "category": "Rescue", "event": "Lift trapped or faulty", "urgency": "Immediate", "severity": "Severe",
        "onset": since, "headline": "Lift fault in Nanjing Building", "area": "Nanjing Building", **given,
    }  # fmt: skip
    return msgspec.convert(whole, Alert)


def alerted(version: int = 1, **given: Any) -> Record:
    """Return the record of a lift's alert."""
    found = alert(version, **given)
    return record(channels.ALERTS, found, district_of(found.unit_id))


def case(version: int, step: str, by: str = "system", **given: Any) -> Order:
    """Return a case that has come to ``step``, each step a minute after the one before; ``by`` signed the check."""
    first = alert(episode=given.pop("episode", 0), unit_id=given.get("unit_id", UNIT), mode=given.get("mode", "actual"))
    name, since_ns = case_id(first.alert_id), given.pop("since_ns", T0)
    taken = STEPS[: STEPS.index(step) + 1] if step in STEPS else (*STEPS[:4], step)
    steps = [
        {
            "step": one,
            "tier": "unit",
            "time": format_time(since_ns + place * 60 * SECOND_NS),
            "by": by if one == "checked" else "system",
        }
        for place, one in enumerate(taken)
    ]
    chain = [{"kind": "alert", "id": first.alert_id, "time": format_time(since_ns), "detail": "raised"}]
    whole = {
        "case_id": name, "order_id": order_id(name, 1), "version": version, "unit_id": UNIT, "scenario": "lift-fault",
        "colour": "orange", "step": step, "tier": "unit", "attempt": 1, "opened": format_time(since_ns),
        "alert_ids": [first.alert_id], "correlationid": name, "causationid": first.alert_id, "mode": "actual",
        "team_id": "hp-own-nanjing-building", "steps": steps, "chain": chain, **given,
    }  # fmt: skip
    return msgspec.convert(whole, Order)


def ordered(version: int, step: str, by: str = "system", **given: Any) -> Record:
    """Return the record of a case."""
    found = case(version, step, by, **given)
    return record(channels.ORDERS, found, district_of(found.unit_id))


def sources(**given: Any) -> Sources:
    """Return one sensor's rise, and the place that may have caused it."""
    since, until = format_time(T0 - 1_800 * SECOND_NS), format_time(T0 + 600 * SECOND_NS)
    risen = Risen(series="voc-1/voc", unit_id=UNIT, onset=format_time(T0), level=200.0, highest=3_200.0, scales=80.0)
    scores = {"score": 0.91, "direction": 0.95, "lag": 0.9, "distance": 0.5}
    works = RankedSource(id="paint-works", name="Paint works", name_zh="喷涂工坊", seen=1, missed=0, **scores)
    whole = {
        "quantity": "voc", "medium": "air", "since": since, "until": until, "rose": (risen,), "ranked": (works,),
        "watched": 3, "wind_from_deg": 180.0, "wind_mps": 3.0, **given,
    }  # fmt: skip
    return Sources(**whole)


@dataclasses.dataclass
class Console:
    """A console without a broker: records go in by ``live``, what people say comes out in ``sent``."""

    live: Live = dataclasses.field(default_factory=lambda: Live(partial(overall, 4.0)))
    sent: list[Effect] = dataclasses.field(default_factory=list)
    is_broker_there: bool = True
    looking_fails: Exception | None = None
    sources: tuple[Sources, ...] = ()

    def __post_init__(self) -> None:
        self.hub = Hub(self.live)
        self.access = Access(TOKENS)
        self.looked: list[tuple[str, int]] = []
        self.explained: list[str] = []
        self.blocked = asyncio.Event()
        self.blocked.set()
        parts = self.live, self.hub, self.access, load_catalogue(), self.send
        self.app = console_app(*parts, look_back=self.look_back, explain=self.explain)

    async def look_back(self, unit_id: str, at_ns: int) -> Twin:
        """Return an empty twin, or fail; remember what was asked."""
        self.looked.append((unit_id, at_ns))
        await self.blocked.wait()
        if self.looking_fails is not None:
            raise self.looking_fails
        return TwinFold(unit_id, at_ns).twin(load_catalogue(), (), 900.0)

    async def explain(self, order: Order) -> CaseSources:
        """Return the sources that were laid down, or fail; remember what was asked."""
        self.explained.append(order.case_id)
        await self.blocked.wait()
        if self.looking_fails is not None:
            raise self.looking_fails
        return CaseSources(case_id=order.case_id, found=self.sources, note="no sensor raised it")

    async def send(self, effect: Effect) -> Receipt:
        """Confirm at once, as a broker would, or fail."""
        if not self.is_broker_there:
            raise NotConfirmedError("The broker has not confirmed this.")
        self.sent.append(effect)
        return Receipt(partition=effect.partition or 0, offset=len(self.sent) - 1)

    def client(self) -> Client:
        """Return a browser's worth of HTTP."""
        return TestClient(TestServer(self.app))


def bearer(role: str) -> dict[str, str]:
    """Return the header that a program sends."""
    return {"Authorization": f"Bearer {TOKENS[role]}"}
