"""Whether a thing has been put right: the sensor says so, or a named person where no sensor can.

A subject is *settled* when it has been clear for the scenario's settle time, seen with quality 0.5 or better. One that
no sensor can judge (dead, seen too badly, or known from reports alone) is settled by a named person's check that is not
older than the state that it is in. An alert that is held open though all is clear (it flaps) ends first.
"""

from __future__ import annotations

from schemas import channels
from schemas.alerts import AlertSubject
from schemas.anomalies import Evidence
from schemas.orders import Link
from schemas.times import SECOND_NS, parse_time
from streams.dispatch.case import SENSOR, Case, KnownAlert, link, take
from streams.dispatch.clocks import Terms

MIN_QUALITY = 0.5


def subjects_of(case: Case) -> dict[str, AlertSubject]:
    """Return the newest state of every subject of the case's alerts; a later episode's word goes first."""
    return {subject.subject: subject for alert in case.alerts.values() for subject in alert.subjects}


def needs_person(subject: AlertSubject) -> bool:
    """Whether no sensor can say that the subject has been put right."""
    if subject.state == "clear":
        return subject.quality < MIN_QUALITY
    if subject.state == "dead":
        return True
    return bool(subject.evidence) and all(e.topic == channels.REPORTS for e in subject.evidence)


def needs_check(case: Case) -> bool:
    """Whether the case cannot close without a named person's check."""
    return case.is_doubted or any(needs_person(subject) for subject in subjects_of(case).values())


def is_waived(case: Case, subject: AlertSubject) -> bool:
    """Whether a named person has checked what no sensor can judge."""
    return needs_person(subject) and case.checked_ns is not None and case.checked_ns >= parse_time(subject.since)


def is_back(case: Case) -> bool:
    """Whether a subject is active that no check has settled."""
    return any(s.state == "active" and not is_waived(case, s) for s in subjects_of(case).values())


def settle_at(case: Case, settle_ns: int) -> int | None:
    """Return when the case is verified if nothing changes; ``None`` while something stands against it."""
    subjects = subjects_of(case).values()
    if not subjects or (case.is_doubted and case.checked_ns is None) or any(map(_will_end, case.alerts.values())):
        return None
    at = case.checked_ns or 0 if case.is_doubted else 0
    for subject in subjects:
        if subject.state == "clear" and not needs_person(subject):
            at = max(at, parse_time(subject.since) + settle_ns)
        elif is_waived(case, subject) and case.checked_ns is not None:
            at = max(at, case.checked_ns)
        else:
            return None
    return at


def _will_end(alert: KnownAlert) -> bool:
    """Whether an alert whose subjects are all clear is not on its way out yet, but will be, by its own clocks."""
    is_clear = all(s.state == "clear" and not needs_person(s) for s in alert.subjects)
    return is_clear and alert.state not in ("RTNUN", "NORM")


def close(case: Case, now_ns: int, terms: Terms) -> None:
    """Close a settled case from any step; what verified it enters the chain first."""
    for item in verifying(case):
        link(case, item)
    if case.step != "checked":
        take(case, "checked", now_ns, terms, by=SENSOR, note=_seen(case, now_ns))
    take(case, "closed", now_ns, terms, note=_why(case))
    case.closed_ns = now_ns


def verifying(case: Case) -> list[Link]:
    """Return the links of what shows that the subjects are clear; a check by name has its own link already."""
    links: list[Link] = []
    for subject in subjects_of(case).values():
        if subject.state != "clear":
            continue
        links += [verifying_reading(subject.subject, e) for e in subject.evidence]
        if not subject.evidence:
            detail = f"{subject.subject} clear since"
            links.append(Link(kind="verification", id=subject.anomaly_id, time=subject.since, detail=detail))
    return links


def verifying_reading(subject: str, evidence: Evidence) -> Link:
    """Return the link of one reading that shows a subject clear."""
    value = "" if evidence.value is None else f" = {evidence.value:g}"
    detail = f"{subject} clear: {evidence.name}{value}"
    return Link(kind="verification", id=evidence_id(evidence), time=evidence.time, detail=detail)


def evidence_id(evidence: Evidence) -> str:
    """Return where a reading lies in the log, and its name."""
    return f"{evidence.topic}/{evidence.partition}/{evidence.offset} {evidence.name}"


def _seen(case: Case, now_ns: int) -> str:
    clear = [s for s in subjects_of(case).values() if s.state == "clear"]
    if not clear:
        return "by a named person's check"
    seconds = (now_ns - max(parse_time(s.since) for s in clear)) / SECOND_NS
    worst = min(s.quality for s in clear)
    return f"{len(clear)} of {len(subjects_of(case))} subjects clear for {seconds:g} s, quality {worst:g} or better"


def _why(case: Case) -> str:
    people = case.checked_ns is not None and needs_check(case)
    return "verified by a named person's check" if people else "verified by its sensors"
