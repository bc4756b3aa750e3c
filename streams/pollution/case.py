"""The likely sources of a case: its quantities and its span stand in its causal chain."""

from __future__ import annotations

from schemas.catalogue import Catalogue
from schemas.orders import ENDED, Order
from schemas.rules import Rule, signals_of
from schemas.times import SECOND_NS, parse_time
from streams.clock import EventClock
from streams.pace import Pace
from streams.pollution.answer import CaseSources
from streams.pollution.likely import sources_within
from streams.pollution.span import Span
from streams.settings import Settings

SCENARIO = "pollution-source"
BEFORE_S, AFTER_S = 1_800.0, 1_800.0  # around the first reading that raised it
FIRST_SIGNS = ("reading", "anomaly")


def has_sources(order: Order) -> bool:
    """Whether a case is one whose sources are looked for."""
    return order.scenario == SCENARIO


async def sources_of_case(settings: Settings, catalogue: Catalogue, order: Order) -> CaseSources:
    """Return the likely sources of a case, out of the log around its onset; ``OutOfLogError`` where it is too old."""
    quantities = quantities_of(order, catalogue)
    if not quantities:
        return CaseSources(case_id=order.case_id, found=(), note="no sensor raised it: there is no rise to explain")
    span = span_of(order, catalogue, Pace(settings.clock_scale), EventClock(settings).now_ns())
    found = await sources_within(settings, span, quantities, catalogue)
    return CaseSources(case_id=order.case_id, found=found)


def quantities_of(order: Order, catalogue: Catalogue) -> tuple[str, ...]:
    """Return the scenario's quantities whose readings raised a case, in the order in which they did."""
    judged = {name for rule in _rules(catalogue) for name in signals_of(rule)}
    series = [link.id.rpartition(" ")[2] for link in order.chain if link.kind == "reading"]
    names = [name.rpartition("/")[2] for name in series]
    return tuple(dict.fromkeys(name for name in names if name in judged))


def span_of(order: Order, catalogue: Catalogue, pace: Pace, now_ns: int) -> Span:
    """Return the time around a case's onset: to its end, or to now, but not for ever.

    What a rule saw may have begun a window before its reading: what lies before that is taken for calm.
    """
    signs = [parse_time(link.time) for link in order.chain if link.kind in FIRST_SIGNS]
    onset_ns = min(signs, default=parse_time(order.opened))
    window_ns = max((pace.window_ns(rule.window_s) for rule in _rules(catalogue)), default=0)
    end_ns = parse_time(order.steps[-1].time) if order.step in ENDED and order.steps else now_ns
    return Span(
        since_ns=onset_ns - round(BEFORE_S * SECOND_NS),
        until_ns=max(onset_ns, min(end_ns, now_ns, onset_ns + round(AFTER_S * SECOND_NS))),
        mode=order.mode,
        calm_ns=onset_ns - window_ns,
    )


def _rules(catalogue: Catalogue) -> tuple[Rule, ...]:
    return catalogue.scenarios[SCENARIO].rules if SCENARIO in catalogue.scenarios else ()
