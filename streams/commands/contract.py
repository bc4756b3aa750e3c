"""The contract for others, and the catalogue: what is said before any record flows."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands import running
from streams.commands.running import with_settings
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
    """Quantities, indicators, scenarios.

    Example: vitals catalogue check
    """


@catalogue.command("check")
@with_settings
def catalogue_check(settings: Settings) -> None:
    """Read every file of the catalogue (VITALS_CATALOGUE) and say what is wrong.

    Example: vitals catalogue check
    """
    found = running.catalogue_of(settings)
    click.echo(
        f"{settings.catalogue}: {len(found.quantities)} quantities, {len(found.indicators)} indicators, "
        f"{len(found.scenarios) - 1} scenarios and `other`"
    )
