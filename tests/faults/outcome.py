"""What the real stages made of a log, read from their topics and manifests, in the shape of ``Expected``."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_indicator
from schemas.judged import decode_judged
from schemas.orders import Order
from streams.dead_letters.letters import Filter, read_letters
from streams.newest import events, newest_alerts, newest_cases
from streams.settings import Settings
from streams.state.manifest import read_manifests
from tests.faults.expected import Expected, IndicatorKey, Letter, Point, Signs

Points = dict[Point, float]
# Not counts of versions (design, section 5), nor what names one.
OF_VERSIONS = ("version", "identifier", "references")


async def outcome_of(settings: Settings) -> Expected:
    """Return what has become of the log; all of it must have been judged."""
    manifests = await read_manifests(settings, "sense")
    return Expected(
        counters={
            (topic, number): dict(counts)
            for number, manifest in manifests.items()
            for topic, counts in manifest.counters.items()
            if counts["in"]
        },
        points=await _points(settings, channels.JUDGED),
        late=await _points(settings, channels.LATE),
        dead=await _dead(settings),
        indicators=await _indicators(settings),
        alerts={ident: plain(alert) | told_of(alert) for ident, alert in (await newest_alerts(settings)).items()},
        cases={ident: plain(case) | path_of(case) for ident, case in (await newest_cases(settings)).items()},
    )


def plain(state: msgspec.Struct) -> dict[str, object]:
    """Return names and values of an alert or a case, without those that count versions."""
    found: dict[str, object] = msgspec.to_builtins(state)
    return {name: value for name, value in found.items() if name not in OF_VERSIONS}


def told_of(alert: Alert) -> dict[str, object]:
    """Return the state of each subject of an alert, in few words."""
    return {"told": [(one.subject, one.state, one.since) for one in alert.subjects]}


def path_of(case: Order) -> dict[str, object]:
    """Return the steps of a case, in few words."""
    return {"path": [(one.step, one.tier, one.time) for one in case.steps]}


def points_of(judged: Any) -> Points:
    """Return the readings of a ``Judged`` record by series and time (ns)."""
    columns = judged.readings
    if columns is None:
        return {}
    index, time, value = (
        np.frombuffer(raw, kind).tolist()
        for raw, kind in ((columns.index, "<u2"), (columns.time, "<i8"), (columns.value, "<f8"))
    )
    return dict(zip(zip([columns.series[i] for i in index], time, strict=True), value, strict=True))


async def _points(settings: Settings, topic: str) -> Points:
    found: Points = {}
    async for record in events(settings, topic):
        found |= points_of(decode_judged(record.value or b""))
    return found


async def _dead(settings: Settings) -> dict[Letter, str]:
    found = {}
    async for letter in (one.dead async for one in read_letters(settings, Filter())):
        place = (letter.topic, letter.partition, letter.offset, -1 if letter.index is None else letter.index)
        found[place] = str(letter.reason)
    return found


async def _indicators(settings: Settings) -> dict[IndicatorKey, Signs]:
    newest: dict[IndicatorKey, tuple[int, Signs]] = {}
    async for record in events(settings, channels.INDICATORS):
        one = decode_indicator(record.value or b"")
        key = (one.unit_id, one.indicator, one.mode, one.window_start)
        if key not in newest or one.revision >= newest[key][0]:
            newest[key] = one.revision, (round(one.value, 6), round(one.score, 6), one.n, round(one.coverage, 6))
    return {key: values for key, (_, values) in newest.items()}
