"""The parts of a deployment: worker, store, ticker, console; and the topics that they need."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import click

from streams.commands import running
from streams.commands.running import run_until_stopped, set_up_logging, with_kafka
from streams.settings import Settings, SettingsError


@click.group()
def topics() -> None:
    """Make or show the topics.

    Example: vitals topics create
    """


@topics.command("create")
@click.option("--replication", default=1, show_default=True, help="Copies of each partition; 3 in a deployment.")
@with_kafka
def topics_create(settings: Settings, replication: int) -> None:
    """Make the topics that are missing.

    Example: vitals topics create --kafka 127.0.0.1:9092
    """
    from streams.provision import create_topics

    made = asyncio.run(create_topics(settings, replication))
    click.echo(f"{len(made)} topics made" + (": " + ", ".join(made) if made else "; all are there"))


@topics.command("describe")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
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


@click.command()
@click.option("--stages", default="sense,alert,dispatch", show_default=True, help="Which stages, with commas.")
@click.option("--port", type=int, help="Port of metrics and health.  [VITALS_METRICS_PORT]")
@with_kafka
def worker(settings: Settings, stages: str, port: int | None) -> None:
    """Run stages, a child process each.

    Example: vitals worker --stages sense
    """
    from streams.work import STAGES, run_stage, run_stages

    names = [name.strip() for name in stages.split(",") if name.strip()]
    if not names or set(names) - set(STAGES):
        raise SettingsError(f"--stages {stages}: must name some of {', '.join(STAGES)}")
    running.catalogue_of(settings)
    set_up_logging()
    if len(names) == 1:
        run_until_stopped(lambda stop: run_stage(settings, names[0], stop, port or settings.metrics_port))
    else:
        run_until_stopped(lambda stop: run_stages(settings, names, stop))


@click.command()
@with_kafka
def store(settings: Settings) -> None:
    """Write what was judged into the database.

    Example: vitals store --store influxdb://127.0.0.1:8086
    """
    from streams.store.consumer import run_store

    set_up_logging()
    run_until_stopped(lambda stop: run_store(settings, stop))


@click.command()
@with_kafka
def ticker(settings: Settings) -> None:
    """Write a tick a second into every source, so that time moves.

    Example: vitals ticker
    """
    from streams.clock import EventClock
    from streams.ticker import run_ticker

    set_up_logging()
    run_until_stopped(lambda stop: run_ticker(settings, stop, EventClock(settings).now_ns))


@click.command()
@with_kafka
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


@click.command()
@with_kafka
def webhook(settings: Settings) -> None:
    """Tell a URL of every change of an alert or a case, from now on; signed as Standard Webhooks say.

    VITALS_WEBHOOK_URL is where, VITALS_WEBHOOK_SECRET_FILE the file of the secret. What is not taken (2xx) within
    VITALS_WEBHOOK_DEAD_AFTER_S lies among the dead letters (undelivered). See docs/webhook.md.

    Example: VITALS_WEBHOOK_URL=https://example.org/hook VITALS_WEBHOOK_SECRET_FILE=secret vitals webhook
    """
    from streams.webhook.receiver import receiver_of
    from streams.webhook.stage import run_webhook

    receiver = receiver_of(settings)
    set_up_logging()
    run_until_stopped(lambda stop: run_webhook(settings, receiver, stop))
