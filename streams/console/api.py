"""The routes: the page, its event stream, the same in JSON, and what people send back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar, cast, get_args

import msgspec
from aiohttp import web
from aiokafka.errors import KafkaError

from schemas.catalogue import Catalogue
from schemas.ids import MODES, Mode
from schemas.orders import Order
from schemas.times import SECOND_NS, format_time, parse_time
from streams.console import pages
from streams.console.auth import RIGHTS, Access, Identity, Role
from streams.console.guard import IDENTITY, add_headers, guard, need
from streams.console.hub import Hub, TooManyClientsError
from streams.console.live import Live
from streams.console.problems import Problem, problem_response
from streams.console.views import AlertCard, CaseCard, Summary, alert_card, case_card, catalogue_view
from streams.console.words import action_effect, feedback_effect
from streams.delivery.records import Effect
from streams.pollution.answer import CaseSources
from streams.pollution.case import has_sources
from streams.settings import SettingsError
from streams.twin.around import OutOfLogError
from streams.twin.names import or_close
from streams.twin.state import Twin, explained

MAX_BODY = 16 << 10
LOOK_BACK_SECONDS = 30.0
C = TypeVar("C", AlertCard, CaseCard)
T = TypeVar("T")


class NotConfirmedError(Exception):
    """The broker did not confirm a word in time: it may or may not stand in the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Where a word stands in the log."""

    partition: int
    offset: int


Send = Callable[[Effect], Awaitable[Receipt]]
LookBack = Callable[[str, int], Awaitable[Twin]]  # unit, event time (ns)
Explain = Callable[[Order], Awaitable[CaseSources]]


def console_app(
    live: Live,
    hub: Hub,
    access: Access,
    catalogue: Catalogue,
    send: Send,
    now_ns: Callable[[], int] = time.time_ns,
    look_back: LookBack | None = None,
    explain: Explain | None = None,
) -> web.Application:
    """Return the console's application; ``send`` returns when the broker has confirmed, else ``NotConfirmedError``.

    ``look_back`` reads a unit's twin of a past time out of the log, ``explain`` the likely sources of a case.
    """
    app = web.Application(client_max_size=MAX_BODY, middlewares=[guard(access, pages.closed_page)])
    routes = Routes(live, hub, access, catalogue, send, now_ns, look_back, explain)
    app.add_routes(routes.table())
    app.on_response_prepare.append(add_headers)

    async def close(_: web.Application) -> None:
        hub.close()

    app.on_shutdown.append(close)
    return app


class Routes:
    """The handlers, over one live state."""

    def __init__(
        self,
        live: Live,
        hub: Hub,
        access: Access,
        catalogue: Catalogue,
        send: Send,
        now_ns: Callable[[], int] = time.time_ns,
        look_back: LookBack | None = None,
        explain: Explain | None = None,
    ) -> None:
        self._now_ns, self._look_back, self._explain = now_ns, look_back, explain
        self._looking = asyncio.Lock()  # one look into the log at a time
        self._live = live
        self._hub = hub
        self._access = access
        self._catalogue, self._catalogue_view = catalogue, catalogue_view(catalogue)
        self._send = send

    def table(self) -> list[web.RouteDef]:
        """Return method, path and handler of each route."""
        return [
            web.get("/", pages.index),
            web.get("/static/{name}", pages.static),
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/events", self.events, allow_head=False),
            web.get("/api/session", self.session),
            web.get("/api/catalogue", self.catalogue),
            web.get("/api/summary", self.summary),
            web.get("/api/units", self.units),
            web.get("/api/units/{unit_id}", self.unit),
            web.get("/api/alerts", self.alerts),
            web.get("/api/alerts/{alert_id}", self.alert),
            web.get("/api/cases", self.cases),
            web.get("/api/cases/{case_id}", self.case),
            web.get("/api/cases/{case_id}/sources", self.sources),
            web.post("/api/actions", self.act),
            web.get("/api/reports/{report_id}", self.reported),
            web.post("/api/feedback", self.report),
            web.post("/api/links", self.link),
        ]

    async def healthz(self, _: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def readyz(self, _: web.Request) -> web.Response:
        if not self._live.caught_up:
            return _json({"status": "still reading the log"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return _json({"status": "ready"})

    async def events(self, request: web.Request) -> web.StreamResponse:
        need(request, "see")
        try:
            client = self._hub.join()
        except TooManyClientsError as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        try:
            await response.prepare(request)
            while (message := await self._hub.next_message(client)) is not None:
                await response.write(message)
        except ConnectionError:
            pass  # the reader has gone
        finally:
            self._hub.leave(client)
        return response

    async def session(self, request: web.Request) -> web.Response:
        identity: Identity = request[IDENTITY]
        return _json({"role": identity.role, "csrf": identity.csrf, "may": sorted(RIGHTS[identity.role])})

    async def catalogue(self, _: web.Request) -> web.Response:
        return _json(self._catalogue_view)

    async def summary(self, request: web.Request) -> web.Response:
        return _json(summary_of(self._live, self._mode(request), self._now_ns()))

    async def units(self, request: web.Request) -> web.Response:
        mode = self._mode(request)
        return _json({"mode": mode, "units": [one for one in self._live.tiles() if one.mode == mode]})

    async def unit(self, request: web.Request) -> web.Response:
        unit_id = request.match_info["unit_id"]
        if "at" in request.query:
            return _json(await self._past(unit_id, request.query["at"]))
        found = self._live.unit(unit_id, self._mode(request))
        if found is None:
            raise self._unknown(unit_id)
        return _json(msgspec.structs.asdict(found) | {"scores": explained(self._catalogue, found.indicators)})

    async def _past(self, unit_id: str, at: str) -> Twin:
        if self._look_back is None or not self._is_known(unit_id):
            raise self._unknown(unit_id)
        try:
            at_ns = parse_time(at)
        except ValueError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, f"`at`: {error}") from error
        if at_ns > self._now_ns():
            raise Problem(HTTPStatus.BAD_REQUEST, "`at` has not come yet.")
        return await self._looked(partial(self._look_back, unit_id, at_ns))

    async def _looked(self, look: Callable[[], Awaitable[T]]) -> T:
        """Return what a look into the log finds, one look at a time and not for ever."""
        try:
            async with asyncio.timeout(LOOK_BACK_SECONDS), self._looking:
                return await look()
        except OutOfLogError as error:
            raise Problem(HTTPStatus.GONE, f"{error}.") from error
        except (TimeoutError, SettingsError, KafkaError) as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The log could not be read in time; try again.") from error

    def _unknown(self, unit_id: str) -> Problem:
        close = or_close(self._live.places, unit_id[:64])
        return Problem(HTTPStatus.NOT_FOUND, f"No unit {unit_id[:64]!r} is known{close}.")

    def _is_known(self, unit_id: str) -> bool:
        return any(self._live.unit(unit_id, mode) is not None for mode in MODES)

    async def alerts(self, request: web.Request) -> web.Response:
        ledger = self._live.alerts
        chosen = ledger.all() if _wants_all(request) else ledger.open.values()
        return _json({"alerts": _of_mode(request, map(alert_card, chosen))})

    async def alert(self, request: web.Request) -> web.Response:
        alert_id = request.match_info["alert_id"]
        return _json(_found(self._live.alerts.get(alert_id), f"No alert {alert_id[:64]!r} is known."))

    async def cases(self, request: web.Request) -> web.Response:
        ledger = self._live.cases
        chosen = ledger.all() if _wants_all(request) else ledger.open.values()
        return _json({"cases": _of_mode(request, map(case_card, chosen))})

    async def case(self, request: web.Request) -> web.Response:
        return _json(self._case(request))

    async def sources(self, request: web.Request) -> web.Response:
        """Tell where the pollution of a case may come from, with the evidence."""
        case = self._case(request)
        if self._explain is None or not has_sources(case):
            raise Problem(HTTPStatus.NOT_FOUND, f"No source is looked for in a case of {case.scenario}.")
        return _json(await self._looked(partial(self._explain, case)))

    def _case(self, request: web.Request) -> Order:
        case_id = request.match_info["case_id"]
        return _found(self._live.cases.get(case_id), f"No case {case_id[:64]!r} is known.")

    async def reported(self, request: web.Request) -> web.Response:
        """Tell what became of a report: the cases that it belongs to, the newest first."""
        report_id = request.match_info["report_id"]
        found = [case for case in self._live.cases.all() if report_id in case.report_ids]
        if not found:
            raise Problem(
                HTTPStatus.NOT_FOUND, f"No case is known for report {report_id[:64]!r}; `vitals trace` looks further."
            )
        cards = [case_card(case) for case in sorted(found, key=lambda case: case.opened, reverse=True)]
        return _json({"report_id": report_id, "cases": cards})

    async def act(self, request: web.Request) -> web.Response:
        identity = need(request, "act")
        return await self._say(action_effect(await request.read(), self._live, identity, self._now_ns()))

    async def report(self, request: web.Request) -> web.Response:
        identity = need(request, "report")
        return await self._say(feedback_effect(await request.read(), self._live, identity, self._now_ns()))

    async def link(self, request: web.Request) -> web.Response:
        identity: Identity = request[IDENTITY]
        role = request.query.get("role", identity.role)
        if role not in get_args(Role) or not RIGHTS[cast("Role", role)] <= RIGHTS[identity.role]:
            raise Problem(
                HTTPStatus.FORBIDDEN, f"The role {identity.role} may not give a link to the role {role[:20]!r}."
            )
        token = self._access.new_link(cast("Role", role))
        return _json({"role": role, "url": f"{request.scheme}://{request.host}/?token={token}"}, HTTPStatus.CREATED)

    async def _say(self, effect: Effect) -> web.Response:
        try:
            receipt = await self._send(effect)
        except NotConfirmedError as error:
            return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        body = {"status": "accepted", "topic": effect.topic, "partition": receipt.partition, "offset": receipt.offset}
        return _json({**body, "id": dict(effect.headers)["ce_id"].decode()}, HTTPStatus.ACCEPTED)

    def _mode(self, request: web.Request) -> Mode:
        modes = self._live.modes()
        return _asked_mode(request) or (modes[0] if modes else "actual")


def summary_of(live: Live, mode: Mode, now_ns: int) -> Summary:
    """Return the district in numbers."""
    clock = live.clocks.get(mode)
    alerts = [one for one in live.alerts.open.values() if one.mode == mode]
    cases = [one for one in live.cases.open.values() if one.mode == mode]
    districts = tuple(one for one in live.areas() if one.mode == mode and "." not in one.area_id)
    worst = min((one for one in districts if one.overall is not None), key=lambda one: one.overall or 0.0, default=None)
    return Summary(
        now=format_time(now_ns),
        mode=mode,
        modes=live.modes(),
        caught_up=live.caught_up,
        window_end=None if clock is None else clock.window_end,
        lag_s=None if clock is None else round((now_ns - parse_time(clock.window_end)) / SECOND_NS, 3),
        districts=districts,
        score=None if worst is None else worst.overall,
        trend=None if worst is None else worst.trend,
        alerts=len(alerts),
        cases=len(cases),
        units=sum(one.mode == mode for one in live.tiles()),
        open_alerts=dict(Counter(one.colour for one in alerts)),
        open_cases=dict(Counter(one.step for one in cases)),
        closed_cases=sum(one.mode == mode and one.step == "closed" for one in live.cases.over.values()),
    )


def _of_mode(request: web.Request, cards: Iterable[C]) -> list[C]:
    mode = _asked_mode(request)
    return [card for card in cards if mode in (None, card.mode)]


def _asked_mode(request: web.Request) -> Mode | None:
    mode = request.query.get("mode")
    if mode is not None and mode not in MODES:
        raise Problem(HTTPStatus.BAD_REQUEST, f"mode must be one of {', '.join(MODES)}.")
    return mode


def _wants_all(request: web.Request) -> bool:
    state = request.query.get("state", "open")
    if state not in ("open", "all"):
        raise Problem(HTTPStatus.BAD_REQUEST, "state must be open or all.")
    return state == "all"


def _found(thing: T | None, detail: str) -> T:
    if thing is None:
        raise Problem(HTTPStatus.NOT_FOUND, detail)
    return thing


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status.value, content_type="application/json")
