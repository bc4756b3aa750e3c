"""What an alert says to its case: it opens one, joins one, raises its colour, or brings it back."""

from __future__ import annotations

from schemas import channels, ids
from schemas.alerts import Alert, AlertState, AlertSubject
from schemas.ids import COLOURS
from schemas.orders import Link
from schemas.times import SECOND_NS
from streams.dispatch.case import MAX_IDS, SYSTEM, UNANSWERED, Case, KnownAlert, begin, keep, link, raise_tier, take
from streams.dispatch.clocks import RED_TIER, Terms, is_below, start_tier
from streams.dispatch.verification import evidence_id, is_back

REOPEN_WINDOW_S = 86_400  # a thing that comes back within a day was not put right
CALLS: frozenset[AlertState] = frozenset({"UNACK", "ACKED"})  # states that want somebody to go
SURE = frozenset({"Observed", "Likely"})


def group_of(alert: Alert, terms: Terms) -> str:
    """Return the subject group of an alert: its unit, or its one subject."""
    return alert.unit_id if terms.by_unit or not alert.subjects else alert.subjects[0].subject


def key_of(alert: Alert, terms: Terms) -> tuple[str, str, str, str]:
    """Return what the episodes of one thing share; see ``Case.key``."""
    return alert.mode, alert.scenario, alert.unit_id, group_of(alert, terms)


def open_case(alert: Alert, terms: Terms, now_ns: int) -> Case:
    """Register, verify and file a new case; who goes is decided after."""
    case = Case(
        case_id=ids.case_id(alert.alert_id),
        unit_id=alert.unit_id,
        scenario=alert.scenario,
        mode=alert.mode,
        group=group_of(alert, terms),
        colour=alert.colour,
        step="registered",
        tier=start_tier(alert.colour),
        opened_ns=now_ns,
        correlationid=alert.correlationid,
        causationid=cause_of(alert),
    )
    remember(case, alert)
    begin(case, now_ns, terms, f"alert {alert.alert_id}: {alert.headline or alert.event}"[:300])
    take(case, "verified", now_ns, terms, note=certainty_note(alert))
    take(case, "filed", now_ns, terms, note=plan_note(terms) if alert.colour == "red" else "")
    return case


def cause_of(alert: Alert) -> str:
    """Return the causation id of what one version of an alert brings about."""
    return f"{alert.alert_id}:{alert.version}"


def certainty_note(alert: Alert) -> str:
    """Return how sure the alert is, and what that asks of the team."""
    word = alert.certainty.lower()
    return word if alert.certainty in SURE else f"{word}: look before you act, and say what you find"


def plan_note(terms: Terms) -> str:
    """Return the emergency plan that red opens."""
    return f"emergency plan: {terms.plan}" if terms.plan else "red: the district takes it; no plan is named"


def follow(case: Case, alert: Alert, terms: Terms, now_ns: int) -> bool:
    """Take a newer version of a case's alert, or a new episode of the same thing; whether readers must see it."""
    is_new = alert.alert_id not in case.alerts
    changed = remember(case, alert)
    if case.is_open:
        changed = _recolour(case, terms, now_ns) or changed
        return _set_aside(case, terms, now_ns) or changed
    if alert.state in CALLS and (is_new or is_back(case)):
        case.colour = _worst(case)
        what = "a new episode" if is_new else "a subject is active again"
        reopen(case, terms, now_ns, by=SYSTEM, note=f"{what}: alert {alert.alert_id}")
        return True
    return False


def reopen(case: Case, terms: Terms, now_ns: int, *, by: str, note: str) -> None:
    """Begin an ended case anew, linked: same case, next attempt, the tier of its colour."""
    case.tier = start_tier(case.colour)
    case.excluded, case.tried = [], []
    case.closed_ns = case.checked_ns = None
    case.is_doubted = by != SYSTEM
    case.team_id = None
    take(case, "reopened", now_ns, terms, by=by, note=note)


