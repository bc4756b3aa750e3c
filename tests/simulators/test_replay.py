import asyncio
import csv
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from schemas.envelope import read_envelope
from schemas.files import Mapping, TimeColumns, ValueColumn, read_mapping
from schemas.registry import Unit, Zone
from schemas.registry_codec import check_registry
from schemas.rows import decode_crowd
from schemas.senml import decode_pack
from schemas.times import SECOND_NS, parse_time
from simulators.outgoing import Outgoing
from simulators.recorded import Recording, Tally, moment_ns
from simulators.replay import events, registry_of, replay, shift_to, survey
from simulators.sending import Sender
from streams.catalogue.files import load_catalogue

SHIPPED = sorted((Path(__file__).parents[2] / "deploy" / "mappings").glob("*.yaml"))
UNIT = Unit(
    unit_id="x.y.g01.square",
    kind="scenic-area",
    name_zh="广场",
    name_en="Square",
    zones=(Zone(zone_id="z-1", area_m2=9),),
)
READINGS = Mapping(
    name="tiny", files=("t.csv",), time=TimeColumns(columns=("at",)), time_zone="UTC", period_s=10,
    target="vitals.readings", unit=UNIT, device="d-{who}",
    values=(ValueColumn(column="ch4", to="ch4", unit="ppm"), ValueColumn(column="co", to="co", unit="ppm")),
)  # fmt: skip
CROWD = Mapping(
    name="tiny", files=("t.csv",), time=TimeColumns(columns=("at",)), time_zone="UTC", period_s=60,
    target="vitals.crowd", unit=UNIT, zone="z-{who}", source="gate",
    values=(ValueColumn(column="ch4", to="people_in"), ValueColumn(column="co", to="mean_speed_mps")),
)  # fmt: skip
TABLE = """at,who,ch4,co
2026-01-01T00:00:20Z,1,30,3
2026-01-01T00:00:00Z,2,12,
2026-01-01T00:00:00Z,1,10,1
2026-01-01T00:00:10Z,1,20,2
"""
START = parse_time("2026-01-01T00:00:00Z")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    (tmp_path / "t.csv").write_text(TABLE)
    return Recording(mapping=READINGS, data=tmp_path)


def test_events_come_in_order_of_time_with_what_belongs_to_one_time_together(recording: Recording) -> None:
    found = [decode_pack(record.value, 0) for record in events(recording)]
    assert [(pack.names, pack.values) for pack in found] == [
        (["d-1/ch4", "d-1/co", "d-2/ch4"], [10.0, 1.0, 12.0]),
        (["d-1/ch4", "d-1/co"], [20.0, 2.0]),
        (["d-1/ch4", "d-1/co"], [30.0, 3.0]),
    ]
    assert [pack.times[0] for pack in found] == [START, START + 10 * SECOND_NS, START + 20 * SECOND_NS]


def test_shifted_events_carry_their_new_time_everywhere(recording: Recording) -> None:
    record = next(events(recording, shift_ns=1_000 * SECOND_NS))
    envelope = read_envelope(dict(record.headers))
    assert record.time_ns == envelope.time_ns == decode_pack(record.value, 0).times[0] == START + 1_000 * SECOND_NS
    assert envelope.id != read_envelope(dict(next(events(recording)).headers)).id


def test_crowd_rows_have_their_period_and_fields(recording: Recording) -> None:
    crowd = Recording(mapping=CROWD, data=recording.data, to_ns=START + 1)
    (record,) = events(crowd)
    rows = decode_crowd(record.value).good
    assert [(row.zone_id, row.people_in, row.mean_speed_mps, row.period_s, row.source) for row in rows] == [
        ("z-1", 10, 1.0, 60.0, "gate"),
        ("z-2", 12, None, 60.0, "gate"),
    ]


def test_what_the_mapping_names_is_registered(recording: Recording) -> None:
    found = registry_of(READINGS, recording.data)
    assert check_registry(found) == []
    assert [(d.device_id, d.quantities, d.interval_s, d.mode) for d in found.devices] == [
        ("d-1", ("ch4", "co"), 10.0, "actual"),
        ("d-2", ("ch4",), 10.0, "actual"),
    ]
    assert read_envelope(dict(next(events(recording)).headers)).source == (
        f"urn:vitals:gateway:{found.gateways[0].gateway_id}"
    )


def test_a_survey_tells_how_much_and_from_when_to_when(recording: Recording) -> None:
    found = survey(recording)
    assert (found.tally.rows, found.tally.events, found.tally.missing) == (4, 7, 1)
    assert (found.first_ns, found.last_ns) == (START, START + 20 * SECOND_NS)


def test_the_last_row_is_now_when_times_are_shifted() -> None:
    now_ns = START + 10**15 + 5
    assert START + shift_to(START, now_ns) <= now_ns < START + shift_to(START, now_ns) + SECOND_NS


