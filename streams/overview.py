"""The whole on one screen: where it runs, how far it has come, the balance, what is open."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from streams.console.views import is_over_alert, is_over_case
from streams.newest import newest_alerts, newest_cases
from streams.progress import StageProgress, dead_lately, progress
from streams.settings import RUN_FILE, Settings
from streams.store.balance import EXIT_CODES, Status, balance

COLUMNS = 86  # beside the names


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process that ``vitals up`` started."""

    name: str
    pid: int
    alive: bool
    rss_mib: int | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What ``vitals status`` shows; open alerts by colour, open cases by step."""

    kafka: str
    broker: str
    store: str
    console: str
    namespace: str
    rows: int  # that came in
    judged: int
    late: int
    dead: int
    duplicate: int
    stored: int
    expired: int
    skipped: int
    lag: int
    balance: Status
    alerts: dict[str, int]
    cases: dict[str, int]
    stages: tuple[StageProgress, ...]
    dead_lately: dict[str, int]  # within the last hour, by reason
    processes: tuple[Process, ...]  # of `vitals up` on this machine, while it runs

    def exit_code(self) -> int:
        """Return the balance's."""
        return EXIT_CODES[self.balance]


async def overview(settings: Settings) -> Overview:
    """Read all of it from Kafka."""
    found = await balance(settings)
    lines = found.by_partition
    alerts = (await newest_alerts(settings)).values()
    cases = (await newest_cases(settings)).values()
    return Overview(
        kafka=settings.kafka,
        broker=settings.broker,
        store=settings.store,
        console=settings.console,
        namespace=settings.namespace,
        rows=sum(line.in_ for line in lines),
        judged=sum(line.judged for line in lines),
        late=sum(line.late for line in lines),
        dead=sum(line.dead + line.store_dead for line in lines),
        duplicate=sum(line.duplicate for line in lines),
        stored=sum(line.stored for line in lines),
        expired=sum(line.expired for line in lines),
        skipped=sum(line.skipped for line in lines),
        lag=sum(line.lag for line in lines),
        balance=found.status,
        alerts=_counted(alert.colour for alert in alerts if not is_over_alert(alert)),
        cases=_counted(case.step for case in cases if not is_over_case(case)),
        stages=tuple(await progress(settings)),
        dead_lately=await dead_lately(settings),
        processes=tuple(processes(RUN_FILE)),
    )


def processes(run_file: Path) -> list[Process]:
    """Return what lives under the ``vitals up`` of a run file, and what should live and does not; none without one."""
    try:
        pids = json.loads(run_file.read_text(encoding="utf-8"))["pids"]
        up = psutil.Process(pids["up"])
        living = [_process(one) for one in (up, *up.children(recursive=True))]
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return []
    found = [one for one in living if one is not None]
    names = {one.name for one in found}
    return found + [Process(name=name, pid=pid, alive=False) for name, pid in pids.items() if name not in names]


def _process(process: psutil.Process) -> Process | None:
    """Return one of our processes under the name that its command line gives it; ``None``: another, or gone."""
    try:
        arguments, rss_mib = process.cmdline(), process.memory_info().rss >> 20
    except psutil.Error:
        return None
    if "streams.cli" not in arguments:
        return None
    command = arguments[arguments.index("streams.cli") + 1]
    stage = arguments[arguments.index("--stages") + 1] if "--stages" in arguments else command
    name = {"simulate": "simulator"}.get(stage, stage)
    return Process(name=name, pid=process.pid, alive=True, rss_mib=rss_mib)


def render_overview(found: Overview) -> str:
    """Return it as a few lines of text."""
    ended = f"{found.judged} judged, {found.late} late, {found.dead} dead, {found.duplicate} duplicate"
    stored = f"{found.stored} stored, {found.expired} expired, {found.skipped} skipped; {found.lag} lag"
    rows = {
        "Kafka": f"{found.kafka} ({found.broker})",
        "Store": found.store,
        "Console": f"http://{found.console}/",
        "Namespace": found.namespace,
        "Processes": ", ".join(map(_told, found.processes)),
        "Rows": f"{found.rows} in: {ended}",
        "": stored,
        "Balance": found.balance,
        "Open alerts": _text(found.alerts),
        "Open cases": _text(found.cases),
        "Dead (1 h)": _text(found.dead_lately),
        "As of": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    }
    lines = []
    for name, value in rows.items():
        for place, part in enumerate(textwrap.wrap(value, COLUMNS)):
            lines.append(f"{'' if place else name:<14}{part}")
    lines += ["", f"{'Stage':<14}{'records behind':>16}{'records/s in':>16}{'watermark age':>16}"]
    for one in found.stages:
        age = "-" if one.watermark_age_s is None else f"{one.watermark_age_s:.0f} s"
        lines.append(f"{one.stage:<14}{one.behind:>16}{one.in_per_s:>16.0f}{age:>16}")
    return "\n".join(lines)


def _told(process: Process) -> str:
    return f"{process.name} {process.rss_mib} MiB" if process.alive else f"{process.name} DEAD (pid {process.pid})"


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _text(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items()) or "none"
