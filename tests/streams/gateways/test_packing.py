"""Packs by unit: every reading is in one of them, unchanged, and each fits a record."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.bounded import MAX_SOURCE_BYTES
from schemas.envelope import read_envelope
from schemas.refusals import Reason
from schemas.senml import MAX_READINGS, decode_pack
from schemas.senml_records import BadReading, Pack
from schemas.times import MAX_NS, SECOND_NS
from streams.delivery.records import Effect
from streams.gateways.packing import FAULT, FROM, MAX_PACK_BYTES, Origin, Packer, gateway

NOW_NS = 1_767_225_600 * SECOND_NS
GATEWAY = gateway("gw-1")
Row = tuple[str, str, str | None, int, float | bool]
devices = st.sampled_from(["a-1", "a-2", "b-1", "b-2", "c" * 64])
micros = st.integers(0, MAX_NS // 1_000 - 1)
rows = st.tuples(
    devices, st.sampled_from(["LAeq", "q" * 64]), st.sampled_from([None, "dB", "\x01" * 64]), micros,
    st.booleans() | st.floats(-1e18, 1e18),
)  # fmt: skip


def unit_of(device: str, _time_ns: int) -> str:
    return f"hp.x.{device[0]}"


def pack_of(given_rows: list[Row]) -> Pack:
    return Pack(
        names=[f"{device}/{quantity}" for device, quantity, _, _, _ in given_rows],
        units=[unit for _, _, unit, _, _ in given_rows],
        times=[time * 1_000 for _, _, _, time, _ in given_rows],
        values=[float(value) for _, _, _, _, value in given_rows],
        booleans=[isinstance(value, bool) for _, _, _, _, value in given_rows],
        index=list(range(len(given_rows))),
    )


def readings_of(effects: list[Effect]) -> Counter[tuple[str, str, str | None, int, float, bool]]:
    found: Counter[tuple[str, str, str | None, int, float, bool]] = Counter()
    for effect in effects:
        pack = decode_pack(effect.value, read_envelope(dict(effect.headers)).time_ns or 0)
        assert pack.bad == []
        key = (effect.key or b"").decode()
        found.update(
            (key, *one) for one in zip(pack.names, pack.units, pack.times, pack.values, pack.booleans, strict=True)
        )
    return found


@given(st.lists(rows, max_size=60), st.integers(1, 5))
def test_every_reading_is_in_one_pack_of_its_unit_unchanged(given_rows: list[Row], parts: int) -> None:
    packer = Packer(unit_of)
    for part in range(parts):
        packer.add(pack_of(given_rows[part::parts]), GATEWAY)
    assert packer.rows == len(given_rows)
    found = readings_of(packer.effects(NOW_NS))
    assert found == Counter(
        (unit_of(device, 0), f"{device}/{quantity}", unit, time * 1_000, float(value), isinstance(value, bool))
        for device, quantity, unit, time, value in given_rows
    )
    assert (packer.rows, packer.effects(NOW_NS)) == (0, [])


def test_a_series_readings_stay_in_the_order_in_which_they_came() -> None:
    packer = Packer(unit_of)
    times = [2**28 * 1_000_000 + number for number in (5, 3, 4, 1)]
    for place, time in enumerate(times):
        packer.add(pack_of([("a-1", "LAeq", None, time, place), ("a-2", "LAeq", None, time, place)]), GATEWAY)
    (effect,) = packer.effects(NOW_NS)
    pack = decode_pack(effect.value, 0)
    assert [value for name, value in zip(pack.names, pack.values, strict=True) if name == "a-1/LAeq"] == [0, 1, 2, 3]


def test_no_pack_is_too_large_in_readings_or_bytes() -> None:
    packer = Packer(unit_of)
    wide = ("a" * 64, "q" * 64, "\x01" * 64, 2**28 * 1_000_000, 1.0)
    packer.add(pack_of([wide] * 3_000), GATEWAY)
    packer.add(pack_of([("b-1", "LAeq", None, 2**28 * 1_000_000, 1.0)] * 10_000), GATEWAY)
    effects = packer.effects(NOW_NS)
    assert sum(readings_of(effects).values()) == 13_000
    assert max(len(effect.value) for effect in effects) <= MAX_SOURCE_BYTES
    assert MAX_PACK_BYTES < MAX_SOURCE_BYTES
    assert [len(decode_pack(one.value, 0).names) for one in effects if one.key == b"hp.x.b"] == [
        MAX_READINGS, MAX_READINGS, 10_000 - 2 * MAX_READINGS,
    ]  # fmt: skip


def test_the_same_readings_have_the_same_id_and_others_another() -> None:
    def ident(value: float, source: str = "gw-1") -> str | None:
        packer = Packer(unit_of)
        packer.add(pack_of([("a-1", "LAeq", None, 2**28 * 1_000_000, value)]), gateway(source))
        (effect,) = packer.effects(NOW_NS + round(value))
        return read_envelope(dict(effect.headers)).id

    assert ident(1.0) == ident(1.0)
    assert ident(1.0) != ident(2.0)


def test_origins_are_not_mixed_in_one_pack() -> None:
    packer = Packer(unit_of)
    row: Row = ("a-1", "LAeq", None, 2**28 * 1_000_000, 1.0)
    for origin in (gateway("gw-1"), gateway("gw-2"), gateway("gw-1", "test"), gateway("gw-1", is_backfill=True)):
        packer.add(pack_of([row]), origin)
    envelopes = [read_envelope(dict(effect.headers)) for effect in packer.effects(NOW_NS)]
    assert {(one.source, one.mode, one.is_backfill) for one in envelopes} == {
        ("urn:vitals:gateway:gw-1", "actual", False),
        ("urn:vitals:gateway:gw-2", "actual", False),
        ("urn:vitals:gateway:gw-1", "test", False),
        ("urn:vitals:gateway:gw-1", "actual", True),
    }


def test_what_had_no_envelope_gets_none() -> None:
    packer = Packer(unit_of)
    packer.add(pack_of([("a-1", "LAeq", None, 2**28 * 1_000_000, 1.0)]), Origin(None))
    (effect,) = packer.effects(NOW_NS)
    envelope = read_envelope(dict(effect.headers))
    assert (envelope.source, envelope.id, envelope.time_ns) == (None, None, NOW_NS)


def test_a_bad_reading_and_what_is_none_go_on_as_they_came_with_where_from_and_why() -> None:
    packer = Packer(unit_of)
    bad = BadReading(0, Reason.SCHEMA, "v: no number", b'[{"n":"a-1/LAeq","v":"x"}]')
    packer.add(Pack([], [], [], [], [], [], [bad]), GATEWAY, ("vitals.readings.single:3", 17))
    packer.add_raw(b"\xff", GATEWAY, came_from="mqtt:a/b", fault="not UTF-8\n" + "x" * 2_000)
    first, second = packer.effects(NOW_NS)
    assert (first.key, first.value, dict(first.headers)[FROM]) == (b"gw-1", bad.value, b"vitals.readings.single:3:17")
    headers = dict(second.headers)
    assert (second.value, headers[FROM], headers[FAULT][:11]) == (b"\xff", b"mqtt:a/b", b"not UTF-8?x")
    assert len(headers[FAULT]) <= 500


def test_a_pack_says_from_which_offsets_its_readings_come() -> None:
    packer = Packer(unit_of)
    row: Row = ("a-1", "LAeq", None, 2**28 * 1_000_000, 1.0)
    for place in (("vitals.readings.single:3", 17), ("vitals.readings.single:1", 4), ("vitals.readings.single:3", 12)):
        packer.add(pack_of([row]), GATEWAY, place)
    (effect,) = packer.effects(NOW_NS)
    assert dict(effect.headers)[FROM] == b"vitals.readings.single:1:4-4 vitals.readings.single:3:12-17"
