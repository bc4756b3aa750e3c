"""Bodies of requests: split by unit, refused whole where an element is at fault, and doubts said at once."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import channels
from schemas.envelope import read_envelope
from schemas.refusals import Reason
from schemas.registry import Device, Unit, Zone
from schemas.senml import decode_pack
from schemas.times import SECOND_NS
from streams.catalogue.files import load_catalogue
from streams.gateways.ingest import BadBodyError, Ingest, Ingester, Taken
from streams.gateways.packing import gateway
from streams.registry.view import RegistryView

NOW_NS = 1_767_225_600 * SECOND_NS
HOUSE, YARD = "hp.bund.g01.house", "hp.bund.g01.yard"
READING: dict[str, object] = {"device_id": "air-1", "quantity": "pm25", "value": 20.0, "unit": "ug/m3"}
ROW: dict[str, object] = {"zone_id": "square", "source": "gate", "time": "2026-01-01T00:00:00Z", "people_count": 3}
SEEN: dict[str, object] = {"camera_id": "cam-1", "time": "2026-01-01T00:00:00Z", "counts": {"person": 1}}
REPORT: dict[str, object] = {"report_id": "r-1", "unit_id": HOUSE, "category": "other", "time": "2026-01-01T00:00:00Z"}


def ingester() -> Ingester:
    view = RegistryView()
    for unit_id, zones in ((HOUSE, ("square", "hall")), (YARD, ("square",))):
        areas = tuple(Zone(zone_id=zone, area_m2=10.0) for zone in zones)
        unit = Unit(unit_id=unit_id, kind="building", name_zh="x", name_en="x", zones=areas)
        view.apply(channels.REGISTRY_UNITS, unit_id.encode(), msgspec.json.encode(unit))
    for device_id, unit_id, quantity, owner in (
        ("air-1", HOUSE, "pm25", None), ("air-2", YARD, "pm25", "gw-2"), ("lift-1", HOUSE, "lift_fault", None),
        ("cam-1", YARD, "video", None),
    ):  # fmt: skip
        device = Device(device_id=device_id, unit_id=unit_id, quantities=(quantity,), interval_s=10.0, gateway_id=owner)
        view.apply(channels.REGISTRY_DEVICES, device_id.encode(), msgspec.json.encode(device))
    return Ingester(view, load_catalogue().quantities)


INGESTER = ingester()


def take(what: str, body: object, unit_id: str | None = None) -> Taken:
    asked = Ingest(what=what, origin=gateway("gw-1"), now_ns=NOW_NS, ident="k", unit_id=unit_id)
    return INGESTER.take(asked, body if isinstance(body, bytes) else json.dumps(body).encode())


def keys(taken: Taken) -> list[str]:
    return [(effect.key or b"").decode() for effect in taken.effects]


def ids(taken: Taken) -> list[str | None]:
    return [read_envelope(dict(effect.headers)).id for effect in taken.effects]


def test_readings_go_to_the_units_of_their_devices() -> None:
    taken = take("readings", [READING, READING | {"device_id": "lift-1", "quantity": "lift_fault", "value": True,
                                                  "unit": "/"}])  # fmt: skip
    assert (keys(taken), ids(taken), taken.elements) == ([HOUSE], [f"k:{HOUSE}"], 2)
    senml = [{"n": "air-1/pm25", "v": 1}, {"n": "air-2/pm25", "v": 2}]
    taken = take("readings", senml)
    assert (keys(taken), ids(taken)) == ([HOUSE, YARD], [f"k:{HOUSE}", f"k:{YARD}"])
    assert [decode_pack(effect.value, 0).times for effect in taken.effects] == [[NOW_NS], [NOW_NS]]
    assert read_envelope(dict(taken.effects[0].headers)).source == "urn:vitals:gateway:gw-1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"device_id": "new-1"}, Reason.UNKNOWN_DEVICE),
        ({"device_id": "air-2"}, Reason.NOT_OWNER),
        ({"quantity": "LAeq"}, Reason.UNKNOWN_QUANTITY),
        ({"unit": "mg/m3"}, Reason.WRONG_MEASURE),
        ({"value": True}, Reason.WRONG_MEASURE),
    ],
)
def test_what_sense_will_refuse_is_taken_with_a_warning(change: dict[str, object], reason: Reason) -> None:
    taken = take("readings", [READING, READING | change])
    assert taken.elements == 2
    assert [(one.index, one.reason) for one in taken.warnings] == [(1, reason)]


def test_a_reading_of_nobody_s_device_goes_under_the_device_s_own_id() -> None:
    assert keys(take("readings", READING | {"device_id": "new-1"})) == ["new-1"]


@pytest.mark.parametrize(
    ("what", "body", "index", "reason"),
    [
        ("readings", [READING, READING | {"value": "x"}], 1, Reason.SCHEMA),
        ("readings", [{"n": "air-1/pm25", "v": 1}, {"n": "air-1", "v": 1}], 1, Reason.SCHEMA),
        ("crowd", [ROW, ROW | {"people_count": -1}], 1, Reason.SCHEMA),
        ("crowd", [ROW | {"time": "2026-02-30T00:00:00Z"}], 0, Reason.BAD_VALUE),
        ("crowd", [ROW], 0, Reason.UNKNOWN_PLACE),
        ("video", [SEEN, SEEN | {"face": "x"}], 1, Reason.SCHEMA),
        ("reports", [REPORT, {"report_id": "r-2"}], 1, Reason.SCHEMA),
    ],
)
def test_an_element_at_fault_refuses_the_body_and_is_named(what: str, body: object, index: int, reason: Reason) -> None:
    with pytest.raises(BadBodyError) as refused:
        take(what, body)
    assert [(one.index, one.reason) for one in refused.value.faults] == [(index, reason)]


def test_crowd_rows_go_to_the_one_unit_that_has_the_zone_or_to_the_one_that_is_said() -> None:
    assert keys(take("crowd", [ROW | {"zone_id": "hall"}])) == [HOUSE]
    taken = take("crowd", [ROW], unit_id=YARD)
    assert (keys(taken), taken.warnings) == ([YARD], [])
    assert [one.reason for one in take("crowd", [ROW | {"zone_id": "roof"}]).warnings] == [Reason.UNKNOWN_PLACE]


def test_video_rows_go_to_the_unit_of_the_camera() -> None:
    taken = take("video", [SEEN])
    assert (keys(taken), taken.warnings, taken.effects[0].topic) == ([YARD], [], channels.VIDEO)
    assert [one.reason for one in take("video", [SEEN | {"camera_id": "cam-9"}]).warnings] == [Reason.UNKNOWN_DEVICE]


def test_each_report_is_a_record_with_an_id_of_its_own() -> None:
    taken = take("reports", [REPORT, REPORT | {"report_id": "r-2"}, REPORT])
    assert (keys(taken), ids(taken)) == ([HOUSE] * 3, ["k:r-1", "k:r-2", "k:r-1:1"])
    assert take("reports", REPORT).elements == 1
    assert [one.reason for one in take("reports", REPORT | {"unit_id": "x"}).warnings] == [Reason.UNKNOWN_PLACE]


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*READING, *ROW, *SEEN, *REPORT, "n", "v", "bn"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(st.sampled_from(["readings", "crowd", "video", "reports"]), anything | st.binary(max_size=60))
def test_any_body_is_taken_or_refused(what: str, body: object) -> None:
    try:
        taken = take(what, body)
    except BadBodyError:
        return
    assert taken.elements == sum(1 for _ in range(taken.elements)) > 0
    assert len(set(ids(taken))) == len(taken.effects)
