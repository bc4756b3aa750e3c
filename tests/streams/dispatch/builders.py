"""Records as alert, teams and the ticker write them, and a small district, on a time line that begins at ``T0``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from schemas import channels, ids
from schemas.alerts import Alert, AlertSubject
from schemas.anomalies import Evidence
from schemas.catalogue import Catalogue
from schemas.envelope import gateway_urn, tick_headers, write_envelope
from schemas.feedback import Feedback
from schemas.orders import Order
from schemas.registry import Team, Unit, UnitKind
from schemas.times import SECOND_NS, format_time, parse_time
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS, encode_watermark
from streams.dispatch.partition import DispatchPartition
from streams.pace import Pace

T0 = 1_767_225_600 * SECOND_NS  # 2026-01-01 08:00 in Shanghai
NUMBER = 2  # of the partition
DISORDER_NS = 2 * SECOND_NS
FAR = 10_000_000.0
HOUSE = "hp.nanjing-east.g03.nanjing-building"
SHOP = "hp.nanjing-east.g04.shops"
COMPOUND = "hp.bund.g01.chunjiang"
ACCEPT_S = {"lift-fault": 300.0, "gas-leak": 180.0, "crowd-surge": 180.0}  # not the shipped ones, which may change


def _catalogue() -> Catalogue:
    shipped = load_catalogue()
    scenarios = {
        name: one.model_copy(update={"clocks": one.clocks.model_copy(update={"accept_s": ACCEPT_S[name]})})
        for name, one in shipped.scenarios.items()
        if name in ACCEPT_S
    }
    return shipped.model_copy(update={"scenarios": scenarios})


CATALOGUE = _catalogue()
HOMES: tuple[tuple[str, UnitKind, float, str | None], ...] = (
    (HOUSE, "building", 31.235, "own-house"),
    (SHOP, "shops", 31.236, None),
    (COMPOUND, "compound", 31.240, "own-compound"),
)
UNITS = {
    unit_id: Unit(unit_id=unit_id, kind=kind, name_zh="楼", name_en="x", lat=lat, lon=121.48, responsible=own)
    for unit_id, kind, lat, own in HOMES
}


def team(team_id: str, *skills: str, tier: str = "grid", home: str = HOUSE, **given: Any) -> Team:
    """Return a team at its home unit."""
    whole = {"team_id": team_id, "skills": skills or ("lift",), "tier": tier, "home_unit": home, **given}
    return msgspec.convert(whole, Team, strict=False)


def by_id(*teams: Team) -> dict[str, Team]:
    """Return teams as the registry holds them."""
    return {one.team_id: one for one in teams}


def partition(teams: Mapping[str, Team] | None = None, **given: Any) -> DispatchPartition:
    """Return an empty partition over the small district."""
    whole = {"catalogue": CATALOGUE, "pace": Pace(), "units": UNITS, **given}
    return DispatchPartition(partition=NUMBER, disorder_ns=DISORDER_NS, teams={} if teams is None else teams, **whole)


def at(seconds: float) -> int:
    """Return the event time ``seconds`` after ``T0``, in ns."""
    return T0 + round(seconds * SECOND_NS)


def when(seconds: float) -> str:
    """Return the same as text."""
    return format_time(at(seconds))


def evidence(seconds: float, name: str = "lift-1/lift_fault", topic: str = channels.READINGS) -> Evidence:
    """Return where a reading of that second lies."""
    return Evidence(topic=topic, partition=1, offset=round(seconds), name=name, time=when(seconds), value=1.0)


def subject(
    seconds: float, state: str = "active", name: str = "lift-1", quality: float = 0.9, topic: str = channels.READINGS
) -> AlertSubject:
    """Return a subject that took its state at ``seconds``."""
    whole = {
        "subject": name,
        "state": state,
        "since": when(seconds),
        "quality": quality,
        "anomaly_id": f"an-{name}",
        "evidence": (evidence(seconds, f"{name}/lift_fault", topic),),
    }
    return msgspec.convert(whole, AlertSubject)


def alert(seconds: float, version: int = 2, *subjects: AlertSubject, name: str = "al-1", **given: Any) -> Alert:
    """Return one settled version of an alert; without subjects, one that is active since then."""
    whole = {
        "alert_id": name,
        "version": version,
        "unit_id": HOUSE,
        "scenario": "lift-fault",
        "colour": "yellow",
        "state": "UNACK",
        "subjects": subjects or (subject(seconds),),
        "first_seen": when(seconds),
        "last_seen": when(seconds),
        "count": 1,
        "certainty": "Observed",
        "correlationid": "an-lift-1",
        "mode": "actual",
        "identifier": f"{name}-{version}",
        "sender": "urban-vitals",
        "sent": when(seconds),
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Restricted",
        "category": "Rescue",
        "event": "Lift trapped or faulty",
        "urgency": "Immediate",
        "severity": "Severe",
        "onset": when(seconds),
        "headline": "Lift faulty",
        "area": HOUSE,
        **given,
    }
    return msgspec.convert(msgspec.to_builtins(whole), Alert)


def cleared(seconds: float, version: int, *, name: str = "al-1", quality: float = 0.9, **given: Any) -> Alert:
    """Return a version in which the alert's one subject is clear."""
    given = {"state": "RTNUN", **given}
    return alert(seconds, version, subject(seconds, "clear", quality=quality), name=name, **given)


