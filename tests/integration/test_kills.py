"""One recorded log, judged twice: the second time with ten SIGKILLs. Nothing is lost, and all ends alike."""

import asyncio
import random
from pathlib import Path

import msgspec

from schemas.alerts import Alert
from schemas.orders import Order
from schemas.registry import RegistryFile
from simulators.play import Play, play
from simulators.simulate import SimulationReport
from streams.catalogue.files import load_catalogue
from streams.kafka import consumer, producer, topic_name
from streams.local.kafka import LocalKafka
from streams.newest import newest_alerts, newest_cases
from streams.registry.apply import apply_registry, wait_until_read
from streams.settings import Settings
from streams.settled import wait_until_judged
from streams.ticker import run_ticker
from tests.faults.trial import STAGES, running
from tests.integration.rig import counters_of, judged_places, last_indicators, total

KILLS = 10
SEED = 20_261_124
PLAY_SECONDS = 60.0
SCENARIOS = ("lift-fault", "gas-leak")


async def record_log(settings: Settings) -> SimulationReport:
    """Play a district live, stages and teams included: what it leaves is a log of sources and feedback that fits it."""
    stop, stop_ticks = asyncio.Event(), asyncio.Event()

    async def register(district: RegistryFile) -> None:
        assert await wait_until_read(settings, await apply_registry(settings, district), 90.0)
        asyncio.get_running_loop().call_later(PLAY_SECONDS, stop.set)

    known = load_catalogue(Path(settings.catalogue)).registry
    what = Play(known=known, devices=1_000, seed=SEED, scenarios=SCENARIOS, clock_scale=settings.clock_scale)
    async with running(settings, STAGES):
        ticker = asyncio.create_task(run_ticker(settings, stop_ticks))
        async with producer(settings) as sender, consumer(settings) as reader:
            report = await play(what, sender, reader, lambda topic: topic_name(settings, topic), register, stop)
        await asyncio.sleep(10)  # let time pass the last windows and clocks
        stop_ticks.set()
        await ticker
        assert await wait_until_judged(settings, 120) is None
    return report


async def judge_again(settings: Settings, kills: int) -> None:
    """Judge the recorded log under a namespace of its own, with ``kills`` SIGKILLs at random moments."""
    moments = random.Random(SEED)
    async with running(settings, STAGES) as stages:
        for _ in range(kills):
            await asyncio.sleep(moments.uniform(0.5, 4.0))
            victim = stages[moments.choice(("sense", "sense", "alert", "dispatch"))]
            victim.kill()
            victim.start()
        assert await wait_until_judged(settings, 240) is None


def final_alerts(alerts: dict[str, Alert]) -> dict[str, object]:
    return {ident: msgspec.to_builtins(msgspec.structs.replace(alert, version=1)) for ident, alert in alerts.items()}


def final_cases(cases: dict[str, Order]) -> dict[str, object]:
    return {ident: (case.step, case.tier, case.colour, case.alert_ids, case.steps) for ident, case in cases.items()}


async def test_ten_kills_lose_nothing_and_change_nothing(kafka: LocalKafka, namespace: str, tmp_path: Path) -> None:
    clocks = {"clock_scale": 60.0, "disorder_s": 2.0, "checkpoint_s": 1.0}
    place = {"kafka": kafka.bootstrap, "data": str(tmp_path), "namespace": namespace}
    base = msgspec.convert(place | clocks, Settings)
    report = await record_log(base)
    calm = msgspec.structs.replace(base, namespace=f"{namespace}-calm", sources_from=namespace)
    killed = msgspec.structs.replace(base, namespace=f"{namespace}-killed", sources_from=namespace)
    await judge_again(calm, kills=0)
    await judge_again(killed, kills=KILLS)

    expected, found = await counters_of(calm), await counters_of(killed)
    assert found == expected
    sent = report.sent.rows.total() + report.sent.copied_rows.total()
    assert total(found.values(), "in") == sent
    assert sum(total(found.values(), name) for name in ("judged", "late", "dead", "duplicate")) == sent

    once, again = await judged_places(calm), await judged_places(killed)
    assert set(again) == set(once)
    assert len(again) > len(once), "no kill struck while sense was at work: the test shows nothing"

    assert await last_indicators(killed) == await last_indicators(calm)
    assert final_alerts(await newest_alerts(killed)) == final_alerts(await newest_alerts(calm))
    cases = await newest_cases(calm)
    assert final_cases(await newest_cases(killed)) == final_cases(cases)
    assert {case.step for case in cases.values()} == {"closed"}, final_cases(cases)
    print(f"\n{sent} rows, {KILLS} kills, {len(again) - len(once)} records judged again, {len(cases)} cases closed")
