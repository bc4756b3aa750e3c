"""What is there: the balance, a case's chain, a unit as it stands, the whole on one screen."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands import running
from streams.commands.running import with_kafka
from streams.settings import Settings

if TYPE_CHECKING:
    from schemas.orders import Order
    from streams.dispatch.statistics import By

SHOWN = 10


@click.command()
@click.option("--wait", "wait_s", default=0.0, metavar="SECONDS", help="How long to wait until no lag is left.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def balance(settings: Settings, wait_s: float, as_json: bool) -> None:
    """Show that no row is lost: in = judged + late + dead + duplicate, and judged = stored + ... + lag.

    Exit code 0: closed, 1: open, 3: lag left.

    Example: vitals balance --wait 30
    """
    from streams.store.balance import balance as read_balance
    from streams.store.balance_text import balance_text

    found = asyncio.run(read_balance(settings, wait_s))
    click.echo(msgspec.json.encode(found).decode() if as_json else balance_text(found))
    sys.exit(found.exit_code())


@click.command()
@click.argument("case_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def case(settings: Settings, case_id: str, as_json: bool) -> None:
    """Print a case's causal chain, from the reading to the reading that proved it right; of pollution its sources too.

    ID is a case's or an order's; its beginning is enough.

    Example: vitals case 3f2a
    """
    from streams.dispatch.chain import render_case
    from streams.newest import newest_cases

    cases = asyncio.run(newest_cases(settings))
    found = [case for ident, case in cases.items() if ident.startswith(case_id.rpartition("-")[0] or case_id)]
    if len(found) != 1:
        what = "no case begins" if not found else f"{len(found)} cases begin"
        known = ", ".join(f"{c.case_id} ({c.scenario}, {c.step})" for c in list(cases.values())[-5:])
        click.echo(f"vitals: {what} with {case_id!r}; the last: {known or 'none'}", err=True)
        sys.exit(running.CHECK_FAILED)
    click.echo(msgspec.json.encode(found[0]).decode() if as_json else render_case(found[0]))
    if not as_json:
        _echo_sources(settings, found[0])


def _echo_sources(settings: Settings, found: Order) -> None:
    from streams.pollution.case import has_sources, sources_of_case
    from streams.pollution.text import HEAD, render_case_sources
    from streams.twin.around import OutOfLogError

    if not has_sources(found):
        return
    try:
        click.echo(render_case_sources(asyncio.run(sources_of_case(settings, running.catalogue_of(settings), found))))
    except OutOfLogError as error:
        click.echo(f"{HEAD}\n  not known any more: {error}")


@click.command()
@click.argument("quantity")
@click.option("--for", "duration", default="30m", show_default=True, metavar="TIME", help="How much of the log: 30m.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def sources(settings: Settings, quantity: str, duration: str, as_json: bool) -> None:
    """Rank where pollution may come from: in air places by wind, time lag and distance, in water points upstream.

    Example: vitals sources voc --for 30m
    """
    from streams.local.plan import parse_duration
    from streams.pollution.likely import likely_sources
    from streams.pollution.text import render_sources

    catalogue = running.catalogue_of(settings)
    found = asyncio.run(likely_sources(settings, catalogue, quantity, parse_duration(duration)))
    click.echo(msgspec.json.encode(found).decode() if as_json else render_sources(found))


@click.command()
@click.option("--by", type=click.Choice(["scenario", "level", "subdistrict"]), default="scenario", show_default=True,
              help="What the groups are; a level is the highest tier that a case reached.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def statistics(settings: Settings, by: By, as_json: bool) -> None:
    """Show how well cases are handled: time per step, on-time share, first-time fix, reopen rate, false dispatch.

    Example: vitals statistics --by subdistrict
    """
    from streams.dispatch.statistics import render_statistics, statistics_of
    from streams.newest import newest_cases

    found = statistics_of(asyncio.run(newest_cases(settings)).values(), by)
    click.echo(msgspec.json.encode(found).decode() if as_json else render_statistics(found))


@click.command()
@click.argument("unit_id", metavar="ID")
@click.option("--at", metavar="TIME", help="As it was then: RFC 3339 in UTC (...Z).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def unit(settings: Settings, unit_id: str, at: str | None, as_json: bool) -> None:
    """Show a unit's twin as it stands, or stood: explained score, indicators, open alerts and cases, devices.

    ID is a unit's, or the end of it; a tier's prefix (hp.nanjing-east) shows that tier's scores.

    Example: vitals unit nanjing-building --at 2026-11-27T13:55:00Z
    """
    from streams.twin.log import registered_units, twin_at
    from streams.twin.names import meant, or_close
    from streams.twin.text import render_twin

    at_ns = None if at is None else running.event_time("--at", at)
    units = asyncio.run(registered_units(settings))
    known = meant(units, unit_id)
    if len(known) != 1:
        none = f"no unit is, or ends with, {unit_id!r}{or_close(units, unit_id)}"
        what = none if not known else f"{len(known)} units end with {unit_id!r}"
        click.echo(f"vitals: {what}" + (f": {', '.join(known[:SHOWN])}" if known else ""), err=True)
        sys.exit(running.CHECK_FAILED)
    found = asyncio.run(twin_at(settings, running.catalogue_of(settings), known[0], at_ns))
    click.echo(msgspec.json.encode(found).decode() if as_json else render_twin(found))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def status(settings: Settings, as_json: bool) -> None:
    """Show the whole on one screen: processes, rows and their balance, lag, rates, watermarks, what is open or dead.

    Exit code as of `vitals balance`.

    Example: vitals status
    """
    from streams.overview import overview, render_overview

    found = asyncio.run(overview(settings))
    click.echo(msgspec.json.encode(found).decode() if as_json else render_overview(found))
    sys.exit(found.exit_code())


@click.command()
@click.argument("ident", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def trace(settings: Settings, ident: str, as_json: bool) -> None:
    """Tell what became of something: judged, late, dead and why, stored, and what it led to.

    ID is a record's id (or the Idempotency-Key under which it was posted), a place in the log (topic:partition:offset),
    a device or camera, a report, an alert, a case or an anomaly. Exit code 1: nothing was found.

    Example: vitals trace my-sensor-1
    """
    from streams.trace.search import trace as search
    from streams.trace.words import render

    found = asyncio.run(search(settings, ident))
    click.echo(msgspec.json.encode(found).decode() if as_json else render(found))
    sys.exit(running.CHECK_FAILED if found.is_empty() else running.OK)
