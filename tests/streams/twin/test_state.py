"""A unit's twin: the newest of each thing that is not after the time, whatever the order of the events."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.judged import Judged, ReadingColumns
from schemas.orders import Order
from schemas.registry import Device
from schemas.signs import Indicator
from schemas.times import SECOND_NS, format_time, parse_time
from streams.catalogue.files import load_catalogue
from streams.twin.state import Twin, TwinFold
from streams.twin.text import render_twin
from tests.streams.console.builders import alert, case

UNIT = "hp.nanjing-east.g03.nanjing-building"
T0 = parse_time("2026-01-01T00:00:00Z")
CATALOGUE = load_catalogue()
DEVICES = (
    Device(device_id="noise-1", unit_id=UNIT, quantities=("LAeq",), interval_s=10, mode="exercise"),
    Device(device_id="cam-1", unit_id=UNIT, quantities=("video",), interval_s=5, mode="exercise"),
)


def indicator(minute: int, value: float, name: str = "noise_level", score: float = 82.5) -> Indicator:
    return Indicator(
        unit_id=UNIT, indicator=name, mode="exercise", window_start=format_time(T0 + minute * 60 * SECOND_NS),
        window_s=60, value=value, unit="dB", score=score, colour="green", n=30, coverage=0.9,
    )  # fmt: skip


def raised(version: int, second: int, state: str = "UNACK") -> Alert:
    return msgspec.structs.replace(
        alert(), unit_id=UNIT, version=version, sent=format_time(T0 + second * SECOND_NS), state=state
    )


def opened(version: int, second: int, step: str = "dispatched") -> Order:
    found = case(version, step)
    entry = msgspec.structs.replace(found.steps[-1], time=format_time(T0 + second * SECOND_NS))
    return msgspec.structs.replace(found, unit_id=UNIT, steps=(entry,))


def judged(second: int, value: float, quality: float = 1.0) -> Judged:
    columns = ReadingColumns(
        series=("noise-1/LAeq",),
        modes=("exercise",),
        index=np.zeros(1, "<u2").tobytes(),
        time=np.array([T0 + second * SECOND_NS], "<i8").tobytes(),
        value=np.array([value], "<f8").tobytes(),
        quality=np.array([quality], "<f4").tobytes(),
    )
    return Judged(
        source="vitals.readings", partition=0, offset=second, unit_id=UNIT, total=0, backfill=False, readings=columns
    )


Event = Indicator | Alert | Order | Judged
EVENTS: list[Event] = [
    *(indicator(minute, 50.0 + minute) for minute in range(6)),
    *(raised(version, 30 * version) for version in range(1, 5)),
    raised(5, 200, "NORM"),
    *(opened(version, 40 * version) for version in range(1, 5)),
    *(judged(second, 40.0 + second) for second in range(0, 300, 20)),
]


def twin(events: list[Event], at_s: float) -> Twin:
    fold = TwinFold(UNIT, T0 + round(at_s * SECOND_NS))
    for one in events:
        match one:
            case Indicator():
                fold.indicator(one)
            case Alert():
                fold.alert(one)
            case Order():
                fold.case(one)
            case _:
                fold.judged(one)
    return fold.twin(CATALOGUE, DEVICES, 900.0)


@given(st.integers(0, 2**32), st.integers(0, 400))
@settings(max_examples=60)
def test_the_order_of_events_does_not_matter(seed: int, at_s: int) -> None:
    shuffled = list(EVENTS)
    random.Random(seed).shuffle(shuffled)
    assert twin(shuffled, at_s) == twin(EVENTS, at_s)


@given(st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=60)
def test_what_comes_later_changes_no_past(first: int, later: int) -> None:
    at, until = sorted((first, later))
    known = twin(EVENTS, until)
    before = [one for one in EVENTS if _time(one) <= T0 + until * SECOND_NS]
    assert twin(before, at) == twin(EVENTS, at)
    assert parse_time(known.at) == T0 + until * SECOND_NS


def _time(one: Event) -> int:
    match one:
        case Indicator():
            return parse_time(one.window_start) + 60 * SECOND_NS
        case Alert():
            return parse_time(one.sent)
        case Order():
            return parse_time(one.steps[-1].time)
        case _:
            return T0 + one.offset * SECOND_NS


def test_a_past_time_shows_what_was_open_then() -> None:
    then, now = twin(EVENTS, 130.0), twin(EVENTS, 400.0)
    assert [(one.version, one.state) for one in then.alerts] == [(4, "UNACK")]
    assert now.alerts == ()  # over since
    assert [one.version for one in then.cases] == [3]
    assert [one.value for one in then.indicators] == [51.0]
    assert [one.value for one in now.indicators] == [55.0]


def test_devices_say_what_they_measured_last_and_how_well() -> None:
    then = twin([*EVENTS, judged(110, 99.0, 0.4)], 115.0)
    noise = next(one for one in then.devices if one.device_id == "noise-1")
    assert [(one.quantity, one.value, round(one.quality or 0, 2)) for one in noise.readings] == [("LAeq", 99.0, 0.4)]
    silent = next(one for one in then.devices if one.device_id == "cam-1")
    assert silent.readings == ()


@pytest.mark.parametrize(("scores", "worst"), [((90.0, 20.0), "fine_particles"), ((20.0, 90.0), "noise_level")])
def test_a_score_is_explained_by_what_made_it(scores: tuple[float, float], worst: str) -> None:
    found = twin([indicator(0, 60.0, score=scores[0]), indicator(0, 80.0, "fine_particles", scores[1])], 60.0)
    (domain,) = found.scores
    assert (domain.domain, domain.contributors[0].name) == ("environment", worst)
    assert 20.0 < domain.score < 55.0  # the worst counts more than the mean
    assert found.overall == {"exercise": pytest.approx(domain.score)}


def test_a_twin_is_read_in_a_terminal() -> None:
    said = [" ".join(line.split()) for line in render_twin(twin(EVENTS, 130.0)).splitlines()]
    assert said[0] == f"{UNIT} at 2026-01-01 08:02:10"
    assert "noise_level 51 dB 82.5 green 2026-01-01 08:01:00 coverage 0.90 [exercise]" in said
    assert any(line.startswith("cam-1 no reading in 15 min (video)") for line in said)
    assert any(line.startswith("noise-1 LAeq 160 at 08:02:00") for line in said)
    empty = render_twin(twin([], 0.0)).splitlines()
    assert [line.strip() for line in empty if "none" in line] == ["none yet", "none yet", "none", "none"]
