"""Take readings, crowd rows, video rows and reports over HTTP into Kafka: ``POST /ingest/<what>``.

Reads   requests of gateways that have a bearer token
Writes  vitals.readings, vitals.crowd, vitals.video, vitals.reports
State   none that matters: an answer is given after Kafka has confirmed, and a repeat under one key is one
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus

import msgspec
from aiohttp import web
from aiokafka.structs import RecordMetadata

from schemas import channels
from schemas.bounded import MAX_SOURCE_BYTES
from schemas.catalogue import Quantity
from schemas.ids import is_id
from schemas.refusals import Reason
from streams.delivery.records import Effect
from streams.gateways.confirmed import NotConfirmedError, Outbox
from streams.gateways.ingest import WHAT, BadBodyError, Fault, Ingest, Ingester, Taken
from streams.gateways.openapi import openapi
from streams.gateways.packing import gateway
from streams.gateways.problems import Problem, problem_response
from streams.gateways.repeats import Repeats, digest_of
from streams.gateways.stopping import until_stopped
from streams.gateways.tokens import Tokens
from streams.health import health_app, serve
from streams.kafka import producer
from streams.metrics import GATEWAY_ROWS
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.settings import Settings

log = logging.getLogger(__name__)
BODY_SECONDS = 10.0
RETRY_AFTER_SECONDS = 5
MAX_KEY = 128
TYPES = {"readings": ("application/senml+json", "application/json")}
OPEN_PATHS = frozenset(("/healthz", "/readyz", "/metrics", "/openapi.json"))  # nothing of the district
STATUS = {Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Reason.UNDECODABLE: HTTPStatus.BAD_REQUEST}
GATEWAY: web.RequestKey[str] = web.RequestKey("gateway", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record of a request lies in the log; ``vitals trace <id>`` tells what became of it."""

    id: str
    unit_id: str
    topic: str
    partition: int
    offset: int


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to rows that Kafka has confirmed; ``warnings`` are rows that will be refused, as things are now."""

    accepted: int
    records: tuple[Record, ...]
    warnings: tuple[Fault, ...] = ()


class HttpBridge:
    """The routes, and what they share."""

    def __init__(self, ingester: Ingester, outbox: Outbox, tokens: Tokens) -> None:
        self._ingester, self._outbox, self._tokens = ingester, outbox, tokens
        self._repeats = Repeats()

    def add_to(self, app: web.Application) -> None:
        """Add the routes and what stands before them."""
        app.middlewares.append(self._guard)
        for what in WHAT:
            app.router.add_post(f"/ingest/{what}", self._handler(what))
        document = msgspec.json.encode(openapi())

        async def describe(_: web.Request) -> web.Response:
            return web.Response(body=document, content_type="application/json")

        app.router.add_get("/openapi.json", describe)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has a token, and answer what goes wrong as a problem."""
        try:
            if request.path not in OPEN_PATHS:
                request[GATEWAY] = self._gateway_of(request)
            return await handler(request)
        except Problem as problem:
            return problem_response(problem)
        except web.HTTPException as error:
            allowed = error.headers.get("Allow")
            detail = error.text or error.reason
            found = Problem(HTTPStatus(error.status), detail, headers={"Allow": allowed} if allowed else {})
            return problem_response(found)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return problem_response(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The bridge failed; its log says why."))

    def _gateway_of(self, request: web.Request) -> str:
        gateway_id = self._tokens.gateway_of(request.headers.get("Authorization"))
        if gateway_id is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, "A gateway's token is needed: Authorization: Bearer TOKEN.")
        return gateway_id

    def _handler(self, what: str) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return await self._ingest(what, request)

        return handle

    async def _ingest(self, what: str, request: web.Request) -> web.Response:
        gateway_id, key = request[GATEWAY], _key(request)
        _check_type(what, request)
        if self._outbox.is_slow():
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Kafka is slow to confirm: send this again later.",
                retry=RETRY_AFTER_SECONDS,
            )
        body = await _body(request)
        digest = digest_of(what.encode(), request.query_string.encode(), body)
        if key is not None:
            before = self._repeats.begin(gateway_id, key, digest)
            if before is not None:
                return _repeated(before.digest == digest, before.answer)
        answer: bytes | None = None
        try:
            ident = uuid.uuid4().hex if key is None else f"{key}:{digest.hex()[:8]}"
            answer = await self._accept(self._asked(what, request, gateway_id, ident), body)
        finally:
            if key is not None:
                self._repeats.finish(gateway_id, key, answer)
        return _accepted(answer)

    def _asked(self, what: str, request: web.Request, gateway_id: str, ident: str) -> Ingest:
        unknown = sorted(request.query.keys() - {"backfill", "unit"})
        if unknown:
            raise Problem(HTTPStatus.BAD_REQUEST, f"There is no parameter {unknown[0][:40]!r}; known: backfill, unit.")
        backfill, unit_id = request.query.get("backfill", "false"), request.query.get("unit")
        if backfill not in ("true", "false"):
            raise Problem(HTTPStatus.BAD_REQUEST, "backfill must be true or false.")
        if unit_id is not None and (what != "crowd" or not is_id(unit_id)):
            raise Problem(HTTPStatus.BAD_REQUEST, "unit must be a unit's id, and is for crowd rows alone.")
        return Ingest(
            what=what,
            origin=gateway(gateway_id, is_backfill=backfill == "true"),
            now_ns=time.time_ns(),
            unit_id=unit_id,
            ident=ident,
        )

    async def _accept(self, asked: Ingest, body: bytes) -> bytes:
        try:
            taken = self._ingester.take(asked, body)
        except BadBodyError as error:
            GATEWAY_ROWS.labels("http", "refused").inc(max(1, len(error.faults)))
            status = STATUS.get(error.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
            raise Problem(status, f"{error.reason}: {error.detail}. Nothing was taken.", errors=error.faults) from error
        try:
            places = await self._outbox.send(taken.effects)
        except NotConfirmedError as error:
            detail = f"{error}. It may still be taken: sent again with the same Idempotency-Key it counts once."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry=RETRY_AFTER_SECONDS) from error
        GATEWAY_ROWS.labels("http", "sent").inc(taken.elements)
        return msgspec.json.encode(_answer(taken, places))


