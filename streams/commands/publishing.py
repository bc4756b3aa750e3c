"""Records from standard input: for trying out, and for whoever has nothing but a pipe."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import click
import msgspec

from streams.commands import running
from streams.commands.running import with_kafka
from streams.settings import Settings, SettingsError

WHAT = ("readings", "crowd", "video", "reports")
CHUNK = 500


@click.command()
@click.option("--unit", "unit_id", metavar="ID", required=True, help="Whose rows these are: the records' key.")
@click.option("--what", type=click.Choice(WHAT), default="readings", show_default=True, help="Which rows.")
@click.option("--gateway", "gateway_id", default="stdin", show_default=True, help="Who publishes (ce_source).")
@click.option("--mode", type=click.Choice(["actual", "exercise", "test"]), default="actual", show_default=True,
              help="The registry's mode of a device wins.")  # fmt: skip
@with_kafka
def publish(settings: Settings, unit_id: str, what: str, gateway_id: str, mode: str) -> None:
    """Publish JSON lines from standard input, each a pack (a SenML array) or one row of it.

    What is wrong with a row is said in vitals.dead-letters; only what is no JSON is refused here.

    Example: echo '{"n": "d1/LAeq", "v": 61.5}' | vitals publish --unit hp.bund.g01.bund-a
    """
    from schemas.ids import is_id

    if not is_id(unit_id) or not is_id(gateway_id):
        raise SettingsError("--unit and --gateway must be ids: letters, digits, and . _ : -")
    count = 0
    run = f"stdin-{time.time_ns()}"
    for chunk in chunks(values(sys.stdin.buffer, is_pack=what != "reports")):
        ids = [f"{run}-{count + place}" for place in range(len(chunk))]
        asyncio.run(_publish(settings, unit_id, what, gateway_id, mode, list(zip(ids, chunk, strict=True))))
        count += len(chunk)
    click.echo(f"{count} records published; `vitals balance` shows what becomes of them")
    sys.exit(running.OK)


async def _publish(
    settings: Settings, unit_id: str, what: str, gateway_id: str, mode: str, records: list[tuple[str, bytes]]
) -> None:
    from schemas.channels import EVENT_TYPES
    from schemas.envelope import gateway_urn, write_envelope
    from schemas.ids import MODES
    from streams.kafka import producer, topic_name

    topic = f"vitals.{what}"
    given = next(one for one in MODES if one == mode)
    async with producer(settings) as sender:
        sent = [
            await sender.send(
                topic_name(settings, topic),
                value,
                key=unit_id.encode(),
                headers=list(
                    write_envelope(
                        id=ident,
                        source=gateway_urn(gateway_id),
                        type=EVENT_TYPES[topic],
                        time_ns=time.time_ns(),
                        mode=given,
                    )
                ),
            )
            for ident, value in records
        ]
        await asyncio.gather(*sent)


def values(lines: Iterable[bytes], *, is_pack: bool) -> Iterator[bytes]:
    """Yield the value of each record; where records are packs, a row alone becomes a pack of one."""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except msgspec.DecodeError as error:
            raise SettingsError(f"line {number} of standard input is no JSON: {error}") from error
        yield b"[" + text + b"]" if is_pack and text.startswith(b"{") else text


def chunks(given: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield what is given in lists of at most ``CHUNK``."""
    rest = iter(given)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
