import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import channels
from schemas.dead_letters import DeadLetter
from schemas.envelope import read_envelope
from schemas.files import FileFormatError
from schemas.refusals import Reason
from schemas.registry import Device
from streams.dead_letters.fix import NO_FIX, Fix, Scale, read_fix
from streams.dead_letters.letters import Filter, Letter
from streams.dead_letters.repair import NotRepairableError, repaired
from streams.dead_letters.words import WORDS
from streams.registry.view import RegistryView
from streams.topics import UNIT_PARTITIONS, partition_for

UNIT = "hp.nanjing-east.g03.nanjing-building"


def a_letter(value: object = b"[]", *, key: str | None = UNIT, topic: str = channels.READINGS, **fields: Any) -> Letter:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    given: dict[str, Any] = {"reason": Reason.UNKNOWN_DEVICE, "detail": "", "partition": 3, "offset": 17, "index": None}
    dead = DeadLetter(topic=topic, time="2026-11-26T08:00:00Z", value=raw, **(given | fields))
    headers = {"ce_source": b"urn:vitals:gateway:gw", "ce_time": b"2026-11-26T07:59:58Z", "vitals_mode": b"exercise"}
    return Letter(dead=dead, key=None if key is None else key.encode(), headers=headers)


def rows_of(letter: Letter, fix: Fix) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(repaired(letter, fix).value)
    return found


@given(st.binary(min_size=1, max_size=200))
def test_without_a_fix_the_value_is_sent_to_the_byte(value: bytes) -> None:
    assert repaired(a_letter(value), NO_FIX).value == value


def test_a_record_goes_to_the_partition_of_its_key_as_a_backfill_with_an_id_of_its_place() -> None:
    record = repaired(a_letter([{"n": "d/LAeq", "v": 1.0}], index=5), NO_FIX)
    envelope = read_envelope(dict(record.headers))
    assert record.partition == partition_for(UNIT.encode(), UNIT_PARTITIONS)
    assert (envelope.id, envelope.source) == ("dl:vitals.readings:3:17:5", "urn:vitals:gateway:gw")
    assert (envelope.is_backfill, envelope.mode) == (True, "exercise")
    assert dict(record.headers)["ce_time"] == b"2026-11-26T07:59:58Z"


def test_names_are_resolved_before_they_are_renamed() -> None:
    pack = [{"bn": "old/", "bt": 1_000_000_000, "n": "noise", "v": 1.0}, {"n": "noise", "t": 5, "v": 2.0}]
    fix = Fix(devices={"old": "new"}, quantities={"noise": "LAeq"}, measures={"LAeq": "dB"}, shift_s=-10)
    assert rows_of(a_letter(pack), fix) == [
        {"bt": 999_999_990, "n": "new/LAeq", "v": 1.0, "u": "dB"},
        {"n": "new/LAeq", "t": 5, "v": 2.0, "u": "dB"},
    ]


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_values_are_converted_as_the_fix_says(value: float, factor: float, offset: float) -> None:
    fix = Fix(values={"pm25": Scale(factor=factor, offset=offset)})
    (row,) = rows_of(a_letter([{"n": "d/pm25", "v": value}]), fix)
    assert row["v"] == value * factor + offset


def test_rows_of_crowd_and_video_are_renamed_and_moved() -> None:
    rows = [{"zone_id": "a", "time": "2026-11-26T08:00:00Z"}, {"camera_id": "c", "time": "2026-11-26T08:00:01Z"}]
    fix = Fix(zones={"a": "b"}, devices={"c": "d"}, shift_s=60)
    assert rows_of(a_letter(rows, topic=channels.CROWD), fix) == [
        {"zone_id": "b", "time": "2026-11-26T08:01:00Z"},
        {"camera_id": "d", "time": "2026-11-26T08:01:01Z"},
    ]


