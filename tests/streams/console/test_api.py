"""The routes: what is shown, and what people say."""

import asyncio
from typing import Any

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError
from yarl import URL

from schemas import channels
from schemas.actions import Action
from schemas.envelope import read_envelope
from schemas.feedback import Feedback
from schemas.times import HOUR_NS, parse_time
from streams.settings import SettingsError
from streams.topics import partition_for, partitions_of
from streams.twin.around import OutOfLogError
from tests.streams.console.builders import (
    T0,
    UNIT,
    Client,
    Console,
    alert,
    alerted,
    bearer,
    case,
    falling,
    indicator,
    ordered,
    scores,
    sources,
    unit,
)

ALERT = alert().alert_id
ORDER = case(4, "dispatched").order_id
POLLUTED = f"/api/cases/{case(1, 'filed').case_id}/sources"
OLD = "2026-01-01T00:00:00Z"
PARTITION = partition_for(b"hp", partitions_of(channels.ACTIONS))


def console() -> Console:
    made = Console()
    made.live.fold(
        [unit(), scores(safety=75.0), indicator("overall", 88.0, "hp"), alerted(2), ordered(4, "dispatched")]
    )
    made.live.fold([alerted(3, episode=1, state="NORM"), ordered(9, "closed", by="sensor", episode=1)])
    made.live.set_caught_up()
    return made


def polluted() -> Console:
    made = console()
    made.live.fold([ordered(10, "handling", scenario="pollution-source")])
    return made


async def get(client: Client, path: str, status: int = 200) -> Any:
    response = await client.get(path, headers=bearer("viewer"))
    assert response.status == status
    return await response.json()


async def post(client: Client, path: str, body: object, status: int) -> Any:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    response = await client.post(path, data=data, headers=bearer("operator"))
    assert response.status == status
    assert response.content_type == ("application/json" if status == 202 else "application/problem+json")
    return await response.json()


async def test_units_with_their_scores() -> None:
    async with console().client() as client:
        (tile,) = (await get(client, "/api/units"))["units"]
        assert (tile["unit_id"], tile["score"], tile["colour"]) == (UNIT, 75.0, "blue")
        assert (await get(client, "/api/units?mode=test"))["units"] == []


async def test_a_unit_with_what_is_open_in_it() -> None:
    async with console().client() as client:
        found = await get(client, f"/api/units/{UNIT}")
        assert found["place"]["name_en"] == "Nanjing Building"
        assert [one["alert_id"] for one in found["alerts"]] == [ALERT]
        assert [one["step"] for one in found["cases"]] == ["dispatched"]


@pytest.mark.parametrize(
    ("query", "count"), [("", 1), ("?state=open", 1), ("?state=all", 2), ("?state=all&mode=test", 0)]
)
@pytest.mark.parametrize("kind", ["alerts", "cases"])
async def test_open_alerts_and_cases_or_all_of_them(kind: str, query: str, count: int) -> None:
    async with console().client() as client:
        assert len((await get(client, f"/api/{kind}{query}"))[kind]) == count


async def test_a_case_and_an_alert_in_full() -> None:
    async with console().client() as client:
        found = await get(client, f"/api/cases/{case(1, 'filed').case_id}")
        assert found["chain"][0]["kind"] == "alert"
        assert (await get(client, f"/api/alerts/{ALERT}"))["subjects"][0]["state"] == "active"


async def test_the_summary_counts() -> None:
    async with console().client() as client:
        found = await get(client, "/api/summary")
        assert found["open_alerts"] == {"orange": 1}
        assert found["open_cases"] == {"dispatched": 1}
        assert (found["closed_cases"], found["units"], found["mode"]) == (1, 1, "actual")
        assert found["districts"][0]["overall"] == found["score"] == 88.0
        assert (found["alerts"], found["cases"]) == (1, 1)
        assert found["lag_s"] > 0


