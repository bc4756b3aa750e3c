"""Dead letters: what was refused, why, and how it is sent again once its cause has been put right."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from schemas import channels
from schemas.refusals import Reason
from streams.commands import running
from streams.commands.running import with_kafka
from streams.settings import Settings, SettingsError

if TYPE_CHECKING:
    from streams.dead_letters.letters import Filter, Letter
    from streams.dead_letters.repair import Repaired

R = TypeVar("R")
SHOWN_BYTES = 2_000
REFUSED_OF = (*channels.TICKED, channels.ALERTS, channels.ORDERS)  # of the last two the webhook


def with_filter(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that choose letters, and its ``chosen``."""

    @click.option("--reason", type=click.Choice([str(reason) for reason in Reason]), help="Only of this reason.")
    @click.option("--topic", help="Only of this source: readings, crowd, video, reports, feedback, actions.")
    @click.option("--partition", type=int, help="Only of this partition of the source.")
    @click.option("--since", metavar="TIME", help="Refused at or after, RFC 3339 in UTC (...Z).")
    @click.option("--until", metavar="TIME", help="Refused before.")
    @click.option("--with", "text", metavar="TEXT", help="Only where value, key or detail hold this: a device, a unit.")
    @functools.wraps(command)
    def wrapped(
        *args: object, reason: str | None, topic: str | None, partition: int | None, since: str | None,
        until: str | None, text: str | None, **kwargs: object,
    ) -> R:  # fmt: skip
        from streams.dead_letters.letters import Filter

        from_ns, to_ns = running.time_span(since, until)
        chosen = Filter(
            reason=None if reason is None else Reason(reason), topic=_topic(topic), partition=partition,
            since_ns=from_ns, until_ns=to_ns, text=text,
        )  # fmt: skip
        return command(*args, chosen=chosen, **kwargs)

    return wrapped


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show and replay what was refused.

    Example: vitals dead-letters list --reason unknown_device
    """


@dead_letters.command("list")
@click.option("--each", is_flag=True, help="A line for each letter, not for each reason.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
@with_filter
def list_letters(settings: Settings, chosen: Filter, each: bool, as_json: bool) -> None:
    """Count letters by source and reason; say what each reason means and what to do.

    Example: vitals dead-letters list --since 2026-11-26T00:00:00Z --each
    """
    asyncio.run(_list(settings, chosen, each=each, as_json=as_json))


@dead_letters.command("show")
@click.argument("ident", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_kafka
def show(settings: Settings, ident: str, as_json: bool) -> None:
    """Show one letter: where it came from, why it was refused, its headers and its value.

    ID is as `list --each` prints it: topic:partition:offset, and :index of a row.

    Example: vitals dead-letters show vitals.readings:3:1024:5
    """
    from streams.dead_letters.letters import Filter, read_letters, read_replayed
    from streams.dead_letters.words import WORDS

    async def found() -> tuple[Letter | None, str | None]:
        letters = [one async for one in read_letters(settings, Filter()) if one.dead.ident == ident]
        return (letters[0] if letters else None), (await read_replayed(settings)).get(ident)

    letter, replayed = asyncio.run(found())
    if letter is None:
        click.echo(f"vitals: no dead letter {ident}; `vitals dead-letters list --each` shows them", err=True)
        sys.exit(running.CHECK_FAILED)
    if as_json:
        click.echo(json.dumps(_as_json(letter, replayed)))
        return
    meaning, advice = WORDS[letter.dead.reason]
    click.echo(f"{letter.dead.ident}  refused {letter.dead.time}: {letter.dead.reason}")
    click.echo(f"  {meaning}: {letter.dead.detail}\n  what to do: {advice}")
    click.echo(f"  sent again: {replayed or 'no'}")
    click.echo(f"  key: {_printable(letter.key or b'') or '(none)'}")
    for name, raw in sorted(letter.headers.items()):
        click.echo(f"  {name}: {_printable(raw)}")
    click.echo(f"  value, {len(letter.dead.value)} bytes:\n{_printable(letter.dead.value)}")


@dead_letters.command("replay")
@click.option("--fix", "fix_file", type=click.Path(path_type=Path, dir_okay=False), help="What to change (YAML).")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@with_kafka
@with_filter
def replay(settings: Settings, chosen: Filter, fix_file: Path | None, dry_run: bool) -> None:
    """Send letters again, repaired by a fix where one is given; each at most once, however often it is called.

    What is sent is a backfill: stored, scored where its window is still kept, and it raises nothing. A fix is YAML,
    each line as needed:

    \b
      unit_id: hp.nanjing-east.g03.nanjing-building    # whose records they are
      gateway_id: gw-7                                 # who speaks for the devices
      devices: {hp-noise-23: hp-noise-000023}          # renamed; cameras too
      zones: {square: bund-square}
      quantities: {noise: LAeq}
      measures: {LAeq: dB}                             # unit of measure
      values: {pm25: {factor: 1000, offset: 0}}        # converted
      shift_s: -28800                                  # times moved

    Exit code 0: all are sent, 1: some cannot be sent again.

    Example: vitals dead-letters replay --reason unknown_device --fix fix.yaml --dry-run
    """  # noqa: D301 - click wants the character
    from streams.dead_letters.fix import NO_FIX, read_fix
    from streams.dead_letters.replay import replay_letters

    fix = NO_FIX if fix_file is None else read_fix(fix_file)
    tell = _tell if dry_run else _tell_nothing
    done = asyncio.run(replay_letters(settings, chosen, fix, is_dry_run=dry_run, tell=tell))
    click.echo(f"{done.sent} {'would be sent' if dry_run else 'sent'}, {done.sent_before} were sent before")
    for why, count in done.refused.most_common():
        click.echo(f"{count} cannot be sent again: {why}")
    sys.exit(running.CHECK_FAILED if done.refused else running.OK)


async def _list(settings: Settings, chosen: Filter, *, each: bool, as_json: bool) -> None:
    from streams.dead_letters.letters import read_letters, read_replayed
    from streams.dead_letters.words import WORDS

    replayed = await read_replayed(settings)
    counts: Counter[tuple[str, Reason]] = Counter()
    again: Counter[tuple[str, Reason]] = Counter()
    async for letter in read_letters(settings, chosen):
        kind = (letter.dead.topic, letter.dead.reason)
        counts[kind] += 1
        again[kind] += letter.dead.ident in replayed
        if each and as_json:
            click.echo(json.dumps(_as_json(letter, replayed.get(letter.dead.ident))))
        elif each:
            dead, mark = letter.dead, "sent again" if letter.dead.ident in replayed else ""
            click.echo(f"{letter.dead.ident:<36} {dead.time} {dead.reason:<17} {dead.detail[:80]} {mark}".rstrip())
    if each:
        return
    if as_json:
        rows = [
            {"topic": topic, "reason": str(reason), "letters": count, "replayed": again[topic, reason]}
            for (topic, reason), count in sorted(counts.items())
        ]
        click.echo(json.dumps(rows))
        return
    for (topic, reason), count in sorted(counts.items()):
        meaning, advice = WORDS[reason]
        click.echo(f"{count:>8} {topic:<16} {reason:<17} {again[topic, reason]} sent again")
        click.echo(f"{'':>9}{meaning}; {advice}")
    if not counts:
        click.echo("no dead letters")


def _topic(name: str | None) -> str | None:
    if name is None:
        return None
    full = name if name.startswith("vitals.") else f"vitals.{name}"
    if full not in REFUSED_OF:
        raise SettingsError(f"--topic {name}: must be one of {', '.join(t[7:] for t in REFUSED_OF)}")
    return full


def _as_json(letter: Letter, replayed: str | None) -> dict[str, object]:
    dead = letter.dead
    return {
        "id": letter.dead.ident, "topic": dead.topic, "partition": dead.partition, "offset": dead.offset,
        "index": dead.index, "reason": str(dead.reason), "detail": dead.detail, "time": dead.time,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
        "headers": {name: raw.decode(errors="replace") for name, raw in letter.headers.items()},
        "value": dead.value.decode(errors="replace"), "replayed": replayed,
    }  # fmt: skip


def _tell(letter: Letter, record: Repaired) -> None:
    click.echo(f"{letter.dead.ident} -> {record.topic}-{record.partition} key {record.key.decode()}")
    click.echo(f"  was {_printable(letter.dead.value[:300])}\n  is  {_printable(record.value[:300])}")


def _tell_nothing(_letter: Letter, _record: Repaired) -> None:
    """Say nothing of single letters: thousands may be sent."""


def _printable(raw: bytes) -> str:
    """Return bytes as a terminal may show them: no control characters, cut."""
    text = raw[:SHOWN_BYTES].decode(errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