def _answer(taken: Taken, places: list[RecordMetadata]) -> Accepted:
    records = [_record(effect, place) for effect, place in zip(taken.effects, places, strict=True)]
    return Accepted(accepted=taken.elements, records=tuple(records), warnings=tuple(taken.warnings))


def _record(effect: Effect, place: RecordMetadata) -> Record:
    return Record(
        id=dict(effect.headers)["ce_id"].decode(),
        unit_id=(effect.key or b"").decode(),
        topic=effect.topic,
        partition=place.partition,
        offset=place.offset,
    )


def _accepted(answer: bytes, *, is_repeat: bool = False) -> web.Response:
    headers = {"Idempotency-Replayed": "true"} if is_repeat else {}
    return web.Response(body=answer, status=HTTPStatus.ACCEPTED, content_type="application/json", headers=headers)


def _repeated(is_same: bool, answer: bytes | None) -> web.Response:
    if not is_same:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request: take a new one."
        )
    if answer is None:
        raise Problem(HTTPStatus.CONFLICT, "A request with this Idempotency-Key is under way: wait for it.", retry=1)
    return _accepted(answer, is_repeat=True)


def _key(request: web.Request) -> str | None:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    key = given.strip().strip('"')
    if not 0 < len(key) <= MAX_KEY or not all("!" <= char <= "~" for char in key):
        raise Problem(HTTPStatus.BAD_REQUEST, f"Idempotency-Key must be 1 to {MAX_KEY} visible ASCII characters.")
    return key


def _check_type(what: str, request: web.Request) -> None:
    allowed = TYPES.get(what, ("application/json",))
    if request.content_type not in allowed:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {' or '.join(allowed)}.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: the body must not be compressed.")


async def _body(request: web.Request) -> bytes:
    try:
        return await asyncio.wait_for(request.read(), BODY_SECONDS)
    except TimeoutError as error:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"The body did not come within {BODY_SECONDS:.0f} s.") from error


async def run_http_bridge(
    settings: Settings,
    quantities: Mapping[str, Quantity],
    tokens: Tokens,
    stop: asyncio.Event,
    started: Callable[[str], None],
) -> None:
    """Serve until ``stop``; ``started`` is told the address, ``http://host:port``, when rows can come."""

    async def work() -> None:
        await require_topics(settings, *channels.SOURCES)
        async with AsyncExitStack() as stack:
            registry = RegistryReader(settings, (channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS))
            stack.push_async_callback(registry.stop)
            outbox = Outbox(settings, await stack.enter_async_context(producer(settings)))
            stack.push_async_callback(outbox.close)
            await registry.catch_up()
            app = health_app(lambda: "Kafka is slow to confirm" if outbox.is_slow() else None, MAX_SOURCE_BYTES)
            HttpBridge(Ingester(registry.view, quantities), outbox, tokens).add_to(app)
            runner, port = await serve(app, settings.host, settings.bridge_port)
            stack.push_async_callback(runner.cleanup)
            started(f"http://{settings.host}:{port}")
            await stop.wait()

    await until_stopped(work(), stop)