async def test_scores_say_where_they_are_going() -> None:
    made = console()
    made.live.fold([*falling(UNIT, end_ns=T0 + HOUR_NS), *falling("hp", end_ns=T0 + HOUR_NS)])
    async with made.client() as client:
        found = await get(client, "/api/summary")
        assert (found["score"], found["trend"], found["districts"][0]["trend"]) == (71.0, "down", "down")
        (tile,) = (await get(client, "/api/units"))["units"]
        assert (tile["trend"], tile["change"], tile["change_s"]) == ("down", -15.0, 900.0)
        unit_view = await get(client, f"/api/units/{UNIT}")
        assert unit_view["trends"]["safety"] == {"direction": "down", "change": -15.0, "seconds": 900.0}
        assert (unit_view["hour"]["scores"][-2:], unit_view["hour"]["step_s"]) == ([72.0, 71.0], 60.0)


async def test_a_score_of_one_minute_has_no_trend() -> None:
    async with console().client() as client:
        assert (await get(client, "/api/summary"))["trend"] is None
        assert (await get(client, "/api/units"))["units"][0]["trend"] is None
        assert (await get(client, f"/api/units/{UNIT}"))["trends"] == {}


async def test_the_catalogue_names_scenarios_in_both_languages() -> None:
    async with console().client() as client:
        found = await get(client, "/api/catalogue")
        assert found["scenarios"]["lift-fault"]["name"]["zh"].startswith("电梯")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/units/hp.nowhere", 404),
        ("/api/alerts/none", 404),
        ("/api/cases/none", 404),
        ("/api/units/hp.nowhere?at=2026-01-01T00:00:00Z", 404),
        (f"/api/units/{UNIT}?at=yesterday", 400),
        (f"/api/units/{UNIT}?at=2099-01-01T00:00:00Z", 400),
        ("/api/units?mode=real", 400),
        ("/api/alerts?state=some", 400),
        ("/api/nothing", 404),
        ("/api/actions", 405),
        ("/static/index.html", 404),
        ("/static/%2e%2e%2fapi.py", 404),
    ],
)
async def test_errors_are_problems_with_a_sentence(path: str, status: int) -> None:
    async with console().client() as client:
        found = await get(client, path, status)
        assert found["status"] == status
        assert found["detail"]


async def test_an_acknowledgement_goes_to_its_districts_partition_with_an_envelope() -> None:
    made = console()
    async with made.client() as client:
        answer = await post(client, "/api/actions", {"action": "acknowledge", "alert_id": ALERT, "by": "Wang Wei"}, 202)
    (effect,) = made.sent
    action = msgspec.json.decode(effect.value, type=Action)
    assert (effect.topic, effect.key, effect.partition) == (channels.ACTIONS, b"hp", PARTITION)
    assert (action.action, action.alert_id, action.district, action.by) == ("acknowledge", ALERT, "hp", "Wang Wei")
    envelope = read_envelope(dict(effect.headers))
    assert (envelope.id, envelope.source) == (answer["id"], "urn:vitals:gateway:console")
    assert envelope.type == channels.EVENT_TYPES[channels.ACTIONS]
    assert answer["partition"] == PARTITION


async def test_who_does_not_sign_is_named_by_the_role() -> None:
    made = console()
    async with made.client() as client:
        await post(client, "/api/actions", {"action": "acknowledge", "alert_id": ALERT}, 202)
    assert msgspec.json.decode(made.sent[0].value, type=Action).by == "operator"