async def played(
    recording: Recording, broker: Any, clock: Any, speed: float | None, sending_s: float = 0.0
) -> list[tuple[str, int, float]]:
    """Return what happened in order: (tick or record, data time, clock); to send one takes ``sending_s``."""
    happened: list[tuple[str, int, float]] = []

    async def tick(time_ns: int) -> None:
        happened.append(("tick", (time_ns - START) // SECOND_NS, clock.now_s))

    def records() -> Any:
        for record in events(recording):
            yield record
            clock.now_s += sending_s
            happened.append(("record", (record.time_ns - START) // SECOND_NS, clock.now_s))

    sender = Sender(broker, str)
    await replay(records(), sender, stop=asyncio.Event(), speed=speed, on_progress=tick, clock=clock)
    return happened


async def test_at_full_speed_time_is_told_before_the_records(recording: Recording, broker: Any, clock: Any) -> None:
    happened = await played(recording, broker, clock, None, sending_s=0.3)
    assert [(what, at) for what, at, _ in happened] == [
        ("tick", 0), ("record", 0), ("tick", 10), ("record", 10), ("tick", 20), ("record", 20),
    ]  # fmt: skip
    assert len(broker.records) == 3


async def test_time_is_told_at_most_four_times_a_second(recording: Recording, broker: Any, clock: Any) -> None:
    happened = await played(recording, broker, clock, None, sending_s=0.13)
    assert [at for what, at, _ in happened if what == "tick"] == [0, 20]


async def test_at_a_given_speed_records_come_when_due_and_time_is_told_between(
    recording: Recording, broker: Any, clock: Any
) -> None:
    began = clock.now_s
    happened = await played(recording, broker, clock, 2.0)
    due = [(at, round(now - began, 3)) for what, at, now in happened if what == "record"]
    assert due == [(0, 0.0), (10, 5.0), (20, 10.0)]
    ticks = [at for what, at, _ in happened if what == "tick"]
    assert ticks == list(range(0, 21, 2))


async def test_time_is_told_only_when_all_before_it_is_confirmed(recording: Recording, broker: Any, clock: Any) -> None:
    broker.failures = 2
    confirmed: list[int] = []

    async def tick(_time_ns: int) -> None:
        confirmed.append(len(broker.records))

    def records() -> Any:
        for record in events(recording):
            clock.now_s += 1.0
            yield record

    sender = Sender(broker, str, pause=lambda _seconds: asyncio.sleep(0))
    await replay(records(), sender, stop=asyncio.Event(), on_progress=tick, clock=clock)
    assert confirmed == [0, 1, 2]


async def test_a_replay_stops_when_told(recording: Recording, broker: Any, clock: Any) -> None:
    clock.until_s = clock.now_s + 6
    report = await replay(events(recording), Sender(broker, str), stop=asyncio.Event(), speed=1.0, clock=clock)
    assert report.sent.records.total() == 1
    assert report.last_ns == START


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_mappings_speak_the_catalogues_quantities_and_units(path: Path) -> None:
    mapping = read_mapping(path)
    quantities = load_catalogue().quantities
    assert {value.to: value.unit for value in mapping.values} == {v.to: quantities[v.to].unit for v in mapping.values}


@pytest.fixture
def real_data() -> Path:
    place = os.environ.get("VITALS_TEST_DATA")
    if place is None:
        pytest.skip("VITALS_TEST_DATA is not set: it names the folder of MelbournePedestrian and NAB")
    return Path(place)


def test_january_2014_of_melbourne_is_read_whole(real_data: Path) -> None:
    mapping = read_mapping(SHIPPED[0].with_name("melbourne.yaml"))
    folder = real_data / "MelbournePedestrian"
    from_ns, to_ns = (moment_ns(text, mapping.time_zone) for text in ("2014-01-01", "2014-02-01"))
    tally = Tally()
    recording = Recording(mapping=mapping, data=folder, from_ns=from_ns, to_ns=to_ns)
    published = [decode_pack(record.value, 0) for record in events(recording, tally=tally)]
    with zipfile.ZipFile(folder / mapping.files[0]) as archive, archive.open(archive.namelist()[0]) as raw:
        lines = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
        naive = [int(line["PedestrianCount"]) for line in lines if line["Date"].endswith("-Jan-2014")]
    assert tally.rows == len(naive)
    assert sum(sum(pack.values) for pack in published) == sum(naive)
    assert [record for pack in published for record in pack.bad] == []


def test_real_traffic_is_read_whole(real_data: Path) -> None:
    mapping = read_mapping(SHIPPED[0].with_name("nab-traffic.yaml"))
    recording = Recording(mapping=mapping, data=real_data / "NAB")
    tally = Tally()
    records: list[Outgoing] = list(events(recording, tally=tally))
    assert tally.rows == tally.events == sum(record.rows for record in records)
    assert tally.rows == sum(len(path.read_text().splitlines()) - 1 for path in recording.paths())
    assert [record.time_ns for record in records] == sorted(record.time_ns for record in records)
