"""One partition of the alert stage, from records to effects."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec import structs

from schemas import channels
from schemas.actions import Action, Matcher
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.ids import alert_id
from schemas.registry import Unit
from streams.delivery.records import Record, StateFormatError
from streams.delivery.watermarks import WATERMARK_HEADERS, decode_watermark
from streams.pace import Pace
from tests.streams.alert.builders import (
    DELAYED,
    FAR,
    UNIT,
    action,
    anomaly,
    at,
    mark,
    on_unit,
    partition,
    provisional,
    reasons,
    record,
    settled,
    tick,
    until,
    when,
)

ALERT_ID = alert_id("actual", "lift-fault", UNIT, "lift-1", 0)
NANJING = Unit(unit_id=UNIT, kind="building", name_zh="南京大楼", name_en="Nanjing Building")


def _settle(*events: Anomaly | Action, up_to: float = 1_000) -> list[Alert]:
    records = [record(event, place) for place, event in enumerate(events)]
    return settled(partition().fold([*records, *until(up_to)]))


def _states(alerts: Sequence[Alert]) -> list[str]:
    return [alert.state for alert in alerts]


def test_an_onset_is_told_at_arrival_and_settled_when_the_watermark_passes() -> None:
    state = partition()
    (first,) = provisional(state.fold([record(anomaly(5))]))
    assert (first.alert_id, first.version, first.state, first.sent) == (ALERT_ID, 1, "UNACK", when(5))
    assert not settled(state.fold(until(5)))  # nothing on time is earlier than 5, but something may be at 5
    (second,) = settled(state.fold(until(5.001)))
    assert (second.alert_id, second.version, second.msgType, second.references) == (ALERT_ID, 2, "Alert", "")


def test_an_onset_sent_again_is_told_once() -> None:
    state = partition()
    assert len(provisional(state.fold([record(anomaly(5)), record(anomaly(5), 1)]))) == 1
    assert len(settled(state.fold(until(6)))) == 1
    assert not [effect for effect in state.fold([record(anomaly(5), 2)]) if effect.key is not None]
    assert not settled(state.fold(until(7)))


def test_a_second_onset_of_a_key_is_not_told_at_arrival() -> None:
    state = partition()
    events = [anomaly(5, scenario="gas-leak", subject=name, name=name) for name in ("ch4-1", "ch4-2")]
    effects = state.fold([record(event) for event in events])
    assert len(provisional(effects)) == 1
    (raised, updated) = settled(state.fold(until(6)))
    assert (raised.count, updated.count, updated.certainty) == (1, 2, "Observed")
    assert [subject.subject for subject in updated.subjects] == ["ch4-1", "ch4-2"]


@pytest.mark.parametrize(
    "event",
    [
        anomaly(5, scenario=None),
        anomaly(5, scenario="no-such"),
        anomaly(5, score=0.5),
        anomaly(5, "clear"),
    ],
)
def test_what_is_no_alert_raises_nothing(event: Anomaly) -> None:
    state = partition()
    effects = state.fold([record(event), *until(500)])
    assert [effect.headers for effect in effects] == [WATERMARK_HEADERS]


def test_a_suspect_sensor_alone_is_shown_blue_and_unlikely_and_not_at_arrival() -> None:
    effects = partition().fold([record(anomaly(5, score=4.0, quality=0.3)), *until(6)])
    assert not provisional(effects)
    (alert,) = settled(effects)
    assert (alert.colour, alert.certainty, alert.urgency) == ("blue", "Unlikely", "Future")


def test_an_anomaly_that_clears_and_settles_cancels_and_begins_a_new_episode() -> None:
    alerts = _settle(anomaly(0), anomaly(10, "clear"), anomaly(100, name="a2"))
    assert _states(alerts) == ["UNACK", "RTNUN", "NORM", "UNACK", "UNACK"]
    over = alerts[2]
    assert (over.msgType, over.sent, over.subjects[0].state) == ("Cancel", when(70), "clear")
    assert over.references == f"{alerts[1].sender},{alerts[1].identifier},{alerts[1].sent}"
    assert alerts[3].alert_id == alert_id("actual", "lift-fault", UNIT, "lift-1", 1)
    assert alerts[3].version == 2
    assert (alerts[4].urgency, alerts[4].sent) == ("Immediate", when(400))  # nobody acknowledged in 300 s


def test_an_onset_at_the_very_end_of_settling_comes_first() -> None:
    alerts = _settle(anomaly(0), anomaly(10, "clear"), anomaly(70, name="a2"), up_to=71)
    assert _states(alerts) == ["UNACK", "RTNUN", "UNACK"]


def test_acknowledged_names_the_person_and_its_correlation_is_the_alert() -> None:
    alerts = _settle(anomaly(0), action(4, alert_id=ALERT_ID))
    assert _states(alerts) == ["UNACK", "ACKED"]
    assert alerts[-1].acknowledged_by == "li"
    assert alerts[-1].correlationid == ALERT_ID


def test_an_action_dated_back_counts_from_where_its_log_had_come() -> None:
    back = record(action(3, alert_id=ALERT_ID), append_ns=at(60))
    alerts = settled(partition().fold([record(anomaly(20)), tick(40), back, *until(50)]))
    assert (alerts[-1].state, alerts[-1].sent) == ("ACKED", when(40))


def test_an_action_dated_ahead_counts_from_when_it_was_written() -> None:
    ahead = record(action(9_000, alert_id=ALERT_ID), append_ns=at(30))
    alerts = settled(partition().fold([record(anomaly(20)), ahead, *until(50)]))
    assert (alerts[-1].state, alerts[-1].sent) == ("ACKED", when(30))


def test_a_silence_hides_what_comes_until_its_end() -> None:
    state = partition()
    silence = action(0, "silence", matcher=on_unit("hp.nanjing-east"), until=when(60))
    state.fold([record(silence), *until(5)])
    effects = state.fold([record(anomaly(10)), *until(61)])
    assert not provisional(effects)
    alerts = settled(effects)
    assert _states(alerts) == ["SHLVD", "UNACK"]
    assert [alert.sent for alert in alerts] == [when(10), when(60)]


def test_maintenance_takes_a_unit_out_of_service_until_somebody_ends_it() -> None:
    matcher = on_unit(scenario="lift-fault")
    alerts = _settle(
        anomaly(0),
        action(5, "maintenance", matcher=matcher),
        action(6, "silence", matcher=matcher),
        action(9, "end", matcher=matcher),
        up_to=20,
    )
    assert _states(alerts) == ["UNACK", "OOSRV", "UNACK"]


def test_maintenance_of_one_device_does_not_hide_another() -> None:
    alerts = _settle(
        action(0, "maintenance", matcher=Matcher(subject="ch4-1")),
        anomaly(1, subject="ch4-1", name="a1", scenario="gas-leak"),
        anomaly(2, subject="ch4-2", name="a2", scenario="gas-leak"),
        anomaly(3, "clear", subject="ch4-2", name="a2", scenario="gas-leak"),
        up_to=20,
    )
    assert _states(alerts) == ["OOSRV", "UNACK", "OOSRV"]


def test_a_shelf_outlives_its_alert_and_ends_by_hand() -> None:
    alerts = _settle(
        anomaly(0),
        action(5, "shelve", alert_id=ALERT_ID, until=when(900)),
        anomaly(10, "clear"),
        anomaly(100, name="a2"),
        action(120, "unshelve", matcher=on_unit()),
        up_to=200,
    )
    assert _states(alerts) == ["UNACK", "SHLVD", "SHLVD", "NORM", "SHLVD", "UNACK"]


@pytest.mark.parametrize(
    "wrong",
    [
        action(5, alert_id="no-such"),
        action(5),
        action(5, alert_id=ALERT_ID, matcher=on_unit()),
        action(5, "silence", matcher=Matcher()),
        action(5, "silence", matcher=on_unit("xh.other")),
        action(5, "silence", matcher=on_unit(), until=when(5)),
        action(5, "shelve", matcher=Matcher(scenario="gas-leak")),
        action(5, "unshelve", alert_id=ALERT_ID),
        action(5, "end", matcher=on_unit()),
        action(5, district="xh", alert_id=ALERT_ID),
    ],
)
def test_an_action_that_fits_nothing_is_a_dead_letter_and_changes_nothing(wrong: Action) -> None:
    effects = partition().fold([record(anomaly(0)), record(wrong, 7), *until(20)])
    assert reasons(effects) == ["bad_action"]
    assert _states(settled(effects)) == ["UNACK"]
    (dead,) = [effect for effect in effects if effect.topic == channels.DEAD_LETTERS]
    assert dict(dead.headers)["dl_offset"] == b"7"
    assert dead.value == record(wrong).value


@pytest.mark.parametrize(
    ("topic", "value", "headers", "reason"),
    [
        (channels.ANOMALIES, b"{", {}, "undecodable"),
        (channels.ANOMALIES, b"{}", {}, "schema"),
        (channels.UNIT_SCORES, b"[]", {}, "schema"),
        (channels.ACTIONS, b"{}", {}, "bad_action"),
        (channels.ACTIONS, b"\xff", {}, "undecodable"),
        (channels.ACTIONS, b"", {"vitals_tick": b"true"}, "schema"),
        (channels.ANOMALIES, b"{}", dict(WATERMARK_HEADERS), "schema"),
        (channels.ANOMALIES, mark(channels.ANOMALIES, 2, 0).value, dict(WATERMARK_HEADERS), "schema"),
    ],
)
def test_what_is_undecodable_is_a_dead_letter(topic: str, value: bytes, headers: dict[str, bytes], reason: str) -> None:
    wrong = Record(topic=topic, partition=2, offset=3, append_ns=at(1), key=b"hp", value=value, headers=headers)
    assert reasons(partition().fold([wrong])) == [reason]


def test_watermark_is_the_least_of_all_that_move_it() -> None:
    state = partition()
    assert not state.fold([*until(50)][:-1])
    (moved,) = state.fold([tick(30)])
    assert (moved.topic, moved.key, moved.partition) == (channels.ALERTS, None, 2)
    assert decode_watermark(moved.value).watermark == at(30)
    assert not state.fold([tick(20)])


def test_an_alert_is_keyed_by_its_district_and_carries_its_mode() -> None:
    effects = partition().fold([record(anomaly(5, mode="exercise")), *until(6)])
    (effect,) = [effect for effect in effects if effect.key is not None and b'"version":2' in effect.value]
    headers = dict(effect.headers)
    assert (effect.topic, effect.key, effect.partition) == (channels.ALERTS, b"hp", 2)
    assert (headers["vitals_mode"], headers["ce_type"]) == (b"exercise", b"city.vitals.alert.v1")
    assert headers["ce_time"] == when(5).encode()
    assert settled([effect])[0].status == "Exercise"


def test_an_alert_is_told_with_the_names_of_the_registry() -> None:
    named = settled(partition(units={UNIT: NANJING}).fold([record(anomaly(5)), *until(6)]))[0]
    assert named.area == "Nanjing Building (南京大楼)"
    assert named.headline == "Orange: Lift trapped or faulty, Nanjing Building / 橙色：南京大楼 电梯困人或故障"
    assert settled(partition().fold([record(anomaly(5)), *until(6)]))[0].area == UNIT


def test_trials_settle_faster() -> None:
    state = partition(pace=Pace(60.0))
    alerts = settled(state.fold([record(anomaly(0)), record(anomaly(1, "clear")), *until(4.001)]))
    assert (alerts[-1].state, alerts[-1].sent) == ("NORM", when(4))


def test_a_clean_partition_writes_only_its_clocks() -> None:
    state = partition()
    state.fold([record(anomaly(0)), *until(5)])
    assert len(state.changed_blocks()) == 3  # clocks, the alert's, what waited
    assert list(state.changed_blocks()) == ["clocks"]


def test_what_changes_beneath_a_shelf_is_written_too() -> None:
    state = partition(catalogue=DELAYED)
    shelve = action(1, "shelve", alert_id=ALERT_ID)
    state.fold([record(anomaly(0)), record(shelve), record(anomaly(5, "clear")), *until(35)])
    state.changed_blocks()
    assert not settled(state.fold(until(36)))
    assert [name[:6] for name in state.changed_blocks()] == ["clocks", "alerts"]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("clocks", b""),
        ("clocks", b"\x02\x80"),
        ("clocks", b"\x01\x80"),
        ("alerts-00", b"\x01\xc1"),
        ("alerts-99", partition().all_blocks()["alerts-00"]),
        ("scores-x", b"\x01\x90"),
        ("waiting-00", b"\x01\x80"),
        ("unheard-of", b"\x01\x80"),
    ],
)
def test_a_foreign_or_damaged_block_is_refused(name: str, raw: bytes) -> None:
    with pytest.raises(StateFormatError):
        partition().restore({name: raw})


def test_state_of_another_number_of_sense_partitions_is_refused() -> None:
    with pytest.raises(StateFormatError, match="sense partitions"):
        partition(sense_partitions=3).restore(partition().all_blocks())


def test_a_record_of_a_large_alert_stays_below_the_brokers_limit() -> None:
    evidence = anomaly(0).evidence * 16
    events = [
        structs.replace(
            anomaly(place, subject=f"ch4-{place}", name=f"a{place}", scenario="gas-leak"), evidence=evidence
        )
        for place in range(400)
    ]
    effects = partition().fold([*map(record, events), *until(FAR)])
    assert max(len(effect.value) for effect in effects) < (1 << 20) / 2