async def test_a_silence_by_matcher_needs_no_alert() -> None:
    made = console()
    body = {
        "action": "silence", "district": "hp", "matcher": {"scenario": "lift-fault"}, "reason": "works",
        "until": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    async with made.client() as client:
        await post(client, "/api/actions", body, 202)
    assert len(made.sent) == 1


async def test_feedback_takes_its_unit_from_the_order_and_its_mode_from_the_case() -> None:
    made = Console()
    made.live.fold([ordered(4, "dispatched", mode="exercise")])
    order = case(4, "dispatched", mode="exercise").order_id
    async with made.client() as client:
        await post(client, "/api/feedback", {"order_id": order, "action": "accept"}, 202)
    (effect,) = made.sent
    feedback = msgspec.json.decode(effect.value, type=Feedback)
    assert (feedback.unit_id, feedback.action, effect.topic) == (UNIT, "accept", channels.FEEDBACK)
    assert read_envelope(dict(effect.headers)).mode == "exercise"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/actions", b"", 400),
        ("/api/actions", b"[1]", 400),
        ("/api/actions", b"\xff{", 400),
        ("/api/actions", {"action": "acknowledge"}, 422),
        ("/api/actions", {"action": "acknowledge", "district": "hp"}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": "none"}, 404),
        ("/api/actions", {"action": "acknowledge", "alert_id": 7}, 404),
        ("/api/actions", {"action": "dance", "alert_id": ALERT}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "district": "xh"}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "extra": 1}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "matcher": {"scenario": "x"}}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "by": "x" * 65}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "by": ["sensor"]}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "time": "2099-01-01T00:00:00Z"}, 422),
        ("/api/actions", {"action": "acknowledge", "alert_id": ALERT, "time": "yesterday"}, 422),
        ("/api/actions", {"action": "shelve", "alert_id": ALERT, "until": "1999-01-01T00:00:00Z"}, 422),
        ("/api/actions", {"action": "silence", "district": "hp", "matcher": {}}, 422),
        ("/api/feedback", {"order_id": ORDER, "action": "dance"}, 422),
        ("/api/feedback", {"order_id": "none-1", "action": "accept"}, 404),
        ("/api/feedback", {"order_id": ORDER, "action": "accept", "unit_id": "hp.bund.g01.other"}, 422),
        ("/api/feedback", {"order_id": ORDER, "action": "check", "by": "sensor"}, 422),
        ("/api/feedback", b'{"note": "' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_is_sent(path: str, body: object, status: int) -> None:
    made = console()
    async with made.client() as client:
        assert (await post(client, path, body, status))["detail"]
    assert made.sent == []


async def test_while_the_log_is_read_an_unknown_alert_may_still_come() -> None:
    async with Console().client() as client:
        await post(client, "/api/actions", {"action": "acknowledge", "alert_id": ALERT}, 503)
        assert (await get(client, "/readyz", 503))["status"] == "still reading the log"


async def test_what_the_broker_did_not_confirm_is_not_called_sent() -> None:
    made = console()
    made.is_broker_there = False
    async with made.client() as client:
        await post(client, "/api/actions", {"action": "acknowledge", "alert_id": ALERT}, 503)


@pytest.mark.parametrize(
    ("role", "asked", "status"),
    [("viewer", "viewer", 201), ("viewer", "operator", 403), ("operator", "viewer", 201), ("operator", "king", 403)],
)
async def test_a_link_for_one_more_browser_is_never_for_more_rights(role: str, asked: str, status: int) -> None:
    async with Console().client() as client:
        response = await client.post("/api/links", params={"role": asked}, headers=bearer(role))
        assert response.status == status


async def test_a_new_link_opens_the_page() -> None:
    async with Console().client() as client:
        made = await (await client.post("/api/links", headers=bearer("viewer"))).json()
        page = await client.get(URL(made["url"]).relative())
        assert page.status == 200
        assert (await client.get("/api/session")).status == 200


async def test_the_stream_begins_with_a_snapshot_and_goes_on_with_changes() -> None:
    made = console()
    made.hub.publish()
    async with made.client() as client, client.get("/events", headers=bearer("viewer")) as stream:
        assert stream.content_type == "text/event-stream"
        await stream.content.readuntil(b"event: snapshot\n")
        snapshot = msgspec.json.decode((await stream.content.readline()).removeprefix(b"data: "))
        assert len(snapshot["alerts"]) == 2
        made.live.fold([alerted(5)])
        made.hub.publish()
        await stream.content.readuntil(b"event: changes\n")
        changes = msgspec.json.decode((await stream.content.readline()).removeprefix(b"data: "))
        assert [one["version"] for one in changes["alerts"]] == [5]


async def test_text_with_line_breaks_stays_in_its_event() -> None:
    made = Console()
    made.live.fold([alerted(2, headline="one\n\nevent: snapshot\ndata: {}\r\n\r\n")])
    async with made.client() as client, client.get("/events", headers=bearer("viewer")) as stream:
        await stream.content.readuntil(b"event: snapshot\n")
        snapshot = msgspec.json.decode((await stream.content.readline()).removeprefix(b"data: "))
        assert snapshot["alerts"][0]["headline"].startswith("one\n\nevent")


async def test_a_unit_is_shown_as_it_was() -> None:
    made = console()
    async with made.client() as client:
        found = await get(client, f"/api/units/{UNIT}?at=2026-01-01T00:00:00Z")
    assert (found["unit_id"], found["at"]) == (UNIT, "2026-01-01T00:00:00Z")
    assert made.looked == [(UNIT, parse_time("2026-01-01T00:00:00Z"))]


LOOKING_FAILS = pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OutOfLogError("it is before what the log still holds"), 410, "it is before what the log still holds."),
        (SettingsError("topic x is missing"), 503, "The log could not be read in time; try again."),
        (KafkaConnectionError("gone"), 503, "The log could not be read in time; try again."),
        (TimeoutError(), 503, "The log could not be read in time; try again."),
    ],
)


