"""T4: brokers are restarted and killed, leaders and controllers among them, while a log comes in and is judged."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settings import Settings
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, kept_alive, prepare, running
from tests.faults.watching import watched
from tests.servers import require

LAG_SECONDS = 200.0
NODES = (1, 2, 3)
REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "controller.quorum.election.timeout.ms": "1000",
}


async def judged_through(base: Settings, settings: Settings, scale: Scale, trouble: Callable[[], None]) -> list[str]:
    """Send a log and judge it while ``trouble`` (in a thread) comes over the brokers; return what was violated."""
    plan = LogPlan(seed=4, start_ns=start_before_now(scale.minutes_of_log), minutes=scale.minutes_of_log)
    async with running(settings) as workers, kept_alive(workers), watched(settings) as violations:
        feed = asyncio.create_task(publish(base, generate(plan), history_of(base), records_per_s=scale.records_per_s))
        await asyncio.to_thread(trouble)
        await feed
        assert await wait_until_settled(settings, LAG_SECONDS) is None, workers["sense"].log_tail()
    return violations


async def test_a_broker_that_is_restarted_and_killed_loses_nothing(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    require(LocalKafka)

    def trouble() -> None:
        time.sleep(4.0)
        kafka.stop()
        time.sleep(scale.outage_s)
        kafka.start()
        time.sleep(6.0)
        kafka.kill()
        time.sleep(scale.outage_s)
        kafka.start()

    with LocalKafka(tmp_path / "kafka") as kafka:
        base = base_settings(kafka, namespace, tmp_path)
        await prepare(base)
        settings = judging_as(base, "alone")
        violations = await judged_through(base, settings, scale, trouble)
        verdict = await judge(base, settings)
    figures(events=verdict.rows, outages=2, replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled)
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)


@contextmanager
def cluster(folder: Path) -> Iterator[dict[int, LocalKafka]]:
    """Run three combined nodes, each a voter."""
    require(LocalKafka)
    voters = {node: free_port() for node in NODES}
    nodes = {
        node: LocalKafka(
            folder / str(node), node_id=node, controller_port=voters[node], voters=voters, settings=REPLICATED
        )
        for node in NODES
    }
    with ExitStack() as stack:
        for node in nodes.values():
            node.launch()
            stack.callback(node.close)
        for node in nodes.values():
            node.wait_until_ready()
        yield nodes


@pytest.mark.full
async def test_three_brokers_killed_in_turn_lose_nothing(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    """Every node is the leader of some partition of each topic, and one of them the active controller."""

    def trouble() -> None:
        time.sleep(4.0)
        for node in nodes.values():
            node.kill()
            time.sleep(5.0)
            node.start()
            time.sleep(5.0)
        for node in nodes.values():
            node.restart()
            time.sleep(5.0)

    with cluster(tmp_path / "kafka") as nodes:
        bootstrap = ",".join(node.bootstrap for node in nodes.values())
        base = base_settings(nodes[1], namespace, tmp_path, bootstrap=bootstrap)
        settings = judging_as(base, "three")
        for one in (base, settings):
            await create_topics(one, replication=3)
        await prepare(base)
        violations = await judged_through(base, settings, scale, trouble)
        verdict = await judge(base, settings)
    figures(
        events=verdict.rows, kills=3, restarts=3, replays_seen=verdict.replays, lost=verdict.lost,
        doubled=verdict.doubled,
    )  # fmt: skip
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)
