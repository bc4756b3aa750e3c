"""``vitals up``: everything on this machine, children supervised; unattended with ``--for``, and then judged."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from schemas.files import read_ground_truth
from streams.gateways.tokens import TRIAL_GATEWAY
from streams.local.embedded import EmbeddedBroker
from streams.local.histogram import quantiles_of
from streams.local.kafka import LocalKafka
from streams.local.outcome import Outcome, judge_run
from streams.local.plan import UpPlan, settings_of
from streams.local.ports import free_port_from
from streams.local.report import make_report, write_report
from streams.newest import newest_alerts, newest_cases, raise_latencies, worst_colours
from streams.provision import create_topics
from streams.settings import RUN_FILE, Settings, SettingsError
from streams.store.balance import balance
from streams.supervisor import Child, Supervisor
from streams.work import environment_of

READY_SECONDS = 120.0
DRAIN_SECONDS = 90.0
SUMMARY_SECONDS = 5.0
ROLES = ("viewer", "operator")
Say = Callable[[str], None]


class Up:
    """One run of the whole system."""

    def __init__(self, settings: Settings, plan: UpPlan, say: Say) -> None:
        self._plan, self._say = plan, say
        data = Path(settings.data)
        data.mkdir(parents=True, exist_ok=True)
        self._settings = settings_of(plan, settings)
        self._supervisor = Supervisor()
        self._tokens = {role: secrets.token_urlsafe(24) for role in ROLES}
        self._gateway_token = secrets.token_urlsafe(24)
        self._truth, self._simulation = data / "truth.jsonl", data / "simulation.json"

    async def run(self, stop: asyncio.Event) -> int:
        """Run until ``stop``, or as long as the plan says; return the exit code."""
        with ExitStack() as stack:
            self._start_broker(stack)
            await create_topics(self._settings)
            self._start_children()
            watcher = asyncio.create_task(self._supervisor.watch())
            try:
                return await self._run_until_done(stop)
            finally:
                watcher.cancel()
                with suppress(asyncio.CancelledError):
                    await watcher
                await self._supervisor.stop()
                RUN_FILE.unlink(missing_ok=True)

    async def _run_until_done(self, stop: asyncio.Event) -> int:
        began = time.monotonic()
        if not await self._until_ready(stop):
            return 0 if stop.is_set() else 3
        self._write_run_file()
        url = self._console_url()
        self._say(f"ready after {time.monotonic() - began:.1f} s; open {url}?token={self._tokens['operator']}")
        self._say(f"(or as a viewer: {url}?token={self._tokens['viewer']}); Ctrl-C stops everything")
        self._say(f"gateways post rows to http://{self._settings.host}:{self._settings.bridge_port}/ingest/readings;")
        self._say(f"the token of gateway {TRIAL_GATEWAY} is `gateway_token` in {RUN_FILE}; see docs/first-gateway.md")
        ready = time.monotonic()
        while not stop.is_set() and not self._is_over(ready):
            with suppress(TimeoutError):
                left = SUMMARY_SECONDS if self._plan.seconds is None else ready + self._plan.seconds - time.monotonic()
                await asyncio.wait_for(stop.wait(), max(0.1, min(SUMMARY_SECONDS, left)))
            await self._print_summary(time.monotonic() - ready)
        if self._plan.seconds is None or stop.is_set():
            return 130 if stop.is_set() and self._plan.seconds is not None else 0
        return await self._end(time.monotonic() - ready)

    def _is_over(self, ready: float) -> bool:
        return self._plan.seconds is not None and time.monotonic() - ready >= self._plan.seconds

    def _start_broker(self, stack: ExitStack) -> None:
        if self._plan.broker == "given":
            return
        server: EmbeddedBroker | LocalKafka
        if self._plan.broker == "local":
            server = stack.enter_context(LocalKafka())
            self._say(f"Apache Kafka of deploy/local on {server.bootstrap}; its data goes when this ends")
        else:
            server = stack.enter_context(EmbeddedBroker())
            self._say(f"embedded broker on {server.bootstrap}: for trying out; nothing outlives it")
            (Path(self._settings.data) / "vitals.duckdb").unlink(missing_ok=True)
        kind = "kafka" if self._plan.broker == "local" else "embedded"
        self._settings = msgspec.structs.replace(self._settings, kafka=server.bootstrap, broker=kind)

    def _start_children(self) -> None:
        host, _, console_port = self._settings.console.rpartition(":")
        self._settings = msgspec.structs.replace(
            self._settings,
            metrics_port=free_port_from(self._settings.metrics_port),
            store_port=free_port_from(self._settings.store_port),
            bridge_port=free_port_from(self._settings.bridge_port),
            console=f"{host}:{free_port_from(int(console_port))}",
        )
        self._child("worker", "worker")
        self._child("store", "store")
        self._child("ticker", "ticker")
        self._child("console", "console", VITALS_CONSOLE_TOKENS=json.dumps(self._tokens))
        self._child("bridge", "bridge", "http", VITALS_GATEWAY_TOKENS=json.dumps({TRIAL_GATEWAY: self._gateway_token}))
        plan = self._plan
        options = ["--devices", str(plan.devices), "--seed", str(plan.seed), "--truth", str(self._truth)]
        options += ["--out", str(self._simulation), *(["--no-recovery"] if not plan.is_recovering else [])]
        for scenario in plan.scenarios:
            options += ["--scenario", scenario]
        self._truth.unlink(missing_ok=True)
        self._simulation.unlink(missing_ok=True)
        self._child("simulator", "simulate", *options)

    def _child(self, name: str, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "streams.cli", *arguments]
        log_file = Path(self._settings.data) / "log" / f"{name}.log"
        log_file.unlink(missing_ok=True)
        self._supervisor.add(Child(name, command, log_file, {**environment_of(self._settings), **environment}))

    async def _until_ready(self, stop: asyncio.Event) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        waiting = "starting"
        while time.monotonic() < deadline and not stop.is_set():
            found = await self._waiting_for()
            if found is None:
                return True
            if found != waiting:
                self._say(f"waiting: {found}")
                waiting = found
            await asyncio.sleep(0.5)
        if not stop.is_set():
            self._say(f"not ready after {READY_SECONDS:.0f} s ({waiting}); see {self._settings.data}/log/*.log")
        return False

    async def _waiting_for(self) -> str | None:
        host = self._settings.host
        settings = self._settings
        checks = {"worker": settings.metrics_port, "store": settings.store_port, "bridge": settings.bridge_port}
        for name, port in checks.items():
            status, body = await _get(f"http://{host}:{port}/readyz")
            if status != 200:
                return f"{name}: {body.get('status', 'not up')}" if isinstance(body, dict) else f"{name}: not up"
        if (await _get(f"{self._console_url()}healthz"))[0] == 0:
            return "console: not up"
        if not self._simulation.exists():
            return "simulator: registers its devices"
        return None

    def _console_url(self) -> str:
        return f"http://{self._settings.console}/"

    def _write_run_file(self) -> None:
        settings = self._settings
        RUN_FILE.parent.mkdir(exist_ok=True)
        RUN_FILE.touch(mode=0o600)
        pids = {child.name: child.pid for child in self._supervisor.children}
        found = {
            "kafka": settings.kafka,
            "broker": settings.broker,
            "store": settings.store,
            "console": settings.console,
            "store_port": settings.store_port,
            "token": self._tokens["operator"],
            "bridge": f"http://{settings.host}:{settings.bridge_port}",
            "gateway_token": self._gateway_token,
            "metrics": f"http://{settings.host}:{settings.metrics_port}/metrics",
            "clock_scale": settings.clock_scale,
            "clock_behind_s": settings.clock_behind_s,
            "disorder_s": settings.disorder_s,
            "namespace": settings.namespace,
            "pids": {"up": os.getpid(), **pids},
        }
        RUN_FILE.write_text(json.dumps(found, indent=2), encoding="utf-8")

    async def _print_summary(self, seconds: float) -> None:
        status, summary = await _get(f"{self._console_url()}api/summary", self._tokens["viewer"])
        if status == 200 and isinstance(summary, dict):
            self._say(f"{seconds:6.0f} s  " + summary_line(summary))

    async def _end(self, seconds: float) -> int:
        self._say("stopping the simulator; waiting until all is stored")
        await self._supervisor.stop(["simulator"])
        found = await balance(self._settings, DRAIN_SECONDS)
        alerts, cases = await newest_alerts(self._settings), await newest_cases(self._settings)
        truths = read_ground_truth(self._truth) if self._truth.exists() else []
        outcome: Outcome = judge_run(found, cases, truths, self._plan)
        rows = sum(line.judged for line in found.by_partition)
        _, metrics = await _get(f"http://{self._settings.host}:{self._settings.store_port}/metrics")
        report = make_report(
            rows=rows,
            seconds=seconds,
            alerts=alerts,
            worst=await worst_colours(self._settings),
            cases=cases,
            balance=found,
            truths=truths,
            alert_latency_s=await raise_latencies(self._settings),
            stored=quantiles_of(metrics or "", "vitals_stored_seconds"),
        )
        if self._plan.report is not None:
            write_report(self._plan.report, report)
        for line in outcome.lines:
            self._say(line)
        return outcome.exit_code


def summary_line(summary: dict[str, Any]) -> str:
    """Return one line for the terminal of what ``/api/summary`` says: score, alerts, cases, age of the data."""
    if not summary.get("units"):
        return "the first windows are still open; the page fills when they close"
    score = summary.get("score")
    parts = [
        f"score {score:.0f}" if isinstance(score, int | float) else "no score yet",
        f"{summary['units']} units",
        f"{summary.get('alerts', 0)} open alerts",
        f"{summary.get('cases', 0)} open cases",
        f"{summary.get('closed_cases', 0)} closed",
        f"newest window {summary.get('lag_s', 0):.0f} s old",
    ]
    return ", ".join(parts) + ("" if summary.get("mode") == "actual" else f"  [{summary.get('mode', '')}]")


async def _get(url: str, token: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        timeout = aiohttp.ClientTimeout(total=3)
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session, session.get(url) as answer:
            is_json = answer.content_type.endswith("json")
            return answer.status, await answer.json() if is_json else await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0, None


def check_scenarios(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scenarios that are asked for; ``all`` means every one that has a simulator."""
    chosen = known if "all" in names else names
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise SettingsError(f"no simulator for scenario {', '.join(unknown)}; there are {', '.join(known)}, or `all`")
    return tuple(chosen)
