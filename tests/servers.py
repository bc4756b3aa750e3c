"""Real servers, started at the first test that asks and stopped at the end of the session by their own pid.

All tests of a session share them: names of topics, groups and buckets start with the test's ``namespace``. A test that
kills or fills a server starts one of its own (``require(LocalKafka)``, then ``with LocalKafka(tmp_path) as kafka``).
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import LocalService, ServiceMissingError


def leave_out(reason: str) -> NoReturn:
    """Skip the test that needs what is missing; with VITALS_REQUIRE_SERVICES=1 fail it."""
    if os.environ.get("VITALS_REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require(service: type[LocalService]) -> None:
    """Leave the test out if ``service`` cannot be started here; for tests that start their own."""
    try:
        service.require()
    except ServiceMissingError as error:
        leave_out(str(error))


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """The session's Apache Kafka: one node, running."""
    require(LocalKafka)
    with LocalKafka() as server:
        yield server


@pytest.fixture(scope="session")
def influx() -> Iterator[LocalInflux]:
    """The session's InfluxDB 1.8, running and without buckets."""
    require(LocalInflux)
    with LocalInflux() as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium, for Playwright's ``executable_path``."""
    return shutil.which("chromium") or leave_out("Chromium is missing: apt-get install chromium fonts-dejavu-core")


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A prefix of this test's own for topics, groups and buckets."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{name[:40]}-{secrets.token_hex(3)}"