def test_a_record_without_a_key_needs_a_unit() -> None:
    with pytest.raises(NotRepairableError, match="name one"):
        repaired(a_letter(b"[]", key=None), NO_FIX)
    assert repaired(a_letter(b"[]", key=None), Fix(unit_id=UNIT)).key == UNIT.encode()


@pytest.mark.parametrize("value", [b"", b"\xff\x00", b"[" * 10_000, b"[]", b"[1]", b'{"n": 1', b"nan"])
def test_a_value_that_no_fix_fits_is_refused_in_words(value: bytes) -> None:
    with pytest.raises(NotRepairableError, match="no fix can be applied"):
        repaired(a_letter(value), Fix(devices={"a": "b"}))


@pytest.mark.parametrize("reason", [Reason.BAD_FEEDBACK, Reason.BAD_ACTION, Reason.STORE_REFUSED])
def test_what_lives_elsewhere_is_not_sent_again(reason: Reason) -> None:
    with pytest.raises(NotRepairableError, match="not sent again"):
        repaired(a_letter(reason=reason), NO_FIX)


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(Reason)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device: {a: b}", "device: Extra inputs are not permitted"),
        ("shift_s: soon", "shift_s: Input should be a valid number"),
        ("devices: [a", "line 1, column"),
        ("values: {pm25: {factor: .nan}}", "values.pm25.factor"),
        ("unit_id: 'a b'", "unit_id: String should match pattern"),
        ("7", "the file: Input should be a valid dictionary"),
    ],
)
def test_a_bad_fix_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "fix.yaml"
    path.write_text(text)
    with pytest.raises(FileFormatError) as refused:
        read_fix(path)
    assert str(path) in str(refused.value)
    assert message in str(refused.value)


def test_a_filter_chooses_by_all_that_it_names() -> None:
    letter = a_letter([{"n": "d7/LAeq"}], reason=Reason.FUTURE)
    noon = 1_795_780_800 * 1_000_000_000
    assert Filter().chooses(letter)
    assert Filter(reason=Reason.FUTURE, topic=channels.READINGS, partition=3, text="d7").chooses(letter)
    assert Filter(text=UNIT).chooses(letter)
    assert not Filter(text="d8").chooses(letter)
    assert not Filter(reason=Reason.SCHEMA).chooses(letter)
    assert not Filter(since_ns=noon).chooses(letter)
    assert not Filter(partition=4).chooses(letter)


def registered(*since: tuple[str, str]) -> RegistryView:
    """Return a registry in which device ``d`` stands in a unit from a time on."""
    view = RegistryView()
    for unit_id, valid_from in since:
        device = Device(device_id="d", unit_id=unit_id, quantities=("LAeq",), interval_s=10, valid_from=valid_from)
        view.apply(channels.REGISTRY_DEVICES, b"d", msgspec.json.encode(device))
    return view


def test_what_was_adopted_goes_to_the_unit_in_which_it_stood_at_its_time() -> None:
    view = registered(("hp.a.g01.old", "1970-01-01T00:00:00Z"), ("hp.a.g01.new", "2026-06-01T00:00:00Z"))
    for seconds, unit_id in ((1_767_225_600, "hp.a.g01.old"), (1_790_000_000, "hp.a.g01.new")):
        letter = a_letter([{"n": "d/LAeq", "v": 1.0, "t": seconds}], key="d", index=0)
        record = repaired(letter, NO_FIX, view)
        assert (record.key, record.partition) == (unit_id.encode(), partition_for(unit_id.encode(), UNIT_PARTITIONS))


def test_what_is_still_nobody_s_keeps_its_one_replay() -> None:
    letter = a_letter([{"n": "d/LAeq", "v": 1.0, "t": 1_767_225_600}], key="d", index=0)
    with pytest.raises(NotRepairableError, match="not registered at its time"):
        repaired(letter, NO_FIX, RegistryView())
    assert repaired(letter, Fix(unit_id=UNIT), RegistryView()).key == UNIT.encode()
