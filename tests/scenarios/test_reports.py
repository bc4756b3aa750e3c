"""What people report goes the same way: an alert, a case, a team; and a named person's check ends it, nothing else."""

from __future__ import annotations

import msgspec

from schemas import channels
from schemas.envelope import gateway_urn, write_envelope
from schemas.feedback import Feedback
from schemas.times import SECOND_NS, format_time
from simulators.outgoing import Outgoing
from simulators.teams import feedback_record
from tests.scenarios.closed_loop import ClosedLoop, Seen

UNIT = "hp.huaihai-middle.g04.yuyangli"
START_S = 1_767_225_600


def _report(ident: str, second: int, category: str, source: str = "hp-gw-citizens") -> Outgoing:
    said = {"report_id": ident, "unit_id": UNIT, "category": category, "time": format_time(second * SECOND_NS)}
    headers = write_envelope(
        id=f"{ident}-{second}",
        source=gateway_urn(source),
        type=channels.EVENT_TYPES[channels.REPORTS],
        time_ns=second * SECOND_NS,
        mode="exercise",
    )
    return Outgoing(
        topic=channels.REPORTS,
        key=UNIT.encode(),
        value=msgspec.json.encode(said),
        headers=headers,
        rows=1,
        time_ns=second * SECOND_NS,
    )


def _check(seen: Seen, second: int, by: str) -> Outgoing:
    (case,) = seen.cases.values()
    assert case.order_id is not None
    word = Feedback(
        order_id=case.order_id, unit_id=UNIT, action="check", time=format_time(second * SECOND_NS), by=by, note="gone"
    )
    return feedback_record(word, second * SECOND_NS)


def test_two_reports_of_one_thing_are_one_case_that_a_named_person_ends() -> None:
    loop = ClosedLoop([], start_s=START_S)
    loop.run(5)
    loop.publish([_report("rep-1", START_S + 5, "other")])
    loop.run(3)
    loop.publish([_report("rep-2", START_S + 8, "other"), _report("rep-1", START_S + 8, "other")])
    seen = loop.run(120)
    (case,) = seen.cases.values()
    assert (case.scenario, case.step, set(case.report_ids)) == ("other", "handled", {"rep-1", "rep-2"})
    loop.publish([_check(seen, START_S + 128, "inspector-li")])
    (case,) = loop.run(20).cases.values()
    assert case.step == "closed"
    assert [(entry.step, entry.by) for entry in case.steps][-2:] == [("checked", "inspector-li"), ("closed", "system")]


def test_a_team_or_a_system_is_no_named_person() -> None:
    loop = ClosedLoop([], start_s=START_S)
    loop.run(5)
    loop.publish([_report("rep-1", START_S + 5, "other")])
    seen = loop.run(120)
    loop.publish([_check(seen, START_S + 125, "system")])
    seen = loop.run(20)
    (case,) = seen.cases.values()
    assert case.step == "handled"
    assert [headers["dl_reason"] for headers in seen.dead] == [b"bad_feedback"]


def test_a_warning_of_the_weather_service_weighs_more_than_a_citizen_s_word() -> None:
    loop = ClosedLoop([], start_s=START_S)
    loop.run(5)
    loop.publish([_report("rep-1", START_S + 5, "severe-weather")])
    (alert,) = loop.run(10).alerts.values()
    assert (alert.colour, alert.certainty) == ("blue", "Possible")
    loop.publish([_report("warning-7", START_S + 15, "severe-weather", source="hp-gw-weather")])
    (alert,) = loop.run(10).alerts.values()
    assert alert.colour == "yellow"
