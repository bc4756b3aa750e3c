"""The webhook under a receiver that fails in every way, and under kills: each event at least once, under one id."""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer

from schemas import channels
from schemas.codec import encode
from schemas.examples import ALERT, ORDER
from schemas.refusals import Reason
from streams.dead_letters.letters import Filter, Letter, read_letters
from streams.kafka import producer, topic_name
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settings import Settings
from streams.webhook.signing import read_secret, signature
from tests.faults.scale import Scale
from tests.faults.trial import kept_alive, until
from tests.faults.workers import Part
from tests.integration.system import is_ready

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - opens nothing
POISON = "poison-1"  # never taken
SEED = 3
WAIT_S = 90.0


class Receiver:
    """Takes what is signed; every now and then it fails, hangs, breaks off, or sends on to somewhere else."""

    def __init__(self, share_of_faults: float) -> None:
        self.taken: Counter[str] = Counter()
        self.order: dict[str, list[int]] = defaultdict(list)  # subject -> versions as they came
        self.elsewhere = 0
        self._rng, self._share = random.Random(SEED), share_of_faults

    async def hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        ident, when = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == signature(read_secret(SECRET), ident, when, body)
        if POISON in ident:
            return web.Response(status=500)
        fault = (
            self._rng.choice(["500", "429", "redirect", "reset", "hang"]) if self._rng.random() < self._share else ""
        )
        match fault:
            case "500":
                return web.Response(status=500)
            case "429":
                return web.Response(status=429, headers={"Retry-After": "1"})
            case "redirect":
                return web.Response(status=307, headers={"Location": "/elsewhere"})
            case "reset":
                assert request.transport is not None
                request.transport.abort()
            case "hang":
                await asyncio.sleep(12)
        subject, _, version = ident.rpartition(":")
        self.taken[ident] += 1
        self.order[subject].append(int(version))
        return web.Response(status=204)

    async def other(self, _: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response(status=200)


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", receiver.hook)
    app.router.add_route("*", "/elsewhere", receiver.other)
    runner, port = web.AppRunner(app, access_log=None), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


def settings_of(kafka: LocalKafka, namespace: str, folder: Path, url: str, dead_after_s: float) -> Settings:
    (folder / "secret").write_text(SECRET)
    return Settings(
        kafka=kafka.bootstrap, namespace=namespace, data=str(folder), webhook_url=url, webhook_port=free_port(),
        webhook_secret_file=str(folder / "secret"), webhook_dead_after_s=dead_after_s,
    )  # fmt: skip


async def tell(settings: Settings, sender: AIOKafkaProducer, number: int, version: int) -> str:
    """Publish a change of an alert or of a case, by turns; return the id under which it must arrive."""
    if number % 2:
        order = msgspec.structs.replace(ORDER, case_id=f"case-{number}", version=version)
        await sender.send_and_wait(topic_name(settings, channels.ORDERS), encode(order), key=b"hp")
        return f"order:case-{number}:{version}"
    alert = msgspec.structs.replace(ALERT, alert_id=f"alert-{number}", version=version)
    await sender.send_and_wait(topic_name(settings, channels.ALERTS), encode(alert), key=b"hp")
    return f"alert:alert-{number}:{version}"


async def test_each_change_arrives_though_the_webhook_dies_and_the_receiver_fails(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    receiver, rng, expected = Receiver(0.1), random.Random(SEED), []
    async with receiving(receiver) as url:
        settings = settings_of(kafka, namespace, tmp_path, url, 3_600)
        await create_topics(settings)
        async with producer(settings) as sender:
            await tell(settings, sender, 1, 1)  # before it was first started: not told
            webhook = Part(settings, tmp_path, "webhook")
            webhook.start()
            try:
                async with kept_alive({"webhook": webhook}) as restarts:
                    ready = f"http://127.0.0.1:{settings.webhook_port}/readyz"
                    await until(lambda: is_ready(ready), "the webhook is ready")
                    for kill in range(scale.gateway_kills):
                        expected += [await tell(settings, sender, 2 + number, kill + 1) for number in range(40)]
                        await asyncio.sleep(rng.uniform(0.2, 1.5))
                        if webhook.is_alive:
                            await asyncio.to_thread(webhook.kill)
                    await until(lambda: set(expected) <= set(receiver.taken), "all have come", WAIT_S)
            finally:
                webhook.stop()
    again = sum(count - 1 for count in receiver.taken.values())
    figures(events=len(expected), kills=restarts["webhook"], delivered_again=again, lost=0)
    assert set(receiver.taken) == set(expected), "the past was told, or an id changed"
    assert receiver.elsewhere == 0
    for subject, versions in receiver.order.items():
        first = list(dict.fromkeys(versions))
        assert first == sorted(first), f"{subject} came out of order: {versions}"


async def test_what_is_never_taken_is_dead_in_time_and_holds_up_nobody(
    kafka: LocalKafka, namespace: str, tmp_path: Path
) -> None:
    receiver = Receiver(0.0)
    async with receiving(receiver) as url:
        settings = settings_of(kafka, namespace, tmp_path, url, 5.0)
        await create_topics(settings)
        async with producer(settings) as sender:
            webhook = Part(settings, tmp_path, "webhook")
            webhook.start()
            try:
                ready = f"http://127.0.0.1:{settings.webhook_port}/readyz"
                await until(lambda: is_ready(ready), "the webhook is ready")
                poisoned = msgspec.structs.replace(ALERT, alert_id=POISON)
                began = time.monotonic()
                await sender.send_and_wait(topic_name(settings, channels.ALERTS), encode(poisoned), key=b"hp")
                others = [await tell(settings, sender, number, 1) for number in range(200)]
                await until(lambda: set(others) <= set(receiver.taken), "the others have come", 4.0)
                assert time.monotonic() - began < 5.0, "they came only after the poisoned one was dead"
                letters: list[Letter] = []
                while not letters:
                    assert time.monotonic() - began < 30, webhook.log_tail()
                    letters = [one async for one in read_letters(settings, Filter(reason=Reason.UNDELIVERED))]
                    await asyncio.sleep(0.3)
            finally:
                webhook.stop()
    (letter,) = letters
    assert letter.dead.topic == channels.ALERTS
    assert letter.dead.detail == f"alert:{POISON}:{ALERT.version}: the receiver answered 500"
    assert json.loads(letter.dead.value)["alert_id"] == POISON


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"webhook_url": None}, "VITALS_WEBHOOK_URL"),
        ({"webhook_url": "ftp://x"}, "http"),
        ({"webhook_url": "http://me:secret@x/"}, "without a login"),
        ({"webhook_secret_file": None}, "VITALS_WEBHOOK_SECRET_FILE"),
        ({"webhook_secret_file": "/nowhere"}, "/nowhere"),
        ({"webhook_dead_after_s": 0.0}, "above 0"),
    ],
)
def test_a_bad_setting_is_said_in_one_line(
    kafka: LocalKafka, namespace: str, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    good = settings_of(kafka, namespace, tmp_path, "http://127.0.0.1:1/hook", 5.0)
    part = Part(msgspec.structs.replace(good, **changes), tmp_path, "webhook")
    part.start()
    assert part.wait() == 2
    assert said in part.log_tail()
    assert len(part.log_tail().splitlines()) == 1
    assert "me:secret" not in part.log_tail()
