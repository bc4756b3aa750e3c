"""``vitals backtest``: what detectors and rules would have said of what was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from detectors.series import DEFAULT, DETECTORS
from streams.commands import running
from streams.commands.running import with_settings
from streams.settings import Settings, SettingsError

if TYPE_CHECKING:
    from detectors.arrays import FloatArray
    from streams.backtest.recording import RecordedSeries
    from streams.backtest.rule_change import Reading

MAX_READINGS = 10_000_000
SHOWN = 20
with_detector = click.option(
    "--detector", type=click.Choice(sorted(DETECTORS)), default=DEFAULT, show_default=True, help="Which detector."
)


@click.group()
def backtest() -> None:
    """Run detectors and rules over recorded data.

    Example: vitals backtest series counts.csv --scores scores.csv --picture counts.png
    """


@backtest.command("nab")
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="Folder of the Numenta benchmark.")  # fmt: skip
@click.option("--scores", "out", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="Folder to write <folder>/<file>.csv into.")  # fmt: skip
@with_detector
@with_settings
def nab(_: Settings, data: Path, out: Path, detector: str) -> None:
    """Score every file of the Numenta benchmark; where its labels are beside the data, print its score.

    Example: vitals backtest nab --data NAB --scores scores/
    """
    from detectors.evaluation.nab import PROFILES, LabelledScores, best_score
    from streams.backtest.recording import read_csv
    from streams.backtest.scores import nab_files, nab_windows, score_nab, windows_of

    files, labels = nab_files(data), nab_windows(data)
    found = []
    for path, scores in running.shown(score_nab(files, out, DETECTORS[detector]()), len(files), lambda _: 1):
        if labels is not None:
            name = f"{path.parent.name}/{path.name}"
            windows = windows_of(name, labels.get(name, []), read_csv(path))
            found.append(LabelledScores(scores, tuple(windows)))
    click.echo(f"{len(files)} files scored into {out}")
    for name, profile in PROFILES.items() if found else ():
        best = best_score(found, profile)
        click.echo(f"{name:<20} {best.normalised:6.1f}  in sample, threshold {best.threshold:.4f}")


@backtest.command("series")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--scores", "out", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="CSV file to write: timestamp, anomaly_score.")  # fmt: skip
@click.option("--name", metavar="DEVICE/QUANTITY", help="Which series, of JSON lines or of the store.")
@click.option("--from", "since", metavar="TIME", help="First event time of the store's, RFC 3339 in UTC (...Z).")
@click.option("--to", "until", metavar="TIME", help="First event time that is left out.")
@click.option("--labels", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="JSON list of [from, to]: when something was wrong.")  # fmt: skip
@click.option("--threshold", default=0.5, show_default=True, help="Scores from here on are alarms.")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw it: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_detector
@with_settings
def series(
    settings: Settings,
    source: Path,
    out: Path,
    name: str | None,
    since: str | None,
    until: str | None,
    labels: Path | None,
    threshold: float,
    picture: Path | None,
    as_json: bool,
    detector: str,
) -> None:
    """Score one series: SOURCE is a CSV file (timestamp,value), JSON lines of readings (.jsonl), or `store`.

    With labels it says what was found, how soon, and how many alarms were false.

    Example: vitals backtest series counts.csv --scores scores.csv --labels wrong.json --picture counts.png
    """
    from detectors.evaluation.alarms import alarm_quality
    from detectors.evaluation.vus import vus_pr
    from streams.backtest.picture import draw
    from streams.backtest.scores import read_windows, write_scores

    recorded = _recorded(settings, source, name, since, until)
    windows = [] if labels is None else read_windows(labels, recorded)
    scores: FloatArray = DETECTORS[detector]().scores(recorded.times_ns, recorded.values)
    write_scores(out, recorded, scores)
    if picture is not None:
        draw(picture, recorded, scores, threshold, windows)
    alarms = scores >= threshold
    said: dict[str, object] = {"rows": len(scores), "alarms": int(alarms.sum()), "detector": detector}
    if labels is not None:
        said |= asdict(alarm_quality(alarms, recorded.times_ns, windows))
        longest = max((last - first + 1 for first, last in windows), default=0)
        said["vus_pr"] = vus_pr(scores, windows, longest) if windows else None
    if as_json:
        click.echo(msgspec.json.encode(said))
        return
    for key, value in said.items():
        shown = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else value
        click.echo(f"{key.replace('_', ' '):<22} {shown}")


@backtest.command("rules")
@click.argument("old", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("new", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True, required=True,
              help="JSON lines of readings (SenML or single); may be given more than once.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def rules(_: Settings, old: Path, new: Path, data: tuple[Path, ...], as_json: bool) -> None:
    """Say what a change of levels does: alerts a day before and after, which are new, which are gone.

    OLD and NEW are catalogue folders.

    Example: vitals backtest rules deploy/catalogue changed/ --data readings.jsonl
    """
    from schemas.times import format_time
    from streams.backtest.rule_change import compare
    from streams.catalogue.files import load_catalogue

    before, after = load_catalogue(old), load_catalogue(new)
    readings = sorted(_readings(data), key=lambda reading: reading.time_ns)
    change = compare(before, after, readings)
    if as_json:
        click.echo(msgspec.json.encode(change))
        return
    click.echo(f"{change.readings} readings over {change.days:.1f} days")
    click.echo(f"alerts a day          {change.before_per_day:8.2f} -> {change.after_per_day:.2f}")
    open_before, open_after = change.minutes_open_per_day_before, change.minutes_open_per_day_after
    click.echo(f"minutes open a day    {open_before:8.1f} -> {open_after:.1f}")
    for word, found in (("new", change.new), ("gone", change.gone)):
        click.echo(f"{word}: {len(found)}")
        for one in found[:SHOWN]:
            click.echo(f"  {format_time(one.begin_ns)} {one.series} level {one.level}")


def _recorded(
    settings: Settings, source: Path, name: str | None, since: str | None, until: str | None
) -> RecordedSeries:
    from streams.backtest.recording import read_csv, read_lines, read_store

    is_store = str(source) == "store"
    if (is_store or source.suffix == ".jsonl") and name is None:
        raise SettingsError(f"{source} holds many series: say which by --name DEVICE/QUANTITY")
    if is_store:
        return asyncio.run(read_store(settings, name or "", *running.time_span(since, until)))
    if since is not None or until is not None:
        raise SettingsError("--from and --to are for `store`; a file is scored whole")
    return read_csv(source) if name is None else read_lines(source, name)


def _readings(data: tuple[Path, ...]) -> Iterator[Reading]:
    from streams.backtest.recording import read_packs
    from streams.backtest.rule_change import Reading

    count = 0
    for path in data:
        for pack in read_packs(path):
            for name, time_ns, value in zip(pack.names, pack.times, pack.values, strict=True):
                yield Reading(name, time_ns, value)
            count += len(pack.names)
            if count > MAX_READINGS:
                raise SettingsError(f"more than {MAX_READINGS} readings; give fewer --data")
