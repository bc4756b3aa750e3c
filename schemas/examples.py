"""One real example of every event and file: for the export, and held byte for byte by the golden files of the tests."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from schemas.actions import Action, Matcher
from schemas.alerts import Alert, AlertSubject
from schemas.anomalies import Anomaly, Evidence
from schemas.codec import encode
from schemas.crowd import CrowdRow
from schemas.feedback import Feedback
from schemas.files import (
    Balance,
    BalanceLine,
    GroundTruth,
    Latency,
    Mapping,
    Quantiles,
    ReportedAlert,
    ReportedCase,
    RunReport,
    ScenarioScores,
    TimeColumns,
    ValueColumn,
)
from schemas.orders import Link, Order, StepEntry
from schemas.registry import Device, Gateway, RegistryFile, Shift, Team, Unit, Zone
from schemas.registry_codec import encode_entry
from schemas.reports import Report
from schemas.rows import encode_rows
from schemas.senml import encode_pack
from schemas.signs import Contributor, Indicator, UnitScores
from schemas.times import format_time
from schemas.video import VideoCounts, VideoEvent, VideoRow
from schemas.watermarks import Watermark

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
UNIT_ID = "hp.nanjing-east.g03.nanjing-building"
LIFT = "hp-lift-000001"


def at(seconds: float) -> str:
    """Return the example's start plus ``seconds`` as a time."""
    return format_time(START_NS + round(seconds * 1_000) * 1_000_000)


