"""Random logs of the alert stage's three topics that keep the promises of those who write them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from schemas import channels
from schemas.actions import Action, Matcher
from schemas.anomalies import Anomaly, Phase
from schemas.ids import MODES
from streams.alert.grouping import key_of
from streams.delivery.records import Record
from tests.streams.alert.builders import (
    DELAYED,
    FAR,
    OTHER_UNIT,
    UNIT,
    action,
    anomaly,
    at,
    mark,
    record,
    scores,
    tick,
    when,
)

SCENARIOS = ("lift-fault", "gas-leak", "power-fault", "sensor-fault", None)
TOPICS = (channels.ANOMALIES, channels.UNIT_SCORES, channels.ACTIONS)
ACTIONS = ("acknowledge", "acknowledge", "acknowledge", "shelve", "unshelve", "silence", "maintenance", "end")


def random_log(seed: int, steps: int) -> dict[str, list[Record]]:
    """Return the three topics' logs; all end with what settles everything."""
    rng = random.Random(seed)
    signs = _anomalies(rng, steps)
    known = [what for what in signs if isinstance(what, Anomaly)]
    logs = {
        channels.ANOMALIES: [_numbered(what, place) for place, what in enumerate(signs)],
        channels.UNIT_SCORES: _scores(rng, steps // 2),
        channels.ACTIONS: _actions(rng, steps // 2, known),
    }
    for topic in (channels.ANOMALIES, channels.UNIT_SCORES):
        logs[topic] += [mark(topic, source, FAR) for source in (0, 1)]
    logs[channels.ACTIONS].append(tick(FAR))
    return logs


seeds = st.integers(0, 2**32)


def _numbered(what: Anomaly | Record, offset: int) -> Record:
    return record(what, offset) if isinstance(what, Anomaly) else what


def _anomalies(rng: random.Random, steps: int) -> list[Anomaly | Record]:
    marks = [0.0, 0.0]
    sent: list[Anomaly | Record] = []
    for _ in range(steps):
        source = rng.randrange(2)
        chance = rng.random()
        if chance < 0.3:
            marks[source] += rng.choice((0.5, 5, 40, 200))
            sent.append(mark(channels.ANOMALIES, source, marks[source]))
        elif chance < 0.4 and sent:
            sent += sent[-rng.randrange(1, 6) :]  # after a crash upstream: the same again
        elif chance < 0.45:
            sent += _flapping(rng, marks[source], source)
        else:
            sent.append(_anomaly(rng, marks[source], source))
    return sent


def _anomaly(rng: random.Random, not_before: float, source: int) -> Anomaly:
    seconds = not_before + rng.choice((0, 1, 5, 30))
    subject = f"dev-{source}{rng.randrange(2)}"
    scenario, mode = rng.choice(SCENARIOS), rng.choice((*MODES, "actual"))
    name = f"{subject}-{scenario}-{rng.randrange(2)}"
    phase: Phase = rng.choice(("onset", "update", "clear", "clear"))
    content = random.Random(f"{name}{phase}{seconds}{mode}")  # a copy says the same
    return anomaly(
        seconds,
        phase,
        name=name,
        subject=subject,
        scenario=scenario,
        mode=mode,
        score=content.choice((0.5, 1.2, 2.5, 3.0, 4.0)),
        quality=content.choice((0.3, 0.6, 0.9, 1.0)),
        quantity=content.choice(("lift_fault", "ch4")),
        unit_id=UNIT if source == 0 else OTHER_UNIT,
    )


def _flapping(rng: random.Random, not_before: float, source: int) -> list[Anomaly | Record]:
    """Return one device's alarm that comes and goes: within its settle time, or beyond it."""
    period = rng.choice((10, 50, 150))
    phases: list[Phase] = ["onset", "clear"] * rng.randrange(2, 6)
    return [
        anomaly(
            not_before + place * period,
            phase,
            name=f"flap-{source}",
            subject=f"flap-{source}",
            unit_id=UNIT if source == 0 else OTHER_UNIT,
        )
        for place, phase in enumerate(phases)
    ]


def _scores(rng: random.Random, steps: int) -> list[Record]:
    minutes = [0, 0]
    sent: list[Record] = []
    for place in range(steps):
        source = rng.randrange(2)
        unit_id = (UNIT, OTHER_UNIT)[source]
        if rng.random() < 0.5:
            sent.append(mark(channels.UNIT_SCORES, source, 60.0 * minutes[source]))
            minutes[source] += 1
        else:
            minute = max(minutes[source] - rng.choice((0, 0, 1, 3)), 0)
            revision = rng.randrange(3)
            content = random.Random(f"{unit_id}{minute}{revision}")
            event = scores(60.0 * minute, unit_id, revision, safety=content.uniform(0, 100), crowd=50.0)
            sent.append(record(event, place))
    return sent


def _actions(rng: random.Random, steps: int, known: Sequence[Anomaly]) -> list[Record]:
    now = 0.0
    sent: list[Record] = []
    for place in range(steps):
        now += rng.choice((0, 1, 10, 60))
        if rng.random() < 0.3:
            sent.append(tick(now, place))
            continue
        said = max(now + rng.choice((-200, -30, 0, 2, 500)), 0)
        sent.append(record(_action(rng, said, known), place, append_ns=at(now)))
    return sent


def _action(rng: random.Random, seconds: float, known: Sequence[Anomaly]) -> Action:
    about = rng.choice(known) if known else anomaly(0)
    scenario = DELAYED.scenarios[about.scenario or "lift-fault"]
    given: dict[str, object] = {}
    if rng.random() < 0.5:
        given["until"] = when(max(seconds + rng.choice((-10, 5, 100, 1_000)), 0))
    if rng.random() < 0.4:
        given["alert_id"] = key_of(about, scenario).alert_id(rng.randrange(2))
    else:
        given["matcher"] = rng.choice(
            (Matcher(unit_id="hp.nanjing-east"), Matcher(scenario=scenario.id), Matcher(subject=about.subject))
        )
    return action(seconds, rng.choice(ACTIONS), **given)