@LOOKING_FAILS
async def test_a_look_back_that_fails_says_why(error: Exception, status: int, said: str) -> None:
    made = console()
    made.looking_fails = error
    async with made.client() as client:
        assert (await get(client, f"/api/units/{UNIT}?at=2026-01-01T00:00:00Z", status))["detail"] == said


async def test_a_look_back_needs_a_role() -> None:
    made = console()
    async with made.client() as client:
        assert (await client.get(f"/api/units/{UNIT}?at=2026-01-01T00:00:00Z")).status == 401
    assert made.looked == []


async def test_a_polluted_case_is_shown_with_its_likely_sources() -> None:
    made = polluted()
    made.sources = (sources(),)
    async with made.client() as client:
        found = await get(client, POLLUTED)
    assert [one["id"] for one in found["found"][0]["ranked"]] == ["paint-works"]
    assert found["found"][0]["rose"][0]["onset"] == "2026-01-01T00:00:00Z"
    assert (found["found"][0]["wind_mps"], found["found"][0]["ranked"][0]["order"]) == (3.0, None)
    assert made.explained == [found["case_id"]]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/cases/nothing/sources", "No case 'nothing' is known."),
        (f"/api/cases/{case(1, 'filed').case_id}/sources", "No source is looked for in a case of lift-fault."),
    ],
)
async def test_where_no_source_is_looked_for_it_says_so(path: str, said: str) -> None:
    made = console()
    async with made.client() as client:
        assert (await get(client, path, 404))["detail"] == said
    assert made.explained == []


@LOOKING_FAILS
async def test_sources_that_cannot_be_read_say_why(error: Exception, status: int, said: str) -> None:
    made = polluted()
    made.looking_fails = error
    async with made.client() as client:
        assert (await get(client, POLLUTED, status))["detail"] == said


async def test_sources_need_a_role() -> None:
    made = polluted()
    async with made.client() as client:
        assert (await client.get(POLLUTED)).status == 401
    assert made.explained == []


async def test_a_look_for_sources_waits_for_the_look_before_it() -> None:
    made = polluted()
    made.blocked = asyncio.Event()
    async with made.client() as client:
        asked = [asyncio.create_task(get(client, path)) for path in (f"/api/units/{UNIT}?at={OLD}", POLLUTED)]
        for _ in range(50):
            await client.get("/healthz")
        assert len(made.looked + made.explained) == 1
        made.blocked.set()
        await asyncio.gather(*asked)
    assert len(made.looked + made.explained) == 2


async def test_a_units_score_is_explained_and_a_mistyped_unit_finds_the_close_one() -> None:
    made = console()
    made.live.fold([indicator("noise_level", 30.0)])
    async with made.client() as client:
        (domain,) = (await get(client, f"/api/units/{UNIT}"))["scores"]
        assert (domain["domain"], domain["contributors"]) == ("environment", [{"name": "noise_level", "value": 30.0}])
        close = await get(client, "/api/units/hp.nanjing-east.g04.nanjing-building", 404)
    assert close["detail"].endswith(f"is known; close to it: {UNIT}.")


async def test_a_reporter_learns_what_became_of_a_report() -> None:
    made = console()
    found = case(9, "handling", report_ids=("rep-1",))
    made.live.fold([ordered(9, "handling", report_ids=("rep-1",))])
    async with made.client() as client:
        told = await get(client, "/api/reports/rep-1")
        assert (await client.get("/api/reports/rep-2", headers=bearer("viewer"))).status == 404
    assert [(card["case_id"], card["step"]) for card in told["cases"]] == [(found.case_id, "handling")]
