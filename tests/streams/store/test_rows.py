from __future__ import annotations

import msgspec
import pytest

from schemas import channels
from schemas.alerts import Alert
from schemas.crowd import CrowdRow
from schemas.judged import Judged
from schemas.orders import Order, StepEntry
from schemas.reports import Report
from schemas.signs import Indicator
from schemas.times import parse_time
from schemas.video import VideoCounts, VideoRow
from streams.store import rows as r
from streams.store.line_protocol import Heads, block_lines, point_line
from streams.store.points import Bucket, Origin
from tests.streams.store.rig import columns, pack

LIMITS = r.Limits(oldest_ns=100, keep_readings=True, heads=Heads({"LAeq", "pm25"}))
OFF = LIMITS._replace(keep_readings=False)
UNIT = "hp.nanjing-east.g03.u1"


def lines(rows: r.Rows) -> list[str]:
    return [line for block in rows.blocks for line in block_lines(block)]


def test_readings_become_lines_of_their_quantity() -> None:
    found = r.judged_rows(pack(0, 0, 2, [("d1/LAeq", 200, 61.5), ("d2/pm25", 201, 38.0)]), LIMITS)
    assert lines(found) == [
        "readings_LAeq,device_id=d1 value=61.5,quality=1.0 200",
        "readings_pm25,device_id=d2 value=38.0,quality=1.0 201",
    ]
    assert found.total == 2


def test_readings_older_than_the_bucket_keeps_are_expired() -> None:
    found = r.judged_rows(pack(0, 0, 2, [("d1/LAeq", 99, 1.0), ("d1/LAeq", 100, 2.0)]), LIMITS)
    assert (found.total, found.expired, len(lines(found))) == (2, 1, 1)


def test_readings_are_skipped_where_they_are_not_kept() -> None:
    found = r.judged_rows(pack(0, 0, 2, [("d1/LAeq", 99, 1.0), ("d1/LAeq", 100, 2.0)]), OFF)
    assert (found.total, found.skipped, found.expired, found.blocks) == (2, 2, 0, [])


def test_readings_of_each_mode_go_to_their_own_bucket() -> None:
    readings = columns([("d1/LAeq", 200, 1.0), ("d2/LAeq", 200, 2.0)], modes=["actual", "exercise"])
    judged = Judged(source="vitals.readings", partition=0, offset=0, unit_id=UNIT, total=2, readings=readings)
    found = r.judged_rows(judged, LIMITS)
    assert {block.bucket: block.rows for block in found.blocks} == {
        Bucket("actual", "readings"): 1,
        Bucket("exercise", "readings"): 1,
    }


@pytest.mark.parametrize(
    "row", [("d1/unheard", 200, 1.0), ("d 1/LAeq", 200, 1.0), ("d1/LAeq", 200, float("nan")), ("d1", 200, 1.0)]
)
def test_a_reading_that_no_line_may_carry_is_refused_alone(row: tuple[str, int, float]) -> None:
    found = r.judged_rows(pack(0, 7, 2, [row, ("d2/LAeq", 200, 2.0)]), LIMITS)
    assert [refusal.origin for refusal in found.refused] == [Origin("vitals.readings", 0, 7)]
    assert lines(found) == ["readings_LAeq,device_id=d2 value=2.0,quality=1.0 200"]


def test_columns_that_do_not_fit_are_no_record_of_ours() -> None:
    good = columns([("d1/LAeq", 200, 1.0)])
    bad = msgspec.structs.replace(good, index=b"\x05\x00")
    judged = Judged(source="vitals.readings", partition=0, offset=0, unit_id=UNIT, total=1, readings=bad)
    with pytest.raises(ValueError, match="do not fit"):
        r.judged_rows(judged, LIMITS)


