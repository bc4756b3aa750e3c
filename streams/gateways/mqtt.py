"""Take readings from an MQTT broker into Kafka; QoS 1 is acknowledged only after Kafka has confirmed.

Reads   the topics of a mapping, from an MQTT broker (3.1.1 or 5)
Writes  vitals.readings     (packs by unit; what holds no reading goes on as it came, and dies there with a reason)
State   none: the MQTT broker keeps what was not acknowledged, in the session of the client id
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import aiomqtt
from aiomqtt import Message
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from schemas import channels
from schemas.bounded import MAX_SOURCE_BYTES
from schemas.mqtt_mapping import MqttMapping
from streams.delivery.sender import Sender
from streams.gateways.mapped import Mapper, NotMappedError
from streams.gateways.mqtt_address import MqttAddress
from streams.gateways.packing import Packer
from streams.gateways.places import Places
from streams.gateways.stopping import run_gateway
from streams.kafka import producer
from streams.metrics import GATEWAY_ROWS
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.settings import Settings

log = logging.getLogger(__name__)
MAX_DELAY_S = 1.0
IDLE_S = 0.03  # nothing more comes: the broker may have sent all that it sends unacknowledged
MAX_ROWS = 20_000  # of one batch
MAX_WAITING = 50_000  # messages; more of QoS 0 are dropped, of QoS 1 the broker sends no more
SESSION_SECONDS = 7 * 86_400  # how long an MQTT 5 broker keeps what comes while we are away
RECEIVE_MAXIMUM = 10_000
REFUSED_FROM = 128
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(slots=True)
class _Inbox:
    """Messages of one connection that are not yet sent; ``gone`` once the connection is."""

    messages: deque[Message] = field(default_factory=deque)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    gone: Exception | None = None


class MqttBridge:
    """One session with an MQTT broker."""

    def __init__(self, settings: Settings, mapping: MqttMapping, address: MqttAddress) -> None:
        self._settings, self._address = settings, address
        self._mapper = Mapper(mapping)
        self._registry = RegistryReader(settings, (channels.REGISTRY_DEVICES,))
        self._packer = Packer(Places(self._registry.view).of_device)
        self._sender: Sender
        self._problem: str | None = "starting"

    def problem(self) -> str | None:
        """Say why nothing comes in at the moment, or ``None``."""
        return self._problem

    async def run(self, stop: asyncio.Event) -> None:
        """Bridge until ``stop``; a broker that is away is tried again for ever, with growing pauses."""
        await require_topics(self._settings, channels.READINGS)
        stopping = asyncio.create_task(stop.wait())
        try:
            async with producer(self._settings) as client:
                self._sender = Sender(self._settings, client)
                await self._registry.catch_up()
                tried = 0
                while not stop.is_set():
                    try:
                        await self._session(stopping)
                    except aiomqtt.MqttError as error:
                        tried = 0 if self._problem is None else tried + 1
                        self._problem = f"MQTT broker {self._address.text}: {error}"
                        pause = RETRY_SECONDS[min(tried, len(RETRY_SECONDS) - 1)] * random.uniform(0.5, 1.0)
                        log.warning("%s; trying again in %.1f s", self._problem, pause)
                        await asyncio.wait((stopping,), timeout=pause)
        finally:
            stopping.cancel()
            await self._registry.stop()

    async def _session(self, stopping: asyncio.Task[bool]) -> None:
        inbox = _Inbox()
        made = self._client()
        # aiomqtt has no way of its own; and before it connects, for what the broker kept comes with the connection.
        made._client.manual_ack_set(True)  # noqa: SLF001
        async with made as client:
            pump = asyncio.create_task(_pump(client, inbox))
            try:
                for topic in self._mapper.filters:
                    check_granted(topic, await client.subscribe(topic, qos=1))
                self._problem = None
                log.info("bridging %s from %s", ", ".join(self._mapper.filters), self._address.text)
                while not stopping.done():
                    await self._turn(client, inbox, stopping)
            finally:
                pump.cancel()
                with suppress(asyncio.CancelledError):
                    await pump

    def _client(self) -> aiomqtt.Client:
        address, is_v5 = self._address, self._settings.mqtt_version == "5"
        properties = None
        if is_v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_SECONDS
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            identifier=self._settings.mqtt_client_id,
            protocol=aiomqtt.ProtocolVersion.V5 if is_v5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if is_v5 else False,
            clean_start=False if is_v5 else MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
            tls_params=aiomqtt.TLSParameters(ca_certs=self._settings.mqtt_ca_file) if address.is_tls else None,
        )

    async def _turn(self, client: aiomqtt.Client, inbox: _Inbox, stopping: asyncio.Task[bool]) -> None:
        """Take messages for up to a second, send their readings, and acknowledge them."""
        taken: list[Message] = []
        deadline: float | None = None
        while self._packer.rows < MAX_ROWS and not stopping.done():
            while inbox.messages and self._packer.rows < MAX_ROWS:
                message = inbox.messages.popleft()
                self._take(message)
                taken.append(message)
            now = time.monotonic()
            if deadline is None and taken:
                deadline = now + MAX_DELAY_S
            wait_s = None if deadline is None else min(deadline - now, IDLE_S)
            if (wait_s is not None and wait_s <= 0) or not await _until_more(inbox, stopping, wait_s):
                break
        if inbox.gone is not None and not inbox.messages and not taken:
            raise inbox.gone
        rows = self._packer.rows
        if rows:
            await self._sender.effects(self._packer.effects(time.time_ns()))
            GATEWAY_ROWS.labels("mqtt", "sent").inc(rows)
        for message in taken:
            if message.qos > 0:
                client._client.ack(message.mid, message.qos)  # noqa: SLF001 - as above

    def _take(self, message: Message) -> None:
        topic, payload = str(message.topic), _bytes(message.payload)
        if message.retain:  # what somebody said before we came: it was taken then, or is no news now
            GATEWAY_ROWS.labels("mqtt", "retained").inc()
            return
        try:
            origin, pack = self._mapper.readings(topic, payload, time.time_ns())
        except NotMappedError as error:
            fault, cut = str(error), payload[: MAX_SOURCE_BYTES + 1]
            if len(cut) < len(payload):
                fault = f"a payload of {len(payload)} bytes, cut; {fault}"
            self._packer.add_raw(cut, error.origin, came_from=f"mqtt:{topic}", fault=fault)
            return
        self._packer.add(pack, origin)


def check_granted(topic: str, codes: Sequence[int | ReasonCode]) -> None:
    """Raise ``MqttError`` where the broker has refused a subscription: 128 and above, in 3.1.1 and 5 alike."""
    refused = [code for code in codes if (code if isinstance(code, int) else code.value) >= REFUSED_FROM]
    if refused:
        raise aiomqtt.MqttError(f"it does not let this login subscribe to {topic} ({refused[0]})")


async def _pump(client: aiomqtt.Client, inbox: _Inbox) -> None:
    """Move messages into the inbox; never wait for one with a timeout, which can lose it (a cancelled queue)."""
    try:
        async for message in client.messages:
            if message.qos == 0 and len(inbox.messages) >= MAX_WAITING:
                GATEWAY_ROWS.labels("mqtt", "dropped").inc()
                continue
            inbox.messages.append(message)
            inbox.came.set()
    except aiomqtt.MqttError as error:
        with suppress(asyncio.QueueEmpty):  # it had come: a broker that died may not have it any more
            while True:
                inbox.messages.append(client._queue.get_nowait())  # noqa: SLF001 - aiomqtt 2.5.1 has no way of its own
        inbox.gone = error
        inbox.came.set()


async def _until_more(inbox: _Inbox, stopping: asyncio.Task[bool], timeout_s: float | None) -> bool:
    """Wait for more messages; ``False``: there are none for now, the connection is gone, or we are to stop."""
    if inbox.messages:
        return True
    if inbox.gone is not None:
        return False
    inbox.came.clear()
    coming = asyncio.create_task(inbox.came.wait())
    await asyncio.wait((coming, stopping), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    coming.cancel()
    return bool(inbox.messages)


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else str(payload).encode()


async def run_mqtt_bridge(settings: Settings, mapping: MqttMapping, address: MqttAddress, stop: asyncio.Event) -> None:
    """Run the bridge, with its metrics and health, until ``stop``."""
    await run_gateway(settings, "bridge mqtt", MqttBridge(settings, mapping, address), settings.bridge_port, stop)
