"""What an alert's life says to its readers: the event of ``vitals.alerts``, in words that people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.alerts import Alert, AlertSubject
from schemas.catalogue import Scenario
from schemas.ids import COLOURS, Colour, district_of
from schemas.registry import Unit
from schemas.rules import Name
from schemas.times import SECOND_NS, format_time
from streams.alert import cap
from streams.alert.lifecycle import AlertLife
from streams.alert.subjects import AlertedSubject

EXPIRES_NS = 24 * 3_600 * SECOND_NS  # after the last sign; an alert that goes on is said anew with each change
# A record stays far below 1 MiB, whatever a unit's 2,000 devices do: the worst subjects, and so much evidence in all.
SHOWN_SUBJECTS = 256
SHOWN_EVIDENCE = 1_024
Ranked = tuple[str, AlertedSubject]
COLOUR_ZH: dict[Colour, str] = {"green": "绿色", "blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}


@dataclass(frozen=True, slots=True)
class Wording:
    """The names that an alert is told with: its scenario's and its unit's (the id where the registry has none)."""

    scenario: Scenario
    unit: Name

    @classmethod
    def of(cls, scenario: Scenario, unit_id: str, unit: Unit | None) -> Wording:
        """Return the names for an alert."""
        name = Name(zh=unit_id, en=unit_id) if unit is None else Name(zh=unit.name_zh, en=unit.name_en)
        return cls(scenario, name)


def tell(life: AlertLife, at: int, wording: Wording) -> Alert:
    """Return the next settled version of an alert, changed at ``at``, and count it in ``life``."""
    previous = None if life.sent_ns is None else (life.version, life.sent_ns)
    life.told(at)
    return _alert(life, life.version, at, wording, previous)


def tell_provisionally(life: AlertLife, at: int, wording: Wording) -> Alert:
    """Return version 1: what was said at arrival, before the log's order is known."""
    return _alert(life, 1, at, wording, None)


def identifier(alert_id: str, version: int) -> str:
    """Return the CAP identifier of one version."""
    return f"{alert_id}-{version}"


def sender(unit_id: str) -> str:
    """Return the CAP sender of a unit's alerts."""
    return f"urban-vitals.{district_of(unit_id)}"


def _alert(life: AlertLife, version: int, at: int, wording: Wording, previous: tuple[int, int] | None) -> Alert:
    key, scenario, colour = life.key, wording.scenario, COLOURS[life.level]
    alert_id = key.alert_id(life.episode)
    is_over, ranked = life.state == "NORM", _ranked(life.subjects)
    return Alert(
        alert_id=alert_id,
        version=version,
        unit_id=key.unit_id,
        scenario=key.scenario,
        colour=colour,
        state=life.state,
        subjects=tuple(_shown(ranked)),
        first_seen=format_time(life.first_ns),
        last_seen=format_time(life.last_ns),
        count=life.count,
        certainty=life.certainty,
        acknowledged_by=life.acknowledged_by,
        correlationid=alert_id,
        causes=tuple(life.causes),
        mode=key.mode,
        identifier=identifier(alert_id, version),
        sender=sender(key.unit_id),
        sent=format_time(at),
        status=cap.STATUS[key.mode],
        msgType=cap.message_type(is_first=previous is None, is_over=is_over),
        scope=cap.SCOPE,
        references="" if previous is None else _reference(key.unit_id, alert_id, previous),
        category=scenario.cap_category,
        event=scenario.name.en,
        urgency=cap.urgency_of(colour, life.certainty, is_active=life.is_active, is_overdue=life.is_overdue),
        severity=cap.SEVERITY[colour],
        onset=format_time(life.onset_ns),
        expires=format_time(at if is_over else life.last_ns + EXPIRES_NS),
        headline=_headline(colour, wording),
        description=" ".join(filter(None, (_description(ranked, scenario), _flapping(life, at)))),
        area=wording.unit.en if wording.unit.en == wording.unit.zh else f"{wording.unit.en} ({wording.unit.zh})",
    )


def _reference(unit_id: str, alert_id: str, previous: tuple[int, int]) -> str:
    version, sent_ns = previous
    return f"{sender(unit_id)},{identifier(alert_id, version)},{format_time(sent_ns)}"


def _headline(colour: Colour, wording: Wording) -> str:
    scenario, unit = wording.scenario.name, wording.unit
    return f"{colour.capitalize()}: {scenario.en}, {unit.en} / {COLOUR_ZH[colour]}：{unit.zh} {scenario.zh}"


def _description(ranked: Sequence[Ranked], scenario: Scenario) -> str:
    """Say how many subjects are wrong, and what the worst of them shows."""
    active = sum(subject.is_active for _, subject in ranked)
    said = [f"{active} of {len(ranked)} subjects active."]
    name, subject = ranked[0]
    if (sign := subject.worst()) is not None:
        what = sign.quantity or sign.kind
        value = "" if sign.value is None else f" at {sign.value:g}"
        usual = "" if sign.expected is None else f", expected {sign.expected:g}"
        said.append(f"Worst: {name}, {what}{value}{usual}.")
    return " ".join([*said, scenario.instruction] if active else said).strip()


def _flapping(life: AlertLife, at: int) -> str:
    if life.is_over or at >= life.held_until_ns:
        return ""
    until = format_time(life.held_until_ns)
    return (
        f"Flapping: it comes back again and again and stays open until it has been quiet, at least until {until}. / "
        f"反复告警：时好时坏，持续平稳后方可结束，最早 {until}。"
    )


def _ranked(subjects: dict[str, AlertedSubject]) -> list[Ranked]:
    """Return subjects, worst first, then by name."""
    return sorted(subjects.items(), key=lambda item: (-item[1].level, item[0]))


def _shown(ranked: Sequence[Ranked]) -> Iterator[AlertSubject]:
    shown = ranked[:SHOWN_SUBJECTS]
    each = max(SHOWN_EVIDENCE // len(shown), 1)
    for name, subject in shown:
        yield AlertSubject(
            subject=name,
            state=subject.state,
            since=format_time(subject.since_ns),
            quality=subject.quality,
            anomaly_id=subject.anomaly_id,
            evidence=subject.evidence[:each],
        )
