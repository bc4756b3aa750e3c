"""``vitals``: every command, one line of what it does, and an example in its ``--help``."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path

import click
import msgspec
from aiokafka import AIOKafkaProducer

from streams.commands import running
from streams.commands.running import run_until_stopped, set_up_logging, with_settings
from streams.settings import Settings, SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="urban-vitals")
def main() -> None:
    """Urban Vitals: a district's vital signs, its alerts, and every wrong thing followed until it is put right.

    Settings are VITALS_* variables, or a TOML file named by VITALS_CONFIG; while `vitals up` runs, the other commands
    find it by themselves.

    Example: vitals up --for 90s --scenario lift-fault --report r.json
    """


@main.group()
def topics() -> None:
    """Make or show the topics.

    Example: vitals topics create
    """


@topics.command("create")
@click.option("--replication", default=1, show_default=True, help="Copies of each partition; 3 in a deployment.")
@with_settings
def topics_create(settings: Settings, replication: int) -> None:
    """Make the topics that are missing.

    Example: vitals topics create --kafka 127.0.0.1:9092
    """
    from streams.provision import create_topics

    made = asyncio.run(create_topics(settings, replication))
    click.echo(f"{len(made)} topics made" + (": " + ", ".join(made) if made else "; all are there"))


@topics.command("describe")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def topics_describe(settings: Settings, as_json: bool) -> None:
    """Show each topic's partitions, wanted and there.

    Example: vitals topics describe --json
    """
    from streams.provision import describe_topics

    rows = asyncio.run(describe_topics(settings))
    if as_json:
        click.echo(json.dumps([{"topic": n, "wanted": w, "partitions": h} for n, w, h in rows]))
    else:
        for name, wanted, have in rows:
            click.echo(f"{name:<40} {have:>3} of {wanted}")
    sys.exit(running.OK if all(wanted == have for _, wanted, have in rows) else running.CHECK_FAILED)


@main.command()
@click.option("--stages", default="sense,alert,dispatch", show_default=True, help="Which stages, with commas.")
@click.option("--port", type=int, help="Port of metrics and health.  [VITALS_METRICS_PORT]")
@with_settings
def worker(settings: Settings, stages: str, port: int | None) -> None:
    """Run stages, a child process each.

    Example: vitals worker --stages sense
    """
    from streams.work import MAKERS, run_stage, run_stages

    names = [name.strip() for name in stages.split(",") if name.strip()]
    if not names or set(names) - set(MAKERS):
        raise SettingsError(f"--stages {stages}: must name some of {', '.join(MAKERS)}")
    set_up_logging()
    if len(names) == 1:
        run_until_stopped(lambda stop: run_stage(settings, names[0], stop, port or settings.metrics_port))
    else:
        run_until_stopped(lambda stop: run_stages(settings, names, stop))


@main.command()
@with_settings
def store(settings: Settings) -> None:
    """Write what was judged into the database.

    Example: vitals store --store influxdb://127.0.0.1:8086
    """
    from streams.store.consumer import run_store

    set_up_logging()
    run_until_stopped(lambda stop: run_store(settings, stop))


@main.command()
@with_settings
def ticker(settings: Settings) -> None:
    """Write a tick a second into every source, so that time moves.

    Example: vitals ticker
    """
    from streams.ticker import run_ticker

    set_up_logging()
    run_until_stopped(lambda stop: run_ticker(settings, stop))


@main.command()
@click.option("--devices", default=2_000, show_default=True, help="How many simulated devices.")
@click.option("--seed", default=1, show_default=True, help="The same seed simulates the same district.")
@click.option("--scenario", "scenarios", multiple=True, help="Inject this scenario (with --for); `all`: every one.")
@click.option("--for", "duration", metavar="TIME", help="Run unattended this long from readiness on: 90s, 15m.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the run's report (JSON).")
@click.option("--no-recovery", is_flag=True, help="Fault stays, no team accepts: the case must climb to the city.")
@click.option("--clock-scale", type=float, help="Divide clocks and simulated times; 60 with --scenario, else 1.")
@with_settings
def up(
    settings: Settings,
    devices: int,
    seed: int,
    scenarios: tuple[str, ...],
    duration: str | None,
    report: Path | None,
    no_recovery: bool,
    clock_scale: float | None,
) -> None:
    """Run everything on this machine: broker, stages, store, console, a simulated district.

    Without --kafka an embedded broker is started, for trying out; `--kafka local` starts Apache Kafka from
    deploy/local (make services).

    Example: vitals up --for 90s --scenario lift-fault --report r.json
    """
    from simulators.scenarios import SCENARIOS
    from streams.local.plan import UpPlan, parse_duration
    from streams.local.up import Up, check_scenarios

    if scenarios and duration is None:
        raise SettingsError("--scenario needs --for TIME: a run that is judged must end; for example --for 90s")
    plan = UpPlan(
        seconds=None if duration is None else parse_duration(duration),
        scenarios=check_scenarios(scenarios, SCENARIOS),
        is_recovering=not no_recovery,
        report=report,
        clock_scale=clock_scale,
        devices=devices,
        seed=seed,
        broker=running.broker_of_up(),
    )
    set_up_logging(logging.WARNING)
    sys.exit(run_until_stopped(Up(settings, plan, click.echo).run))


@main.command()
@click.option("--devices", default=2_000, show_default=True, help="How many devices.")
@click.option("--seed", default=1, show_default=True)
@click.option("--scenario", "scenarios", multiple=True, help="Inject this scenario.")
@click.option("--no-recovery", is_flag=True, help="The fault stays, and no team accepts.")
@click.option("--truth", type=click.Path(path_type=Path), help="Write the ground truth here (JSON lines).")
@click.option("--out", type=click.Path(path_type=Path), help="Write what was published here (JSON).")
@with_settings
def simulate(
    settings: Settings,
    devices: int,
    seed: int,
    scenarios: tuple[str, ...],
    no_recovery: bool,
    truth: Path | None,
    out: Path | None,
) -> None:
    """Play a district of 1,200 units: devices, faults, teams.

    Example: vitals simulate --devices 5000
    """
    from schemas.registry import RegistryFile
    from simulators.play import Play, play
    from streams.kafka import consumer, producer, topic_name
    from streams.registry.apply import apply_registry, wait_until_read

    set_up_logging()
    what = Play(
        devices=devices,
        seed=seed,
        scenarios=scenarios,
        is_recovering=not no_recovery,
        clock_scale=settings.clock_scale,
        truth=truth,
        out=out,
    )

    async def register(district: RegistryFile) -> None:
        if not await wait_until_read(settings, await apply_registry(settings, district), 120.0):
            raise SettingsError("sense has not read the registry after 120 s; is a worker running?")

    async def work(stop: asyncio.Event) -> None:
        async with producer(settings) as sender, consumer(settings) as reader:
            await play(what, sender, reader, lambda topic: topic_name(settings, topic), register, stop)

    run_until_stopped(work)


@main.command()
@click.argument("mapping", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder or file of the data.")
@click.option("--from", "since", metavar="TIME", help="First event time, RFC 3339 in UTC (…Z).")
@click.option("--to", "until", metavar="TIME", help="First event time that is left out.")
@click.option("--speed", default="max", show_default=True, help="Times real time, or `max`.")
@click.option("--times", type=click.Choice(["kept", "shifted"]), default="kept", show_default=True)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a report (JSON).")
@with_settings
def replay(
    settings: Settings,
    mapping: Path,
    data: Path,
    since: str | None,
    until: str | None,
    speed: str,
    times: str,
    report: Path | None,
) -> None:
    """Publish recorded data through the whole loop.

    MAPPING is a file, or the name of a shipped one (melbourne, nab-traffic). Under a --namespace it registers what the
    mapping names, runs stages, store and a ticker that follows the data, and ends when all is stored.

    Example: vitals replay melbourne --data DIR --from 2014-01-01T00:00:00Z --to 2014-02-01T00:00:00Z --namespace melb
    """
    from schemas.files import FileFormatError, read_mapping
    from schemas.times import MAX_NS, MIN_NS, parse_time
    from simulators.recorded import RecordedDataError, Recording
    from simulators.replay import Progress, events, shift_to, survey
    from simulators.replay import replay as publish_records
    from simulators.sending import Sender
    from streams.commands.replaying import run_replay, say_balance
    from streams.kafka import topic_name

    set_up_logging(logging.WARNING)
    try:
        recording = Recording(
            mapping=read_mapping(running.mapping_path(mapping)),
            data=data,
            from_ns=MIN_NS if since is None else parse_time(since),
            to_ns=MAX_NS if until is None else parse_time(until),
        )
        found = survey(recording)
    except (FileFormatError, RecordedDataError, ValueError) as error:
        raise SettingsError(str(error)) from error
    if found.last_ns is None:
        raise SettingsError(f"no row of {data} lies between --from and --to")
    shift_ns = shift_to(found.last_ns, time.time_ns()) if times == "shifted" else 0
    pace = None if speed == "max" else float(speed)
    click.echo(f"{found.tally.rows} rows of {len(found.registry.devices) or len(found.registry.units[0].zones)} places")

    async def publish(sender: AIOKafkaProducer, progress: Progress, stop: asyncio.Event) -> int:
        records = events(recording, shift_ns=shift_ns)
        out = Sender(sender, lambda topic: topic_name(settings, topic))
        done = await publish_records(records, out, stop=stop, speed=pace, on_progress=progress)
        return done.last_ns or 0

    balanced = run_until_stopped(lambda stop: run_replay(settings, found.registry, publish, stop))
    say_balance(balanced)
    if report is not None:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(balanced), indent=2))
    sys.exit(balanced.exit_code())


@main.command()
@with_settings
def console(settings: Settings) -> None:
    """Serve the command-centre page, on loopback, with a token.

    Example: vitals console
    """
    from streams.console.run import run_console

    set_up_logging()
    tokens = running.console_tokens()
    given = "VITALS_CONSOLE_TOKENS" in os.environ

    def started(url: str) -> None:
        for role, token in tokens.items():
            if not given:
                click.echo(f"{role}: {url}?token={token}")

    run_until_stopped(lambda stop: run_console(settings, tokens, stop, started))


@main.command()
@click.option("--wait", "wait_s", default=0.0, metavar="SECONDS", help="How long to wait until no lag is left.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def balance(settings: Settings, wait_s: float, as_json: bool) -> None:
    """Show that no row is lost: in = judged + late + dead + duplicate, and judged = stored + ... + lag.

    Exit code 0: closed, 1: open, 3: lag left.  Example: vitals balance --wait 30
    """
    from streams.store.balance import balance as read_balance
    from streams.store.balance_text import balance_text

    found = asyncio.run(read_balance(settings, wait_s))
    click.echo(msgspec.json.encode(found).decode() if as_json else balance_text(found))
    sys.exit(found.exit_code())


@main.command()
@click.argument("case_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def case(settings: Settings, case_id: str, as_json: bool) -> None:
    """Print a case's causal chain, from the reading to the reading that proved it right.

    ID is a case's or an order's; its beginning is enough.  Example: vitals case 3f2a
    """
    from streams.dispatch.chain import render_case
    from streams.newest import newest_cases

    cases = asyncio.run(newest_cases(settings))
    found = [case for ident, case in cases.items() if ident.startswith(case_id.rpartition("-")[0] or case_id)]
    if len(found) != 1:
        what = "no case" if not found else f"{len(found)} cases"
        known = ", ".join(f"{c.case_id} ({c.scenario}, {c.step})" for c in list(cases.values())[-5:])
        click.echo(f"vitals: {what} begin with {case_id!r}; the last: {known or 'none'}", err=True)
        sys.exit(running.CHECK_FAILED)
    click.echo(msgspec.json.encode(found[0]).decode() if as_json else render_case(found[0]))


@main.group()
def registry() -> None:
    """Write or check devices, units, teams, gateways.

    Example: vitals registry apply district.yaml
    """


@registry.command("apply")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
@click.option("--wait", "wait_s", default=60.0, show_default=True, help="Seconds to wait until sense has read it.")
@with_settings
def registry_apply(settings: Settings, file: Path, dry_run: bool, wait_s: float) -> None:
    """Write a registry file (YAML or JSON lines); the same file again writes nothing.

    Example: vitals registry apply district.yaml
    """
    from schemas.files import FileFormatError
    from schemas.registry_codec import read_registry
    from streams.registry.apply import apply_registry, wait_until_read

    try:
        records = read_registry(file)
    except FileFormatError as error:
        raise SettingsError(str(error)) from error
    applied = asyncio.run(apply_registry(settings, records, dry_run))
    click.echo(f"{applied.written} {'would be ' if dry_run else ''}written, {applied.unchanged} unchanged")
    if not dry_run and wait_s > 0 and not asyncio.run(wait_until_read(settings, applied, wait_s)):
        click.echo("vitals: written, but sense has not read it yet; is a worker running?", err=True)
        sys.exit(running.TIMED_OUT)


@main.group()
def schema() -> None:
    """The contract for those who publish and read.

    Example: vitals schema export contract/
    """


@schema.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def schema_export(folder: Path) -> None:
    """Write a JSON Schema per event and file, and one AsyncAPI 3 document.

    Example: vitals schema export contract/
    """
    from schemas.export import export

    for path in export(folder):
        click.echo(path)


@main.group()
def catalogue() -> None:
    """Quantities, indicators, scenarios.

    Example: vitals catalogue check
    """


@catalogue.command("check")
@with_settings
def catalogue_check(settings: Settings) -> None:
    """Read every file of the catalogue and say what is wrong.

    Example: vitals catalogue check
    """
    found = running.catalogue_of(settings)
    click.echo(
        f"{settings.catalogue}: {len(found.quantities)} quantities, {len(found.indicators)} indicators, "
        f"{len(found.scenarios)} scenarios"
    )


if __name__ == "__main__":
    main()
