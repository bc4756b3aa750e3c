"""The registry's commands: write, show, check; and which devices speak that nobody knows."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from schemas.registry import EPOCH, Device, RegistryFile
from streams.commands import running
from streams.commands.running import need_kafka, with_kafka, with_settings
from streams.settings import Settings, SettingsError

WAIT_SECONDS = 60.0
SHOWN = 50  # differences


@click.group()
def registry() -> None:
    """Write or check devices, units, teams, gateways.

    Example: vitals registry apply district.yaml
    """


@registry.command("apply")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
@click.option("--wait", "wait_s", default=WAIT_SECONDS, show_default=True, help="Seconds to wait until sense has it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def registry_apply(settings: Settings, file: Path, dry_run: bool, wait_s: float, as_json: bool) -> None:
    """Write a registry file (YAML or JSON lines), and say what that changes; the same file again writes nothing.

    Example: vitals registry apply district.yaml --dry-run
    """
    from schemas.registry_codec import read_registry
    from streams.registry.apply import read_known

    view = asyncio.run(read_known(settings))
    _apply(settings, read_registry(file, view.units), dry_run, wait_s, as_json=as_json)


@registry.command("add-device")
@click.argument("device_id", metavar="ID")
@click.option("--unit", "unit_id", metavar="ID", required=True, help="Where it stands: a registered unit.")
@click.option("--quantity", "quantities", multiple=True, required=True, help="What it measures; may come again.")
@click.option("--interval", "interval_s", type=float, required=True, help="Seconds from reading to reading.")
@click.option("--gateway", "gateway_id", metavar="ID", help="Who speaks for it.")
@click.option("--zone", "zone_id", metavar="ID", help="In which zone of its unit it stands.")
@click.option("--lat", type=float, help="Degrees north.")
@click.option("--lon", type=float, help="Degrees east.")
@click.option("--mode", default="actual", show_default=True, help="actual, exercise or test.")
@click.option("--valid-from", default=EPOCH, show_default=True, metavar="TIME", help="Event time from which it holds.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
@click.option("--wait", "wait_s", default=WAIT_SECONDS, show_default=True, help="Seconds to wait until sense has it.")
@with_kafka
def registry_add_device(settings: Settings, dry_run: bool, wait_s: float, **fields: object) -> None:
    """Write one device, new or changed.

    Example: vitals registry add-device hp-noise-7 --unit hp.bund.g01.bund-a --quantity LAeq --interval 10
    """
    from schemas.registry_codec import check_registry
    from streams.registry.apply import read_known

    given = {name: value for name, value in fields.items() if value is not None}
    try:
        file = RegistryFile(devices=(msgspec.convert(given, Device),))
    except msgspec.ValidationError as error:
        raise SettingsError(f"no such device can be: {error}") from error
    problems = check_registry(file, asyncio.run(read_known(settings)).units)
    if problems:
        raise SettingsError(f"{problems[0]}; `vitals registry apply FILE` writes units")
    _apply(settings, file, dry_run, wait_s)


@registry.command("show")
@click.argument("ident", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def registry_show(settings: Settings, ident: str | None, as_json: bool) -> None:
    """Show a unit with its devices, a device, a team or a gateway; without ID how many there are.

    Example: vitals registry show hp.bund.g01.bund-a
    """
    from streams.registry.apply import read_known
    from streams.registry.show import find, render

    view = asyncio.run(read_known(settings))
    if ident is None:
        counts = view.counts()
        click.echo(msgspec.json.encode(counts).decode() if as_json else _counted(counts))
        return
    found = find(view, ident)
    if found == RegistryFile():
        click.echo(f"vitals: nothing registered has the id {ident!r}", err=True)
        sys.exit(running.CHECK_FAILED)
    click.echo(msgspec.json.encode(found).decode() if as_json else render(found))


@registry.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--alone", is_flag=True, help="Do not ask Kafka which units are registered already.")
@with_settings
def registry_check(settings: Settings, file: Path | None, alone: bool) -> None:
    """Say what is wrong with a registry file, or without FILE with what is registered; writes nothing.

    Exit code 0: nothing, 1: something.

    Example: vitals registry check district.yaml --alone
    """
    from schemas.files import FileFormatError
    from schemas.registry_codec import check_registry, read_registry
    from streams.registry.apply import read_known
    from streams.registry.show import everything
    from streams.registry.view import RegistryView

    if alone and file is None:
        raise SettingsError("--alone needs a FILE: what is registered is in Kafka")
    if not alone:
        need_kafka(settings)
    view = RegistryView() if alone else asyncio.run(read_known(settings))
    found, problems = everything(view), []
    if file is None:
        problems += check_registry(found)
    else:
        try:
            found = read_registry(file, view.units)
        except FileFormatError as error:
            problems.append(str(error))
    problems += _unknown_quantities(settings, found.devices)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(running.CHECK_FAILED)
    click.echo("well: " + _counted({name: len(getattr(found, name)) for name in found.__struct_fields__}))


@registry.command("unknown")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def registry_unknown(settings: Settings, as_json: bool) -> None:
    """List the devices that have spoken and are still not registered, the most talkative first.

    Example: vitals registry unknown
    """
    from streams.registry.unknown import AFTERWARDS, adopting, unknown_devices

    found = asyncio.run(unknown_devices(settings))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        where = "of no known unit" if one.unit_id is None else f"in {one.unit_id}"
        click.echo(f"{one.device_id:<40} {one.readings:>8} readings of {', '.join(one.quantities)}, {where}")
        click.echo(f"    {adopting(one)}")
    click.echo(f"{len(found)} unknown devices" + (f"; {AFTERWARDS}" if found else ""))


def _apply(settings: Settings, file: RegistryFile, is_dry_run: bool, wait_s: float, *, as_json: bool = False) -> None:
    from streams.registry.apply import apply_registry, wait_until_read
    from streams.registry.diff import render_difference

    problems = list(_unknown_quantities(settings, file.devices))
    if problems:
        raise SettingsError(problems[0])
    if file.rules:
        _check_rules(settings, file)
    applied = asyncio.run(apply_registry(settings, file, is_dry_run))
    if as_json:
        counts = {"written": applied.written, "unchanged": applied.unchanged, "dry_run": is_dry_run}
        click.echo(msgspec.json.encode({**counts, "differences": applied.differences}).decode())
    else:
        for one in applied.differences[:SHOWN]:
            click.echo(render_difference(one))
        if len(applied.differences) > SHOWN:
            click.echo(f"... and {len(applied.differences) - SHOWN} more (--json shows all)")
        click.echo(f"{applied.written} {'would be ' if is_dry_run else ''}written, {applied.unchanged} unchanged")
    if not is_dry_run and wait_s > 0 and not asyncio.run(wait_until_read(settings, applied, wait_s)):
        click.echo("vitals: written, but sense has not read it yet; is a worker running?", err=True)
        sys.exit(running.TIMED_OUT)


def _check_rules(settings: Settings, file: RegistryFile) -> None:
    """Refuse changed rules that the catalogue would not bear, before any stage has to."""
    from streams.catalogue.timeline import RuleRefusedError, Timeline, changed
    from streams.registry.apply import read_known

    catalogue = Timeline(running.catalogue_of(settings), asyncio.run(read_known(settings))).all()[-1].catalogue
    for rule in file.rules:
        try:
            catalogue = changed(catalogue, rule)
        except RuleRefusedError as error:
            raise SettingsError(f"nothing is written: {error}") from error


def _unknown_quantities(settings: Settings, devices: Iterable[Device]) -> Iterable[str]:
    known = running.catalogue_of(settings).quantities
    for device in devices:
        for quantity in device.quantities:
            if quantity not in known and quantity != "video":
                yield f"device {device.device_id}: the catalogue has no quantity {quantity}; it has {', '.join(known)}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
