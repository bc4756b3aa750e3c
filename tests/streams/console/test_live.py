"""The fold of records into what the page shows."""

import random
from functools import partial

import msgspec
import pytest

from schemas import channels
from schemas.times import SECOND_NS, format_time
from streams.console.live import OVER_KEPT, Live
from streams.console.overall import overall
from streams.console.views import Picture
from tests.streams.console.builders import (
    T0,
    UNIT,
    alert,
    alerted,
    case,
    falling,
    indicator,
    ordered,
    record,
    scores,
    unit,
)
from tests.streams.console.builders import watermark as mark

MINUTE = 60 * SECOND_NS


def live() -> Live:
    return Live(partial(overall, 4.0))


def merged(base: Picture, changes: list[Picture]) -> dict[str, dict[str, object]]:
    """Do what the page does with a snapshot and the changes after it."""
    ids = {"tiles": "unit_id", "places": "unit_id", "areas": "area_id", "alerts": "alert_id", "cases": "case_id"}
    held: dict[str, dict[str, object]] = {kind: {} for kind in ids}
    for picture in (base, *changes):
        for kind, field in ids.items():
            for gone in getattr(picture.gone, kind):
                held[kind].pop(gone.rsplit("/", 1)[-1], None)
            held[kind] |= {getattr(one, field): one for one in getattr(picture, kind)}
    return held


def test_a_unit_has_its_names_and_a_score_in_which_the_worst_domain_counts_most() -> None:
    state = live()
    state.fold([unit(), scores(safety=100.0, utilities=20.0)])
    picture = state.snapshot()
    assert (picture.places[0].name_zh, picture.places[0].featured) == ("南京大楼", True)
    assert picture.tiles[0].score == pytest.approx(100 - 80 * 0.5**0.25)
    assert picture.tiles[0].colour == "orange"


def test_a_unit_without_scores_has_no_score_rather_than_a_good_one() -> None:
    state = live()
    empty = {
        "unit_id": UNIT, "mode": "actual", "window_start": format_time(T0), "window_s": 60.0,
        "scores": {}, "coverage": 0.0,
    }  # fmt: skip
    state.fold([record(channels.UNIT_SCORES, empty, "hp")])
    assert (state.snapshot().tiles[0].score, state.snapshot().tiles[0].colour) == (None, None)


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (scores(end_ns=T0 + MINUTE, safety=50.0), scores(end_ns=T0, safety=90.0), 50.0),
        (scores(revision=1, safety=50.0), scores(revision=0, safety=90.0), 50.0),
        (scores(revision=0, safety=50.0), scores(revision=1, safety=90.0), 90.0),
        (scores(end_ns=T0, safety=50.0), scores(end_ns=T0 + MINUTE, safety=90.0), 90.0),
    ],
)
def test_the_newest_window_and_its_newest_revision_win(first: object, second: object, shown: float) -> None:
    state = live()
    state.fold([first, second])  # type: ignore[list-item]  # parametrized
    assert state.snapshot().tiles[0].score == pytest.approx(shown)


def test_an_indicator_of_a_district_is_its_score_and_one_of_a_unit_its_detail() -> None:
    state = live()
    state.fold([indicator("overall", 88.0, "hp"), indicator("crowd", 30.0, "hp"), indicator("noise_level", 70.0)])
    (area,) = state.snapshot().areas
    assert (area.name_zh, area.overall, area.domains) == ("黄浦区", 88.0, {"crowd": 30.0})
    view = state.unit(UNIT, "actual")
    assert view is not None
    assert [one.indicator for one in view.indicators] == ["noise_level"]


def test_the_clock_is_the_end_of_the_newest_window_of_each_mode() -> None:
    state = live()
    state.fold([scores(end_ns=T0 + MINUTE), indicator("noise_level", 70.0, end_ns=T0), scores(mode="exercise")])
    assert {one.mode: one.window_end for one in state.snapshot().clocks} == {
        "actual": format_time(T0 + MINUTE),
        "exercise": format_time(T0),
    }


def test_a_provisional_alert_shows_at_once_and_its_settled_version_replaces_it() -> None:
    state = live()
    state.fold([alerted(1)])
    assert [one.provisional for one in state.take_changes().alerts] == [True]
    state.fold([alerted(2), alerted(1)])
    assert [(one.version, one.provisional) for one in state.take_changes().alerts] == [(2, False)]
    assert len(state.snapshot().alerts) == 1


