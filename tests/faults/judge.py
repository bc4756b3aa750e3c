"""The judge: reads the log, the history and what the stages made of it, and holds it against the oracle, offline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from streams.catalogue.files import load_catalogue
from streams.settings import Settings
from tests.faults import invariants
from tests.faults.district import registry
from tests.faults.expected import Expected
from tests.faults.log import read_log
from tests.faults.oracle import expect
from tests.faults.outcome import outcome_of
from tests.faults.publishing import read_history
from tests.faults.trial import history_of

DUCKDB = "duckdb://"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a fault cost; ``violations`` in words, empty where every promise was kept."""

    rows: int  # in the log
    points: int  # readings that should be stored
    replays: int  # source records that were judged more than once
    lost: int  # rows that should have been judged and were not
    doubled: int  # points that should not be there, or are otherwise than they should be
    violations: list[str]


async def judge(
    base: Settings, settings: Settings, *, units: int = 12, is_sense_alone: bool = False, is_stored: bool = True
) -> Verdict:
    """Judge a judgement (``settings``) of the log (``base``); the stages must have come to its end and have stopped.

    Parameters
    ----------
    is_sense_alone
        Whether no other stage ran.
    is_stored
        Whether a store ran, too; a DuckDB file must show the points that should be there.
    """
    log = await read_log(base)
    expected = expect(log, registry(units), load_catalogue(Path(settings.catalogue)), settings)
    found = await outcome_of(settings)
    judged = await invariants.judged_records(settings)
    violations = [
        *invariants.lost_acknowledged(read_history(history_of(base)), log),
        *unlike(_of_sense(expected) if is_sense_alone else expected, found),
        *invariants.out_of_order(judged),
        *invariants.judged_differently(judged),
        *await invariants.versions_that_repeat_otherwise(settings),
    ]
    if is_stored and not is_sense_alone:
        violations += await invariants.unbalanced(settings)
        if settings.store.startswith(DUCKDB):
            violations += invariants.stored_otherwise(expected.points, Path(settings.store.removeprefix(DUCKDB)))
    both = expected.points.keys() & found.points.keys()
    return Verdict(
        rows=sum(counts["in"] for counts in expected.counters.values()),
        points=len(expected.points),
        replays=invariants.replays(judged),
        lost=len(expected.points.keys() - found.points.keys()),
        doubled=len(found.points) - sum(expected.points[key] == found.points[key] for key in both),
        violations=violations,
    )


def _of_sense(expected: Expected) -> Expected:
    """Return what sense alone is to make: no tiers' signs, no alerts, no cases."""
    units = {unit.unit_id for unit in registry(100).units}
    of_units = {key: signs for key, signs in expected.indicators.items() if key[0] in units}
    return replace(expected, indicators=of_units, alerts={}, cases={})


def unlike(expected: Expected, found: Expected) -> list[str]:
    """Return where the stages and the oracle differ; of alerts and cases what the oracle has a word for."""
    violations = []
    for table in ("counters", "points", "late", "dead", "indicators"):
        violations += invariants.differences(table, getattr(expected, table), getattr(found, table))
    for table in ("alerts", "cases"):
        wanted: dict[str, dict[str, object]] = getattr(expected, table)
        told = {
            ident: {name: value for name, value in state.items() if name in wanted.get(ident, state)}
            for ident, state in getattr(found, table).items()
        }
        violations += invariants.differences(table, wanted, told)
    return violations