def remember(case: Case, alert: Alert) -> bool:
    """Keep the alert's newest version; whether it brought an alert or an anomaly that the chain does not have."""
    before = case.alerts.get(alert.alert_id)
    known = {s.anomaly_id for s in before.subjects} if before is not None else set()
    known |= {item.id for item in case.chain if item.kind == "anomaly"}
    fresh = [s for s in alert.subjects if s.state != "clear" and s.anomaly_id not in known]
    reported = _link_reports(case, alert)
    for subject in fresh:
        _link_anomaly(case, subject)
    if before is None:
        keep(case.alert_ids, alert.alert_id, MAX_IDS)
        _link_alert(case, alert)
    case.alerts[alert.alert_id] = KnownAlert(
        version=alert.version, state=alert.state, colour=alert.colour, subjects=alert.subjects
    )
    _prune(case, alert.alert_id)
    return before is None or bool(fresh) or reported


def _link_anomaly(case: Case, subject: AlertSubject) -> None:
    for evidence in subject.evidence:
        value = "" if evidence.value is None else f" = {evidence.value:g}"
        if evidence.topic != channels.REPORTS:
            detail = f"{evidence.name}{value}"
            link(case, Link(kind="reading", id=evidence_id(evidence), time=evidence.time, detail=detail))
    detail = f"{subject.subject} {subject.state}, quality {subject.quality:g}"
    link(case, Link(kind="anomaly", id=subject.anomaly_id, time=subject.since, detail=detail))


def _link_reports(case: Case, alert: Alert) -> bool:
    """Take the reports that an alert now holds; whether one of them is new to the case."""
    found = [e for s in alert.subjects for e in s.evidence if e.topic == channels.REPORTS]
    fresh = {evidence.name: evidence for evidence in found if evidence.name not in case.report_ids}
    for name, evidence in fresh.items():
        keep(case.report_ids, name, MAX_IDS)
        link(case, Link(kind="reading", id=evidence_id(evidence), time=evidence.time, detail=f"report {name}"))
    return bool(fresh)


def _link_alert(case: Case, alert: Alert) -> None:
    detail = f"{alert.colour}, {alert.certainty.lower()}: {alert.headline or alert.event}"[:300]
    link(case, Link(kind="alert", id=alert.alert_id, time=alert.sent, detail=detail))


def _prune(case: Case, newest: str) -> None:
    if len(case.alerts) > MAX_IDS:
        over = next((a for a, known in case.alerts.items() if known.state == "NORM" and a != newest), None)
        if over is not None:
            del case.alerts[over]


def _worst(case: Case) -> ids.Colour:
    live = [known.colour for known in case.alerts.values() if known.state != "NORM" and known.colour != "green"]
    return max(live, key=COLOURS.index) if live else case.colour


def _recolour(case: Case, terms: Terms, now_ns: int) -> bool:
    colour = _worst(case)
    if colour == case.colour:
        return False
    case.colour = colour
    if colour == "red" and is_below(case.tier, RED_TIER):
        raise_tier(case, RED_TIER, now_ns, terms, plan_note(terms))
    return True


def _set_aside(case: Case, terms: Terms, now_ns: int) -> bool:
    """End a case that nobody has accepted, when all that calls for it is inhibited or out of service."""
    states = {known.state for known in case.alerts.values()} - {"NORM"}
    if case.step not in UNANSWERED or not states or not states <= {"DSUPR", "OOSRV"}:
        return False
    inhibited = "DSUPR" in states
    note = "inhibited by the alert of its cause" if inhibited else "out of service: maintenance"
    take(case, "merged" if inhibited else "rejected", now_ns, terms, note=note)
    case.closed_ns = now_ns
    return True


def forget_at(case: Case, now_ns: int) -> int | None:
    """Return when an ended case may leave the state; ``None`` while one of its alerts lives on."""
    if case.closed_ns is None or any(known.state != "NORM" for known in case.alerts.values()):
        return None
    return max(case.closed_ns + REOPEN_WINDOW_S * SECOND_NS, now_ns)