def test_crowd_video_and_reports_have_their_measurements() -> None:
    time = "2026-01-01T00:00:00Z"
    crowd = CrowdRow(zone_id="z1", source="camera", time=time, people_count=41, mean_speed_mps=0.5)
    video = VideoRow(camera_id="c1", time=time, counts=VideoCounts(person=3), health="blurred")
    report = Report(report_id="r1", unit_id=UNIT, category="other", time=time, text="free text stays out")
    common = {"partition": 0, "offset": 0, "unit_id": UNIT, "total": 1, "modes": ("actual",)}
    made = [
        Judged(source="vitals.crowd", crowd=(crowd,), **common),  # type: ignore[arg-type]  # a plain dict
        Judged(source="vitals.video", video=(video,), **common),  # type: ignore[arg-type]  # a plain dict
        Judged(source="vitals.reports", reports=(report,), **common),  # type: ignore[arg-type]  # a plain dict
    ]
    at = parse_time(time)
    assert [lines(r.judged_rows(judged, LIMITS)) for judged in made] == [
        [f"crowd,zone_id=z1,source=camera period_s=60.0,people_count=41.0,mean_speed_mps=0.5 {at}"],
        [f"video,camera_id=c1 person=3.0,health=4.0 {at}"],
        [f'reports,unit_id={UNIT},category=other report_id="r1" {at}'],
    ]
    assert [r.judged_rows(judged, OFF).skipped for judged in made] == [1, 1, 0]


def test_an_indicator_is_a_point_at_its_window_start() -> None:
    indicator = Indicator(
        unit_id=UNIT, indicator="noise", mode="actual", window_start="2026-01-01T00:00:00Z", window_s=60.0, value=61.2,
        unit="dB", score=72.0, colour="yellow", n=30, coverage=0.9, revision=1,
    )  # fmt: skip
    found = r.event_rows(msgspec.json.encode(indicator), Origin(channels.INDICATORS, 0, 0))
    fields = "value=61.2,score=72.0,level=2.0,n=30.0,coverage=0.9,revision=1.0"
    assert lines(found) == [f"indicators,unit_id={UNIT},indicator=noise {fields} {parse_time('2026-01-01T00:00:00Z')}"]


def alert(version: int) -> Alert:
    time = "2026-01-01T00:00:00Z"
    return Alert(
        alert_id="a1", version=version, unit_id=UNIT, scenario="gas-leak", colour="red", state="UNACK", subjects=(),
        first_seen=time, last_seen=time, count=1, certainty="Observed", correlationid="c", mode="test",
        identifier="i", sender="s", sent=time, status="Test", msgType="Alert", scope="Restricted", category="Safety",
        event="e", urgency="Immediate", severity="Extreme", onset=time, headline="h", area="a",
    )  # fmt: skip


def test_each_version_of_an_alert_is_a_point_of_its_own_close_to_its_time() -> None:
    points = [r.alert_point(alert(version)) for version in range(1, 50)]
    at = parse_time("2026-01-01T00:00:00Z")
    assert len({point.time_ns for point in points}) == 49
    assert all(0 <= point.time_ns - at < 10_000_000 for point in points)
    assert points == [r.alert_point(alert(version)) for version in range(1, 50)]


def test_what_is_not_actual_goes_to_a_bucket_of_its_own() -> None:
    found = r.event_rows(msgspec.json.encode(alert(1)), Origin(channels.ALERTS, 0, 0))
    assert [block.bucket for block in found.blocks] == [Bucket("test", "vitals")]


def test_an_order_is_a_point_at_its_last_step_with_its_age() -> None:
    steps = (
        StepEntry(step="registered", tier="unit", time="2026-01-01T00:00:00Z", by="system"),
        StepEntry(step="dispatched", tier="grid", time="2026-01-01T00:01:30Z", by="system"),
    )
    order = Order(
        case_id="k1", order_id="k1-1", version=3, unit_id=UNIT, scenario="gas-leak", colour="red", step="dispatched",
        tier="grid", attempt=1, opened="2026-01-01T00:00:00Z", alert_ids=("a1",), correlationid="c", causationid="a1",
        mode="actual", steps=steps,
    )  # fmt: skip
    line = point_line(r.order_point(order))
    assert line.startswith(
        f"orders,scenario=gas-leak,step=dispatched,unit_id={UNIT} "
        'version=3.0,seconds=90.0,case_id="k1",tier="grid" 17672256'
    )