EVIDENCE = Evidence(topic="vitals.readings", partition=9, offset=4711, name=f"{LIFT}/lift_fault", time=at(2), value=1.0)
CLEARED = Evidence(
    topic="vitals.readings", partition=9, offset=4990, name=f"{LIFT}/lift_fault", time=at(600), value=0.0
)
READINGS = [
    ("hp-noise-000123/LAeq", "dB", START_NS, 61.5),
    ("hp-noise-000123/LAeq", "dB", START_NS + 1_000_000_000, 61.9),
    ("hp-air-000007/pm25", "ug/m3", START_NS, 38.0),
    (f"{LIFT}/lift_fault", "/", START_NS + 2_000_000_000, True),
]
CROWD = CrowdRow(
    zone_id="hp-bund-z1",
    source="camera",
    time=at(60),
    people_count=412,
    people_in=61,
    people_out=48,
    mean_speed_mps=0.8,
)
VIDEO = VideoRow(
    camera_id="hp-cam-000042",
    time=at(1),
    counts=VideoCounts(person=12, ebike=1),
    events=(VideoEvent(kind="smoke", confidence=0.83, box=(0.4, 0.1, 0.2, 0.3), track="t-7f3a"),),
)
REPORT = Report(
    report_id="r-2026-000017",
    unit_id=UNIT_ID,
    category="lift-fault",
    time=at(5),
    text="电梯停在三楼与四楼之间。",
    reporter="p-5e9b",
)
INDICATOR = Indicator(
    unit_id=UNIT_ID,
    indicator="noise_level",
    mode="actual",
    window_start=at(0),
    window_s=60.0,
    value=61.7,
    unit="dB",
    score=72.4,
    colour="blue",
    n=12,
    coverage=1.0,
    contributors=(Contributor(name="hp-noise-000123/LAeq", value=61.7),),
)
UNIT_SCORES = UnitScores(
    unit_id=UNIT_ID,
    mode="actual",
    window_start=at(0),
    window_s=60.0,
    scores={"environment": 72.4, "utilities": 31.0},
    coverage=0.92,
)
ANOMALY = Anomaly(
    id="5f1d0a7c2b9e4c6d8a3b",
    phase="onset",
    unit_id=UNIT_ID,
    subject=LIFT,
    kind="range",
    onset=at(2),
    time=at(2),
    score=3.0,
    quality=0.97,
    detector="levels",
    detector_version=1,
    mode="actual",
    quantity="lift_fault",
    scenario="lift-fault",
    value=1.0,
    expected=0.0,
    evidence=(EVIDENCE,),
)
ALERT = Alert(
    alert_id="c0ffee0123456789abcd",
    version=3,
    unit_id=UNIT_ID,
    scenario="lift-fault",
    colour="orange",
    state="ACKED",
    subjects=(
        AlertSubject(
            subject=LIFT, state="active", since=at(2), quality=0.97, anomaly_id=ANOMALY.id, evidence=(EVIDENCE,)
        ),
    ),
    first_seen=at(2),
    last_seen=at(42),
    count=5,
    certainty="Observed",
    correlationid="c0ffee0123456789abcd",
    mode="actual",
    identifier="c0ffee0123456789abcd.3",
    sender="urban-vitals",
    sent=at(42),
    status="Actual",
    msgType="Update",
    scope="Restricted",
    category="Infra",
    event="电梯故障 / Lift fault",
    urgency="Immediate",
    severity="Severe",
    onset=at(2),
    headline="Lift fault: Nanjing Building",
    area=UNIT_ID,
    references=f"urban-vitals,c0ffee0123456789abcd.2,{at(2)}",
    acknowledged_by="operator-1",
    causes=(ANOMALY.id,),
)
ORDER = Order(
    case_id="0badc0de0123456789ab",
    order_id="0badc0de0123456789ab-1",
    version=5,
    unit_id=UNIT_ID,
    scenario="lift-fault",
    colour="orange",
    step="accepted",
    tier="unit",
    attempt=1,
    opened=at(2),
    alert_ids=(ALERT.alert_id,),
    correlationid=ALERT.correlationid,
    causationid="f-1",
    mode="actual",
    team_id="hp-lift-team-1",
    due=at(1_842),
    steps=(
        StepEntry(step="registered", tier="unit", time=at(2), by="system"),
        StepEntry(step="accepted", tier="unit", time=at(42), by="hp-lift-team-1", note="on the way"),
    ),
    chain=(
        Link(kind="reading", id="vitals.readings/9/4711", time=at(2), detail=f"{LIFT}/lift_fault = 1"),
        Link(kind="alert", id=ALERT.alert_id, time=at(2)),
    ),
)
FEEDBACK = Feedback(
    order_id="0badc0de0123456789ab-1",
    unit_id=UNIT_ID,
    team_id="hp-lift-team-1",
    action="accept",
    time=at(42),
    by="hp-lift-team-1",
    note="on the way",
)
ACTION = Action(
    action="silence",
    district="hp",
    by="operator-1",
    time=at(40),
    reason="planned inspection",
    matcher=Matcher(scenario="lift-fault", unit_id=UNIT_ID),
    until=at(3_640),
)
WATERMARK = Watermark(source_partition=9, watermark=START_NS)
UNIT = Unit(
    unit_id=UNIT_ID,
    kind="building",
    name_zh="南京大楼",
    name_en="Nanjing Building",
    lat=31.2345,
    lon=121.4801,
    zones=(Zone(zone_id="hp-nb-lobby", area_m2=420.0, place="indoor", capacity=300, exits_m=4.5),),
    responsible="hp-lift-team-1",
)
DEVICE = Device(
    device_id=LIFT,
    unit_id=UNIT_ID,
    quantities=("lift_fault",),
    interval_s=10.0,
    gateway_id="gw-hp-01",
    lat=31.2345,
    lon=121.4801,
)
TEAM = Team(
    team_id="hp-lift-team-1",
    skills=("lift",),
    tier="unit",
    home_unit=UNIT_ID,
    capacity=2,
    shifts=(Shift(start=7.0, until=19.0),),
)
GATEWAY = Gateway(gateway_id="gw-hp-01", districts=("hp",))
REGISTRY_FILE = RegistryFile(units=(UNIT,), devices=(DEVICE,), teams=(TEAM,), gateways=(GATEWAY,))
GROUND_TRUTH = GroundTruth(
    scenario="lift-fault",
    unit_id=UNIT_ID,
    subject=LIFT,
    onset=at(2),
    end=at(600),
    expect_colour="orange",
    must_stay_silent=False,
)
MAPPING = Mapping(
    name="beijing-air",
    files=("BeijingAir/*.csv",),
    time=TimeColumns(columns=("year", "month", "day", "hour"), format="%Y %m %d %H"),
    time_zone="Asia/Shanghai",
    period_s=3_600.0,
    target="vitals.readings",
    unit=Unit(unit_id="bj.city.g01.air", kind="block", name_zh="北京空气", name_en="Beijing air"),
    values=(ValueColumn(column="PM2.5", to="pm25", unit="ug/m3"),),
    device="bj-air-{station}",
)
BALANCE = Balance(
    closed=True,
    by_partition=(
        BalanceLine(
            topic="vitals.readings",
            partition=9,
            in_=1_200,
            judged=1_190,
            late=4,
            dead=5,
            duplicate=1,
            stored=1_190,
            expired=0,
            skipped=0,
            store_dead=0,
            lag=0,
        ),
    ),
)
RUN_REPORT = RunReport(
    readings=1_200,
    readings_per_s=20.0,
    latency_s=Latency(alert=Quantiles(p50=0.4, p99=1.1, p999=1.6), stored=Quantiles(p50=0.9, p99=2.0, p999=2.4)),
    alerts=(
        ReportedAlert(
            alert_id=ALERT.alert_id,
            scenario="lift-fault",
            unit_id=UNIT_ID,
            colour="orange",
            state="NORM",
            first_seen=at(2),
            last_seen=at(600),
            count=5,
        ),
    ),
    cases=(ReportedCase(case_id=ORDER.case_id, scenario="lift-fault", step="closed", tier="unit", steps=ORDER.steps),),
    balance=BALANCE,
    scenarios=ScenarioScores(precision=1.0, recall=1.0),
)

EXAMPLES: dict[str, Callable[[], bytes]] = {
    "readings": lambda: encode_pack(READINGS),
    "crowd": lambda: encode_rows([CROWD]),
    "video": lambda: encode_rows([VIDEO]),
    "report": lambda: encode(REPORT),
    "indicator": lambda: encode(INDICATOR),
    "unit-scores": lambda: encode(UNIT_SCORES),
    "anomaly": lambda: encode(ANOMALY),
    "alert": lambda: encode(ALERT),
    "order": lambda: encode(ORDER),
    "feedback": lambda: encode(FEEDBACK),
    "action": lambda: encode(ACTION),
    "watermark": lambda: encode(WATERMARK),
    "registry-device": lambda: encode_entry(DEVICE),
    "registry-unit": lambda: encode_entry(UNIT),
    "registry-team": lambda: encode_entry(TEAM),
    "registry-gateway": lambda: encode_entry(GATEWAY),
    "registry-file": lambda: msgspec.json.encode(REGISTRY_FILE),
    "ground-truth": lambda: msgspec.json.encode(GROUND_TRUTH),
    "mapping": lambda: msgspec.json.encode(MAPPING),
    "balance": lambda: msgspec.json.encode(BALANCE),
    "run-report": lambda: msgspec.json.encode(RUN_REPORT),
}
