"""A clock that goes on only when someone waits, a broker in memory, and a small district."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import RequestTimedOutError

from schemas.registry import RegistryFile
from schemas.times import SECOND_NS
from simulators.district import registry
from streams.catalogue.files import load_catalogue

NOON = 1_767_240_000  # 2026-01-01 12:00 in Shanghai, a Thursday


@dataclass
class FakeClock:
    """Time that passes by waiting; ``stop`` is set when it reaches ``until_s``."""

    now_s: float = float(NOON)
    until_s: float = float("inf")

    def now_ns(self) -> int:
        return round(self.now_s * SECOND_NS)

    async def wait(self, seconds: float, stop: asyncio.Event) -> None:
        self.now_s += seconds
        if self.now_s >= self.until_s:
            stop.set()
        await asyncio.sleep(0)


@dataclass
class MemoryBroker:
    """Keeps what it confirmed; the first ``failures`` sends are refused."""

    failures: int = 0
    records: list[tuple[str, bytes | None, bytes | None, dict[str, bytes]]] = field(default_factory=list)

    async def send(
        self, topic: str, *, value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> Awaitable[object]:
        if self.failures > 0:
            self.failures -= 1
            raise RequestTimedOutError
        self.records.append((topic, key, value, dict(headers)))
        confirmed: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture(scope="session")
def known() -> RegistryFile:
    """Return the units and teams of the shipped catalogue."""
    return load_catalogue().registry


@pytest.fixture(scope="session")
def district(known: RegistryFile) -> RegistryFile:
    """Return 60 units, 1,000 devices."""
    return registry(known, seed=1, devices=1_000, units=60)
