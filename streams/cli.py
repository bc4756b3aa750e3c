"""``vitals``: every command, one line of what it does, and an example in its ``--help``.

What needs the simulators stands here, for only this module may know them; the rest is in ``streams/commands``.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from aiokafka import AIOKafkaProducer

from streams.commands import backtesting, bridging, contract, looking, parts, registering, repairing, running
from streams.commands.running import OneLineGroup, run_until_stopped, set_up_logging, with_kafka, with_settings
from streams.settings import Settings, SettingsError

if TYPE_CHECKING:
    from schemas.registry import RegistryFile
    from simulators.recorded import Recording
    from simulators.replay import Survey


@click.group(cls=OneLineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="urban-vitals")
def main() -> None:
    """Urban Vitals: a district's vital signs, its alerts, and every wrong thing followed until it is put right.

    Settings are VITALS_* variables, or a TOML file named by VITALS_CONFIG; while `vitals up` runs, the other commands
    find it by themselves.

    Example: vitals up --for 90s --scenario lift-fault --report r.json
    """


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
    catalogue = running.catalogue_of(settings)  # else each child would find out by itself, again and again
    _need_units(catalogue.registry, plan.scenarios)
    running.need_store(settings)
    if plan.broker == "given":
        running.need_kafka(settings)
    set_up_logging(logging.WARNING)
    sys.exit(run_until_stopped(Up(settings, plan, click.echo).run))


@main.command()
@click.option("--devices", default=2_000, show_default=True, help="How many devices.")
@click.option("--seed", default=1, show_default=True, help="The same seed simulates the same district.")
@click.option("--scenario", "scenarios", multiple=True, help="Inject this scenario; `all`: every one.")
@click.option("--no-recovery", is_flag=True, help="The fault stays, and no team accepts.")
@click.option("--truth", type=click.Path(path_type=Path), help="Write the ground truth here (JSON lines).")
@click.option("--out", type=click.Path(path_type=Path), help="Write what was published here (JSON).")
@with_kafka
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
    from simulators.play import Play, play
    from simulators.scenarios import SCENARIOS
    from streams.kafka import consumer, producer, topic_name
    from streams.local.up import check_scenarios
    from streams.registry.apply import apply_registry, wait_until_read

    known = running.catalogue_of(settings).registry
    what = Play(
        known=known,
        devices=devices,
        seed=seed,
        scenarios=check_scenarios(scenarios, SCENARIOS),
        is_recovering=not no_recovery,
        clock_scale=settings.clock_scale,
        behind_s=settings.clock_behind_s,
        truth=truth,
        out=out,
    )
    _need_units(known, what.scenarios)
    set_up_logging()

    async def register(district: RegistryFile) -> None:
        if not await wait_until_read(settings, await apply_registry(settings, district), 120.0):
            raise SettingsError("sense has not read the registry after 120 s; is a worker running?")

    async def work(stop: asyncio.Event) -> None:
        async with producer(settings) as sender, consumer(settings) as reader:
            await play(what, sender, reader, lambda topic: topic_name(settings, topic), register, stop)

    run_until_stopped(work)


@main.command()
@click.argument("mapping", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Folder or file of the data of a mapping.")
@click.option("--from", "since", metavar="TIME", help="First event time, RFC 3339 in UTC (...Z).")
@click.option("--to", "until", metavar="TIME", help="First event time that is left out.")
@click.option("--speed", default="max", show_default=True, help="Times real time, or `max`.")
@click.option("--times", type=click.Choice(["kept", "shifted"]), default="kept", show_default=True,
              help="`shifted`: the last row is now.")  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write a report (JSON).")
@with_settings
def replay(
    settings: Settings,
    mapping: Path,
    data: Path | None,
    since: str | None,
    until: str | None,
    speed: str,
    times: str,
    report: Path | None,
) -> None:
    """Publish recorded data through the whole loop.

    MAPPING is a file, the name of a shipped one (melbourne, nab-traffic), or one of two nights on the Bund (bund-2014,
    bund-2017), which need no --data: official totals, the rest simulated (docs/bund-night.md). Under a --namespace it
    registers what the mapping names, runs stages, store and ticks that follow the data, and ends when all is stored.

    Example: vitals replay melbourne --data DIR --from 2014-01-01T00:00:00Z --to 2014-02-01T00:00:00Z --namespace melb

    Example: vitals replay bund-2014 --namespace bund14 --report bund.json
    """
    from schemas.times import format_time
    from simulators.bund.envelope import NIGHTS
    from simulators.bund.night import source_of as night_of
    from simulators.replay import Progress, shift_to, source_of
    from simulators.replay import replay as publish_records
    from simulators.sending import Sender
    from streams.commands import replaying
    from streams.crowd_night import read_crowd_night, render_crowd_night
    from streams.kafka import topic_name

    from_ns, to_ns = running.time_span(since, until)
    pace = running.replay_speed(speed)
    night = NIGHTS.get(str(mapping))
    recording = None if night is not None else _recording(mapping, data, from_ns, to_ns)
    replaying.need_namespace(settings)
    catalogue = running.catalogue_of(settings)
    running.need_store(settings)
    running.need_kafka(settings)
    if recording is not None:
        found = source_of(recording, _surveyed(recording))
    else:
        assert night is not None
        try:
            found = night_of(night, catalogue.registry.units, from_ns=from_ns, to_ns=to_ns)
        except ValueError as error:
            raise SettingsError(str(error)) from error
    if found.first_ns is None or found.last_ns is None:
        raise SettingsError(f"no row of {data or mapping} lies between --from and --to")
    shift_ns = shift_to(found.last_ns, time.time_ns()) if times == "shifted" else 0
    set_up_logging(logging.WARNING)

    async def publish(sender: AIOKafkaProducer, progress: Progress, stop: asyncio.Event) -> int:
        out = Sender(sender, lambda topic: topic_name(settings, topic))
        records = running.shown(found.records(shift_ns), found.rows, lambda record: record.rows)
        done = await publish_records(records, out, stop=stop, speed=pace, on_progress=progress)
        return done.last_ns or 0

    first_ns = found.first_ns + shift_ns
    try:
        ended = run_until_stopped(lambda stop: replaying.run_replay(settings, found.registry, first_ns, publish, stop))
    except replaying.StoppedError:
        sys.exit(running.INTERRUPTED)
    replaying.say_end(ended)
    written = msgspec.to_builtins(ended.report)
    if night is not None:
        fall = None if night.fall_ns is None else format_time(night.fall_ns + shift_ns)
        judged = asyncio.run(read_crowd_night(settings, night.name, fall))
        click.echo(render_crowd_night(judged))
        written["crowd_night"] = msgspec.to_builtins(judged)
    if report is not None:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=2))
    sys.exit(ended.exit_code())


def _need_units(known: RegistryFile, scenarios: Iterable[str]) -> None:
    """Refuse scenarios that play in units which the catalogue does not have."""
    from simulators.scenarios import units_of

    units = {unit.unit_id for unit in known.units}
    for scenario in scenarios:
        for unit_id in units_of(scenario):
            if unit_id not in units:
                raise SettingsError(f"scenario {scenario} is played in {unit_id}, which units.yaml does not have")


def _recording(mapping: Path, data: Path | None, from_ns: int, to_ns: int) -> Recording:
    """Return the recording that a mapping and its data are; ``SettingsError`` without data."""
    from schemas.files import read_mapping
    from simulators.recorded import Recording

    if data is None:
        raise SettingsError("--data is missing: the folder or file of what the mapping is about")
    return Recording(mapping=read_mapping(running.mapping_path(mapping)), data=data, from_ns=from_ns, to_ns=to_ns)


@main.command()
@click.option("--unit", "unit_id", metavar="ID", help="Whose rows these are; without it the registry says so.")
@click.option("--what", type=click.Choice(["readings", "crowd", "video", "reports"]), default="readings",
              show_default=True, help="Which rows.")  # fmt: skip
@click.option("--gateway", "gateway_id", default="stdin", show_default=True, help="Who publishes (ce_source).")
@click.option("--mode", type=click.Choice(["actual", "exercise", "test"]), default="actual", show_default=True,
              help="The registry's mode of a device wins.")  # fmt: skip
@click.option("--backfill", is_flag=True, help="Old rows: stored and scored, raise nothing.")
@click.option("--mapping", type=click.Path(path_type=Path), help="Publish CSV as this mapping says; with --data.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Folder or file of the CSV.")
@with_kafka
def publish(
    settings: Settings,
    unit_id: str | None,
    what: str,
    gateway_id: str,
    mode: str,
    backfill: bool,
    mapping: Path | None,
    data: Path | None,
) -> None:
    """Publish JSON lines from standard input, or CSV files by a mapping, and wait until Kafka has confirmed all.

    With --unit a line is a pack (a SenML array) of that unit or one row of it; without, SenML or
    {"device_id": ..., "quantity": ..., "value": ...} of any registered device. A mapping (as `vitals replay` takes it)
    also registers what it names. What is wrong with a row is said in vitals.dead-letters, and by `vitals trace`.

    Example: echo '{"device_id": "d1", "quantity": "LAeq", "value": 61.5}' | vitals publish
    """
    from streams.commands import publishing

    if (mapping is None) != (data is None):
        raise SettingsError("--mapping and --data go together")
    if mapping is None or data is None:
        count = publishing.publish_lines(settings, unit_id, what, gateway_id, mode, old=backfill)
    else:
        count = _publish_recorded(settings, mapping, data, is_backfill=backfill)
    click.echo(f"{count} records published; `vitals balance` shows what becomes of them")


def _surveyed(recording: Recording, *, is_aside: bool = False) -> Survey:
    """Return what a recording holds, and say how much it is; aside, on standard error, where more is to be said."""
    from simulators.recorded import RecordedDataError
    from simulators.replay import survey

    try:
        found = survey(recording)
    except RecordedDataError as error:
        raise SettingsError(str(error)) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{recording.data} is no text in {recording.mapping.encoding}: {error}") from error
    if found.tally.rows:
        click.echo(f"{found.tally.rows} rows of {len(found.registry.devices) or 'all'} devices", err=is_aside)
    return found


def _publish_recorded(settings: Settings, mapping: Path, data: Path, *, is_backfill: bool) -> int:
    """Register what a mapping names, and publish its rows at their own times; return how many records."""
    from schemas.files import read_mapping
    from simulators.outgoing import Outgoing
    from simulators.recorded import Recording
    from simulators.replay import events
    from simulators.replay import replay as publish_records
    from simulators.sending import Sender
    from streams.gateways.packing import content_id
    from streams.kafka import producer, topic_name
    from streams.registry.apply import apply_registry

    recording = Recording(mapping=read_mapping(running.mapping_path(mapping)), data=data)
    found = _surveyed(recording, is_aside=True)

    def marked(record: Outgoing) -> Outgoing:
        """Return a record with an id of what is in it: two files may have one mapping and the same times."""
        kept = tuple((name, raw) for name, raw in record.headers if name != "ce_id")
        ident = content_id(record.key.decode(), record.value) + ("-backfill" if is_backfill else "")
        more = (("vitals_backfill", b"true"),) if is_backfill else ()
        return replace(record, headers=(*kept, ("ce_id", ident.encode()), *more))

    async def work(stop: asyncio.Event) -> int:
        await apply_registry(settings, found.registry)
        async with producer(settings) as client:
            records = running.shown(events(recording), found.tally.events, lambda record: record.rows)
            out = Sender(client, lambda topic: topic_name(settings, topic))
            await publish_records(map(marked, records), out, stop=stop)
        if out.sent.unconfirmed_rows or stop.is_set():
            left = sum(out.sent.unconfirmed_rows.values())
            raise SettingsError(f"stopped: {sum(out.sent.records.values())} records were confirmed, {left} rows not")
        return sum(out.sent.records.values())

    return run_until_stopped(work)


for command in (
    parts.topics, parts.worker, parts.store, parts.ticker, parts.console, parts.webhook,
    bridging.bridge, bridging.collect,
    looking.balance, looking.case, looking.sources, looking.statistics, looking.unit, looking.status, looking.trace,
    registering.registry, repairing.dead_letters, contract.schema, contract.catalogue, backtesting.backtest,
):  # fmt: skip
    main.add_command(command)


if __name__ == "__main__":
    main()
