"""T9, in memory: whatever comes, no fold raises, every record dies with a reason, and none is left out of the count."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas import channels
from schemas.dead_letters import read_dead_letter
from schemas.times import SECOND_NS
from streams.alert.partition import AlertPartition
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Effect, Record
from streams.dispatch.partition import DispatchPartition
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.settings import Settings
from tests.faults.fuzzer import Hostile, hostile_records
from tests.faults.scale import Scale

SEED = 9
SLOWEST_S = 0.25  # of one record on a busy machine


def as_record(hostile: Hostile, offset: int) -> Record:
    return Record(
        topic=hostile.topic,
        partition=hostile.partition,
        offset=offset,
        append_ns=1_795_700_000 * SECOND_NS + offset,
        key=hostile.key,
        value=hostile.value or b"",
        headers=dict(hostile.headers),
    )


def letters(effects: list[Effect]) -> list[tuple[str, int, int]]:
    found = [read_dead_letter(dict(e.headers), e.value) for e in effects if e.topic == channels.DEAD_LETTERS]
    return [(letter.topic, letter.partition, letter.offset) for letter in found]


class Stages:
    """One partition of each kind for each number, in memory."""

    def __init__(self) -> None:
        catalogue = load_catalogue(Path(Settings().catalogue))
        self._view, self._catalogue = RegistryView(), catalogue
        self.sense: dict[int, SensePartition] = {}
        self._alert: dict[int, AlertPartition] = {}
        self._dispatch: dict[int, DispatchPartition] = {}

    def fold(self, record: Record) -> list[Effect]:
        number, clocks = record.partition, {"disorder_ns": 10 * SECOND_NS}
        if record.topic in channels.SOURCES:
            if number not in self.sense:
                self.sense[number] = SensePartition(
                    number, self._catalogue, self._view, pace=Pace(), grace_ns=600 * SECOND_NS, **clocks
                )
            return self.sense[number].fold([record])
        if record.topic == channels.ACTIONS:
            alert = self._alert.setdefault(
                number, AlertPartition(number, self._catalogue, Pace(), 10 * SECOND_NS, self._view.units)
            )
            return alert.fold([record])
        dispatch = self._dispatch.setdefault(
            number,
            DispatchPartition(number, self._catalogue, Pace(), 10 * SECOND_NS, self._view.units, self._view.teams),
        )
        return dispatch.fold([record])


@pytest.fixture
def unswept() -> Iterator[None]:
    """Let Python's collector rest: its pauses grow with what other tests have left, and no record is to blame."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("unswept")
def test_nothing_hostile_raises_or_escapes_the_count(scale: Scale, figures: Callable[..., None]) -> None:
    stages, dead, slowest, kinds = Stages(), 0, (0.0, ""), Counter[str]()
    for offset, hostile in enumerate(hostile_records(SEED, scale.hostile_in_memory)):
        record = as_record(hostile, offset)
        began = time.thread_time()
        effects = stages.fold(record)
        slowest = max(slowest, (time.thread_time() - began, hostile.kind))
        places = letters(effects)
        if record.topic in channels.SOURCES:
            assert places, f"{hostile.kind} was not refused: {record}"
            assert set(places) == {(record.topic, record.partition, offset)}
        dead += len(places)
        kinds[hostile.kind] += 1
    for partition in stages.sense.values():
        for counts in partition.counters.values():
            assert counts["in"] == counts["judged"] + counts["late"] + counts["dead"] + counts["duplicate"]
            assert counts["judged"] == counts["late"] == counts["duplicate"] == 0
    figures(
        inputs=scale.hostile_in_memory,
        kinds=len(kinds),
        dead=dead,
        slowest_ms=round(slowest[0] * 1e3, 1),
        of=slowest[1],
    )
    assert slowest[0] < SLOWEST_S, slowest
