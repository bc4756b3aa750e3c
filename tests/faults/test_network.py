"""T6: the wire between workers and Kafka fails in every way a proxy knows; when it heals, nothing is missing."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from streams.local.kafka import LocalKafka
from streams.local.process import LOOPBACK, free_port
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.proxy import BLACK_HOLE, FAIR, FaultProxy, Weather
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, kept_alive, prepare, running
from tests.faults.watching import watched
from tests.servers import require

WEATHERS = {
    "black hole": BLACK_HOLE,
    "one way": Weather(is_to_client_silent=True),
    "resets": Weather(reset_after=200_000),
    "latency": Weather(delay_s=1.0),  # each way: 2 s a round trip
    "truncated": Weather(truncate_after=50_000),
}
FAIR_SECONDS = 3.0
LAG_SECONDS = 150.0


@contextmanager
def proxied_kafka(folder: Path) -> Iterator[tuple[LocalKafka, FaultProxy]]:
    """Run a Kafka with two listeners: one for the judge, and one that is only reached through a proxy."""
    require(LocalKafka)
    port, hidden = free_port(), free_port()
    with FaultProxy(hidden) as proxy:
        listeners = {
            "listeners": f"BROKER://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{{controller}},PROXIED://{LOOPBACK}:{hidden}",
            "advertised.listeners": f"BROKER://{LOOPBACK}:{port},PROXIED://{LOOPBACK}:{proxy.port}",
            "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        }
        controller = free_port()
        settings = {name: text.replace("{controller}", str(controller)) for name, text in listeners.items()}
        with LocalKafka(folder, port, controller_port=controller, settings=settings) as kafka:
            yield kafka, proxy


async def test_a_wire_that_fails_in_every_way_loses_nothing(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    with proxied_kafka(tmp_path / "kafka") as (kafka, proxy):
        base = base_settings(kafka, namespace, tmp_path)
        plan = LogPlan(seed=6, start_ns=start_before_now(scale.minutes_of_log), minutes=scale.minutes_of_log)
        await prepare(base, plan.units)
        direct = judging_as(base, "proxied")
        through = msgspec.structs.replace(direct, kafka=f"{LOOPBACK}:{proxy.port}")
        async with running(through) as workers, kept_alive(workers) as restarts, watched(direct) as violations:
            feed = asyncio.create_task(
                publish(base, generate(plan), history_of(base), records_per_s=scale.records_per_s)
            )
            await asyncio.sleep(FAIR_SECONDS)
            for weather in WEATHERS.values():
                proxy.set(weather)
                await asyncio.sleep(scale.outage_s)
                proxy.set(FAIR)
                proxy.break_all()
                await asyncio.sleep(FAIR_SECONDS)
            await feed
            healed = time.monotonic()
            assert await wait_until_settled(direct, LAG_SECONDS) is None, workers["sense"].log_tail()
            seconds_to_lag_0 = round(time.monotonic() - healed, 1)
        verdict = await judge(base, direct)
    figures(
        events=verdict.rows, weathers=", ".join(WEATHERS), restarts=sum(restarts.values()),
        replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled, seconds_to_lag_0=seconds_to_lag_0,
    )  # fmt: skip
    assert proxy.connections > 0
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)