def case_id(name: str = "al-1") -> str:
    """Return the case that an alert opens."""
    return ids.case_id(name)


def word(seconds: float, action: str, *, attempt: int = 1, name: str = "al-1", **given: Any) -> Feedback:
    """Return what somebody says of an order."""
    whole = {
        "order_id": f"{case_id(name)}-{attempt}",
        "unit_id": HOUSE,
        "action": action,
        "time": when(seconds),
        "by": "wang",
        **given,
    }
    return msgspec.convert(whole, Feedback)


def said(feedback: Feedback, offset: int = 0, **given: Any) -> Record:
    """Return the record of feedback; it came when it was said, unless given otherwise."""
    now = parse_time(feedback.time)
    name = given.pop("ce_id", f"fb-{offset}")
    headers = write_envelope(id=name, source=gateway_urn("teams"), type="city.vitals.feedback.v1", time_ns=now)
    whole = {"append_ns": now, "key": b"hp", "value": msgspec.json.encode(feedback), "headers": dict(headers), **given}
    return Record(topic=channels.FEEDBACK, partition=NUMBER, offset=offset, **whole)


def told(event: Alert, offset: int = 0, headers: Mapping[str, bytes] | None = None) -> Record:
    """Return the record of an alert."""
    value = msgspec.json.encode(event)
    return Record(
        topic=channels.ALERTS,
        partition=NUMBER,
        offset=offset,
        append_ns=at(FAR),
        key=b"hp",
        value=value,
        headers=headers or {},
    )


def mark(seconds: float, offset: int = 0, source: int = NUMBER) -> Record:
    """Return the alert stage's watermark in band."""
    return Record(
        topic=channels.ALERTS,
        partition=NUMBER,
        offset=offset,
        append_ns=at(seconds),
        key=None,
        value=encode_watermark(source, at(seconds)),
        headers=dict(WATERMARK_HEADERS),
    )


def tick(seconds: float, offset: int = 0) -> Record:
    """Return a tick after which the feedback's watermark is at ``seconds``."""
    now = at(seconds) + DISORDER_NS
    return Record(
        topic=channels.FEEDBACK,
        partition=NUMBER,
        offset=offset,
        append_ns=now,
        key=None,
        value=b"",
        headers=dict(tick_headers(now)),
    )


def until(seconds: float) -> list[Record]:
    """Return what moves the watermark to ``seconds``."""
    return [mark(seconds), tick(seconds)]


def play(state: DispatchPartition, *events: Alert | Feedback | float) -> list[Effect]:
    """Fold events as they come; a number moves the watermark to that second."""
    effects: list[Effect] = []
    for offset, event in enumerate(events):
        if isinstance(event, Alert):
            effects += state.fold([told(event, offset)])
        elif isinstance(event, Feedback):
            effects += state.fold([said(event, offset, ce_id=f"{event.order_id}-{event.action}-{event.time}")])
        else:
            effects += state.fold(until(event))
    return effects


def orders(effects: Iterable[Effect]) -> list[Order]:
    """Return the orders among effects."""
    return [msgspec.json.decode(e.value, type=Order) for e in effects if e.topic == channels.ORDERS]


def newest(effects: Iterable[Effect], name: str = "al-1") -> Order:
    """Return the last word on a case."""
    return [order for order in orders(effects) if order.case_id == case_id(name)][-1]


def path(order: Order) -> list[str]:
    """Return the steps of a case with their tiers."""
    return [f"{entry.step} {entry.tier}" for entry in order.steps]


def letters(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    """Return reason and detail of the dead letters among effects."""
    found: list[tuple[str, str]] = []
    for effect in effects:
        if effect.topic == channels.DEAD_LETTERS:
            headers = dict(effect.headers)
            found.append((headers["dl_reason"].decode(), headers["dl_detail"].decode()))
    return found


def batches(records: Sequence[Record], sizes: Iterable[int]) -> Iterable[Sequence[Record]]:
    """Cut records into batches of the sizes given, over and over."""
    start, turns = 0, list(sizes)
    turn = 0
    while start < len(records):
        size = turns[turn % len(turns)]
        yield records[start : start + size]
        start, turn = start + size, turn + 1
