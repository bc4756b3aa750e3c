"""The contract for others, and the catalogue: what is said before any record flows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from streams.commands import running
from streams.commands.running import with_kafka, with_settings
from streams.settings import Settings, SettingsError


@click.group()
def schema() -> None:
    """The contract for those who publish and read.

    Example: vitals schema export contract/
    """


@schema.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@with_settings
def schema_export(_: Settings, folder: Path) -> None:
    """Write a JSON Schema per event and file, and one AsyncAPI 3 document.

    Example: vitals schema export contract/
    """
    from schemas.export import export

    try:
        written = export(folder)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written to: {error.strerror}") from error
    for path in written:
        click.echo(path)


@click.group()
def catalogue() -> None:
    """Quantities, indicators, scenarios, units, teams.

    Example: vitals catalogue check
    """


@catalogue.command("try")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--for", "duration", default="10m", show_default=True, metavar="TIME", help="How much of the log: 10m.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def catalogue_try(settings: Settings, file: Path, duration: str, as_json: bool) -> None:
    """Show what a scenario's file would have raised in the last minutes, beside what is in force; writes nothing.

    Example: vitals catalogue try gas-leak.yaml --for 10m
    """
    from schemas.registry import RuleRecord
    from streams.catalogue.files import read_scenario
    from streams.catalogue.timeline import RuleRefusedError, changed
    from streams.catalogue.trial import render_trial, try_catalogue
    from streams.local.plan import parse_duration

    before, scenario = running.catalogue_of(settings), read_scenario(file)
    rule = RuleRecord(rule_id=f"scenario:{scenario.id}", version=1, entry=scenario.model_dump(mode="json"))
    try:
        after = changed(before, rule)
    except RuleRefusedError as error:
        raise SettingsError(f"{file}: {error}") from error
    found = asyncio.run(try_catalogue(settings, before, after, parse_duration(duration)))
    click.echo(msgspec.json.encode(found).decode() if as_json else render_trial(found))


@catalogue.command("check")
@with_settings
def catalogue_check(settings: Settings) -> None:
    """Read every file of the catalogue (VITALS_CATALOGUE) and say what is wrong.

    Example: vitals catalogue check
    """
    found = running.catalogue_of(settings)
    click.echo(
        f"{settings.catalogue}: {len(found.quantities)} quantities, {len(found.indicators)} indicators, "
        f"{len(found.scenarios) - 1} scenarios and `other`, {len(found.registry.units)} units, "
        f"{len(found.registry.teams)} teams"
    )
