"""The oracle: reads the same log as the stages, one record after the other, and says what must come of it.

It shares no code with the stages but the schemas, keeps everything in memory, and sorts where they wait for watermarks:
slow, and simple enough to be believed. What the generator does not make it refuses with ``NotImplementedError``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.envelope import dedup_key, read_envelope
from schemas.registry import RegistryFile
from streams.settings import Settings
from tests.faults.expected import Expected
from tests.faults.log import Logged
from tests.faults.oracle_cases import Finding, alerts_and_cases
from tests.faults.oracle_signs import signs

SECOND_NS = 1_000_000_000
FUTURE_NS = 300 * SECOND_NS
COUNTED = ("in", "judged", "late", "dead", "duplicate")


@dataclass
class Partition:
    """What the oracle remembers of one partition of ``vitals.readings``."""

    watermark: int = 0
    last: dict[str, tuple[int, float]] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))


class Oracle:
    """Judges readings record by record; what joins them is said at the end."""

    def __init__(self, registry: RegistryFile, catalogue: Catalogue, settings: Settings) -> None:
        if registry.teams or settings.clock_scale != 1.0:
            raise NotImplementedError("teams, and clocks that run faster")
        self._registry, self._catalogue = registry, catalogue
        self._devices = {device.device_id: device for device in registry.devices}
        self._disorder_ns = round(settings.disorder_s * SECOND_NS)
        self._grace_ns = round(settings.grace_s * SECOND_NS)
        self._partitions: dict[int, Partition] = {}
        self._ticked: dict[tuple[str, int], int] = {}
        self._found = Expected()
        self._findings: list[Finding] = []

    def read(self, record: Logged) -> None:
        """Judge one record; the records of a topic-partition come in the order of their offsets."""
        envelope = read_envelope(record.headers)
        if envelope.is_tick:
            assert envelope.time_ns is not None
            mark = min(envelope.time_ns, record.append_ns) - self._disorder_ns
            place = (record.topic, record.partition)
            self._ticked[place] = max(self._ticked.get(place, 0), mark)
            if record.topic == channels.READINGS:
                partition = self._partition(record.partition)
                partition.watermark = max(partition.watermark, mark)
        elif record.topic != channels.READINGS or envelope.is_backfill or envelope.mode != "actual":
            raise NotImplementedError(f"{record.topic}-{record.partition} at {record.offset}")
        else:
            self._read_pack(record, self._partition(record.partition), dedup_key(envelope))

    def expected(self) -> Expected:
        """Return what must have come of all records read."""
        for number, partition in self._partitions.items():
            if partition.counters["in"]:
                self._found.counters[channels.READINGS, number] = partition.counters
        end = min(self._ticked.values(), default=0)  # every topic ticks in every partition
        self._found.indicators.update(signs(self._found.points, self._registry, self._catalogue, end))
        alerts, cases = alerts_and_cases(self._findings, self._catalogue, end)
        self._found.alerts.update(alerts)
        self._found.cases.update(cases)
        return self._found

    def _partition(self, number: int) -> Partition:
        return self._partitions.setdefault(number, Partition())

    def _read_pack(self, record: Logged, partition: Partition, key: bytes | None) -> None:
        counters = partition.counters
        try:
            rows = json.loads(record.value)
        except ValueError:
            counters["in"] += 1
            counters["dead"] += 1
            self._found.dead[record.topic, record.partition, record.offset, -1] = "undecodable"
            return
        counters["in"] += len(rows)
        if key is not None and key in partition.seen:
            counters["duplicate"] += len(rows)
            return
        if key is not None:
            partition.seen.add(key)
        watermark, newest = partition.watermark, 0
        for index, row in enumerate(rows):
            outcome = self._fault(row, record)
            if outcome is None:
                outcome = self._take(row, record, partition, watermark)
            if outcome == "judged":
                newest = max(newest, row["t"] * SECOND_NS)
            if outcome not in COUNTED:
                self._found.dead[record.topic, record.partition, record.offset, index] = outcome
                outcome = "dead"
            counters[outcome] += 1
        partition.watermark = max(watermark, min(newest, record.append_ns) - self._disorder_ns)

    def _fault(self, row: dict[str, object], record: Logged) -> str | None:
        """Return why a row is dead whatever came before it."""
        device_id, _, quantity_id = str(row["n"]).partition("/")
        device, quantity = self._devices.get(device_id), self._catalogue.quantities.get(quantity_id)
        value = row.get("v")
        if "vs" in row:
            return "schema"
        if isinstance(value, int) and abs(value) >= 2**63:
            return "bad_value"
        if device is None:
            return "unknown_device"
        if quantity is None or quantity_id not in device.quantities:
            return "unknown_quantity"
        if row.get("u", quantity.unit) != quantity.unit or ("vb" in row) != quantity.boolean:
            return "wrong_measure"
        is_in_range = value is None or quantity.low <= float(str(value)) <= quantity.high
        if device.unit_id.encode() != record.key or not is_in_range:
            raise NotImplementedError(f"{row} of {device.unit_id}")
        assert isinstance(row["t"], int)
        return "future" if row["t"] * SECOND_NS > record.append_ns + FUTURE_NS else None

    def _take(self, row: dict[str, object], record: Logged, partition: Partition, watermark: int) -> str:
        """Return what becomes of a row that is well in itself."""
        name, time_ns = str(row["n"]), int(str(row["t"])) * SECOND_NS
        value = float(row["vb"] is True) if "vb" in row else float(str(row["v"]))
        last = partition.last.get(name)
        if last is not None and time_ns == last[0]:
            return "duplicate" if value == last[1] else "conflict"
        if time_ns < watermark - self._grace_ns:
            self._found.late[name, time_ns] = value
            return "late"
        if (name, time_ns) in self._found.points:
            raise NotImplementedError(f"{name} sent again, not as its series' last")
        if last is None or time_ns > last[0]:
            partition.last[name] = (time_ns, value)
        self._found.points[name, time_ns] = value
        if time_ns >= watermark and name.endswith("/lift_fault"):
            self._findings.append(Finding(time_ns, name, (record.key or b"").decode(), value >= 1.0))
        return "judged"


def expect(log: Iterable[Logged], registry: RegistryFile, catalogue: Catalogue, settings: Settings) -> Expected:
    """Return what must come of a whole log, given in the order of (topic, partition, offset)."""
    oracle = Oracle(registry, catalogue, settings)
    for record in log:
        oracle.read(record)
    return oracle.expected()
