"""What an unattended run is asked, how it is judged, and what it tells."""

import msgspec
import pytest

from schemas.files import GroundTruth
from schemas.ids import Tier
from schemas.orders import Order, Step, StepEntry
from streams.local.histogram import quantiles_of
from streams.local.outcome import judge_run
from streams.local.plan import UpPlan, parse_duration, settings_of
from streams.local.ports import free_port_from
from streams.local.report import score_scenarios
from streams.local.up import check_scenarios, summary_line
from streams.settings import Settings, SettingsError
from streams.store.balance import Balance

WHEN = "2026-01-01T00:00:00Z"
UNIT = "hp.nanjing-east.g03.nanjing-building"
CLOSED = Balance(closed=True, status="closed", by_partition=())
TRUTH = GroundTruth(
    scenario="lift-fault", unit_id=UNIT, subject="lift-1", onset=WHEN, end=None, expect_colour="orange",
    must_stay_silent=False,
)  # fmt: skip


def case(step: Step, tier: Tier = "unit", by: str = "sensor") -> Order:
    entry = StepEntry(step="checked", tier=tier, time=WHEN, by=by)
    return Order(
        case_id="c1",
        order_id=None,
        version=1,
        unit_id=UNIT,
        scenario="lift-fault",
        colour="orange",
        step=step,
        tier=tier,
        attempt=0,
        opened=WHEN,
        alert_ids=("a1",),
        correlationid="a1",
        causationid="a1",
        mode="exercise",
        steps=(entry,),
    )


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5_400), ("20", 20), ("250ms", 0.25)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3s", "3 weeks"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match="90s"):
        parse_duration(text)


def test_a_scenario_runs_on_fast_clocks_with_little_disorder() -> None:
    trial = settings_of(UpPlan(scenarios=("lift-fault",)), Settings())
    assert (trial.clock_scale, trial.disorder_s) == (60.0, 2.0)
    plain = settings_of(UpPlan(), Settings())
    assert (plain.clock_scale, plain.disorder_s) == (1.0, 10.0)


def test_a_clock_scale_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"0\.5"):
        settings_of(UpPlan(clock_scale=0.5), Settings())


def test_an_unknown_scenario_is_refused_by_name() -> None:
    assert check_scenarios(("all",), ("a", "b")) == ("a", "b")
    with pytest.raises(SettingsError, match="flood"):
        check_scenarios(("flood",), ("a", "b"))


@pytest.mark.parametrize(
    ("found", "is_recovering", "code"),
    [
        (case("closed"), True, 0),
        (case("closed", by="system"), True, 1),  # closed, but no sensor said so
        (case("handled"), True, 1),
        (case("dispatched", "city"), False, 0),
        (case("dispatched", "district"), False, 1),
        (case("closed", "city"), False, 1),
    ],
)
def test_a_run_is_judged_by_how_its_case_ended(found: Order, is_recovering: bool, code: int) -> None:
    plan = UpPlan(scenarios=("lift-fault",), is_recovering=is_recovering)
    assert judge_run(CLOSED, {"c1": found}, [TRUTH], plan).exit_code == code


def test_a_run_without_its_case_or_with_an_open_balance_failed() -> None:
    plan = UpPlan(scenarios=("lift-fault",))
    assert judge_run(CLOSED, {}, [TRUTH], plan).exit_code == 1
    still_open = msgspec.structs.replace(CLOSED, closed=False, status="open", problems=("1 row is missing",))
    outcome = judge_run(still_open, {"c1": case("closed")}, [TRUTH], plan)
    assert outcome.exit_code == 1
    assert "  1 row is missing" in outcome.lines


def test_without_alerts_recall_is_zero_and_precision_unknown() -> None:
    scores = score_scenarios([], {}, [TRUTH])
    assert (scores.precision, scores.recall) == (None, 0.0)


def test_a_taken_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port_from(port) > port


def test_the_summary_says_what_a_person_wants_to_know() -> None:
    said = {"units": 3, "score": 84.6, "alerts": 1, "cases": 1, "closed_cases": 2, "lag_s": 3.4, "mode": "exercise"}
    line = summary_line(said)
    assert line == "score 85, 3 units, 1 open alerts, 1 open cases, 2 closed, newest window 3 s old  [exercise]"
    assert "still open" in summary_line({"units": 0})


def test_quantiles_are_read_from_a_histogram() -> None:
    text = (
        "# TYPE x_seconds histogram\n"
        'x_seconds_bucket{le="1.0"} 50\nx_seconds_bucket{le="2.0"} 100\nx_seconds_bucket{le="+Inf"} 100\n'
        "x_seconds_count 100\nx_seconds_sum 90\n"
    )
    found = quantiles_of(text, "x_seconds")
    assert found.p50 == 1.0
    assert found.p99 == pytest.approx(1.98)
    assert quantiles_of(text, "y_seconds").p50 is None
