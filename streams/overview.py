"""The whole on one screen: where it runs, how far it has come, the balance, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from streams.console.views import is_over_alert, is_over_case
from streams.newest import newest_alerts, newest_cases
from streams.settings import Settings
from streams.store.balance import EXIT_CODES, Status, balance


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What ``vitals status`` shows; open alerts by colour, open cases by step."""

    kafka: str
    broker: str
    store: str
    console: str
    namespace: str
    rows: int  # that came in
    judged: int
    stored: int
    dead: int
    lag: int
    balance: Status
    alerts: dict[str, int]
    cases: dict[str, int]

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
        stored=sum(line.stored for line in lines),
        dead=sum(line.dead + line.store_dead for line in lines),
        lag=sum(line.lag for line in lines),
        balance=found.status,
        alerts=_counted(alert.colour for alert in alerts if not is_over_alert(alert)),
        cases=_counted(case.step for case in cases if not is_over_case(case)),
    )


def render_overview(found: Overview) -> str:
    """Return it as a few lines of text."""
    rows = {
        "Kafka": f"{found.kafka} ({found.broker})",
        "Store": found.store,
        "Console": f"http://{found.console}/",
        "Namespace": found.namespace,
        "Rows": f"{found.rows} in, {found.judged} judged, {found.stored} stored, {found.dead} dead, {found.lag} lag",
        "Balance": found.balance,
        "Open alerts": _text(found.alerts),
        "Open cases": _text(found.cases),
        "As of": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items() if value)


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _text(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items()) or "none"