def test_watermarks_are_no_news() -> None:
    state = live()
    before = state.revision
    state.fold([mark(channels.ALERTS), mark(channels.UNIT_SCORES)])
    assert (state.revision, state.unreadable) == (before, 0)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"alert_id": 1}', b"\xff"])
def test_a_record_that_cannot_be_read_is_counted_and_the_rest_is_shown(value: bytes) -> None:
    state = live()
    state.fold([record(channels.ALERTS, value, "hp"), alerted(2)])
    assert (state.unreadable, len(state.alerts.open)) == (1, 1)


def test_a_case_goes_from_open_to_closed_and_says_who_verified_it() -> None:
    state = live()
    state.fold([ordered(4, "dispatched")])
    assert [one.over for one in state.snapshot().cases] == [False]
    state.fold([ordered(9, "closed", by="sensor")])
    assert [(one.over, one.verified) for one in state.snapshot().cases] == [(True, True)]


def test_a_case_that_a_person_checked_is_not_verified_by_a_sensor() -> None:
    state = live()
    state.fold([ordered(9, "closed", by="Wang Wei")])
    assert [one.verified for one in state.snapshot().cases] == [False]


def test_a_reopened_case_is_verified_no_longer() -> None:
    closed = case(9, "closed", by="sensor")
    entry = msgspec.structs.replace(closed.steps[-1], step="reopened")
    again = msgspec.structs.replace(closed, version=10, step="reopened", steps=(*closed.steps, entry))
    state = live()
    state.fold([record(channels.ORDERS, again, "hp")])
    assert [(one.over, one.verified) for one in state.snapshot().cases] == [(False, False)]


def test_closed_cases_and_cleared_alerts_are_bounded_and_the_page_is_told() -> None:
    state = live()
    extra = 7
    state.fold(alerted(2, episode=number, state="NORM") for number in range(OVER_KEPT + extra))
    state.fold(ordered(9, "closed", episode=number) for number in range(OVER_KEPT + extra))
    assert (len(state.alerts.over), len(state.cases.over)) == (OVER_KEPT, OVER_KEPT)
    gone = state.take_changes().gone
    assert (len(gone.alerts), len(gone.cases)) == (extra, extra)


def test_a_unit_taken_out_of_the_registry_goes() -> None:
    state = live()
    state.fold([unit()])
    state.take_changes()
    state.fold([record(channels.REGISTRY_UNITS, b"", UNIT)])
    assert state.take_changes().gone.places == (UNIT,)
    assert state.unit(UNIT, "actual") is None


def test_changes_say_each_thing_once_and_then_nothing() -> None:
    state = live()
    state.fold([scores(end_ns=T0 + step * MINUTE) for step in range(50)])
    assert len(state.take_changes().tiles) == 1
    assert state.take_changes() == msgspec.structs.replace(state.take_changes(), full=False)
    assert state.take_changes().tiles == ()


def test_a_duplicate_is_no_change() -> None:
    state = live()
    records = [unit(), scores(), indicator("overall", 88.0, "hp"), alerted(2), ordered(4, "dispatched")]
    state.fold(records[1:])
    before = state.revision
    state.fold(records[1:])
    assert state.revision == before


def test_a_snapshot_and_the_changes_after_it_make_the_later_snapshot_in_any_order() -> None:
    log = [
        unit(), indicator("overall", 88.0, "hp"), alerted(1), alerted(3), alerted(4, state="NORM"),
        *(scores(f"hp.bund.g01.u{n}", T0 + step * MINUTE, safety=10.0 * n) for n in range(6) for step in range(3)),
        *(ordered(version, step) for version, step in ((1, "registered"), (4, "dispatched"), (9, "closed"))),
        alerted(2, episode=1), ordered(2, "verified", episode=1),
    ]  # fmt: skip
    ends = []
    for seed in range(20):
        random.Random(seed).shuffle(log)
        state = live()
        state.fold(log[:7])
        base = state.snapshot()
        changes = []
        for one in log[7:]:
            state.fold([one])
            changes.append(state.take_changes())
        assert merged(base, changes) == merged(state.snapshot(), [])
        ends.append(merged(state.snapshot(), []))
    assert all(end == ends[0] for end in ends)


def test_a_units_twin_holds_its_open_alerts_and_cases_of_the_mode() -> None:
    state = live()
    state.fold([unit(), alerted(2), alerted(2, mode="exercise", episode=3), ordered(4, "dispatched")])
    view = state.unit(UNIT, "actual")
    assert view is not None
    assert [one.alert_id for one in view.alerts] == [alert().alert_id]
    assert [one.case_id for one in view.cases] == [case(1, "filed").case_id]


def test_the_actual_mode_comes_first() -> None:
    state = live()
    state.fold([scores(mode="test"), alerted(2, mode="exercise")])
    assert state.modes() == ("exercise", "test")
    state.fold([ordered(1, "registered")])
    assert state.modes() == ("actual", "exercise", "test")


def test_units_and_areas_have_a_trend_once_enough_of_them_is_known() -> None:
    state = live()
    state.fold([*falling(UNIT)[:9], *falling("hp")[:9]])
    assert (state.snapshot().tiles[0].trend, state.snapshot().areas[0].trend) == (None, None)
    state.fold([*falling(UNIT), *falling("hp")])
    (tile,), (area,) = state.snapshot().tiles, state.snapshot().areas
    assert (tile.trend, tile.change, tile.change_s) == ("down", -15.0, 900.0)
    assert (area.trend, area.change, area.change_s) == ("down", -15.0, 900.0)


def test_each_domain_of_a_district_has_its_own_trend() -> None:
    state = live()
    state.fold(indicator("crowd", 50.0 + step, "hp", T0 + step * MINUTE) for step in range(20))
    state.fold(indicator("care", 50.0, "hp", T0 + step * MINUTE) for step in range(20))
    assert state.snapshot().areas[0].domain_trends == {"crowd": "up", "care": "steady"}


def test_modes_have_trends_of_their_own() -> None:
    state = live()
    state.fold(falling(UNIT))
    state.fold(scores(end_ns=T0 + step * MINUTE, mode="exercise", safety=50.0 + step) for step in range(20))
    assert {one.mode: one.trend for one in state.tiles()} == {"actual": "down", "exercise": "up"}


def test_a_late_minute_changes_the_trend_and_the_page_is_told() -> None:
    state = live()
    log = falling(UNIT)
    state.fold([*log[:3], log[-1]])
    state.take_changes()
    state.fold(log[3:-1])
    (tile,) = state.take_changes().tiles
    assert (tile.score, tile.trend) == (71.0, "down")


def test_a_late_revision_is_news_once() -> None:
    state = live()
    state.fold(falling(UNIT))
    state.take_changes()
    revised = scores(UNIT, T0 - 3 * MINUTE, revision=1, safety=10.0)
    state.fold([revised])
    assert [one.score for one in state.take_changes().tiles] == [71.0]
    state.fold([revised, *falling(UNIT)])
    assert state.take_changes().tiles == ()


def test_a_units_view_holds_its_hour_and_the_trends_of_its_domains() -> None:
    state = live()
    state.fold(scores(end_ns=T0 + step * MINUTE, safety=50.0 + step, care=100.0) for step in range(20))
    view = state.unit(UNIT, "actual")
    assert view is not None
    assert view.hour is not None
    assert {name: one.direction for name, one in view.trends.items()} == {
        "safety": "up",
        "care": "steady",
        "overall": "up",
    }
    assert (len(view.hour.scores), view.hour.end) == (20, format_time(T0 + 19 * MINUTE))


def test_a_trials_windows_are_its_minutes() -> None:
    state = Live(partial(overall, 4.0), minute_ns=10 * SECOND_NS)
    state.fold(falling("hp", minute_ns=10 * SECOND_NS))
    assert (state.snapshot().areas[0].trend, state.snapshot().areas[0].change_s) == ("down", 150.0)


def test_the_hour_of_a_unit_that_goes_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.console.live.UNITS_KEPT", 1)
    state = live()
    state.fold([*falling(UNIT), scores("hp.bund.g01.other")])
    state.fold(falling(UNIT)[-1:])
    (tile,) = state.snapshot().tiles
    assert (tile.unit_id, tile.trend) == (UNIT, None)
