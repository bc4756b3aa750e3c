"""CAP 1.2: the words, and the order of the elements."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest

from schemas.alerts import Alert, CapCertainty, CapUrgency
from schemas.ids import Colour
from streams.alert.cap import NAMESPACE, alert_to_cap_xml, message_type, urgency_of
from tests.streams.alert.builders import action, anomaly, on_unit, partition, record, settled, until

# The order of the schema (CAP-v1.2.xsd), whole.
ALERT_ORDER = """
    identifier sender sent status msgType source scope restriction addresses code note references incidents info
"""
INFO_ORDER = """
    language category event responseType urgency severity certainty audience eventCode effective onset expires
    senderName headline description instruction web contact parameter resource area
"""
AREA_ORDER = "areaDesc polygon circle geocode altitude ceiling"
REQUIRED = {"identifier", "sender", "sent", "status", "msgType", "scope"}
REQUIRED_INFO = {"category", "event", "urgency", "severity", "certainty"}


def _names(element: ET.Element) -> list[str]:
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def _xml(alert: Alert) -> ET.Element:
    return ET.fromstring(alert_to_cap_xml(alert))  # noqa: S314  # what we wrote ourselves


def _find(root: ET.Element, path: str) -> ET.Element:
    found = root.find(path, {"c": NAMESPACE})
    assert found is not None
    return found


def _versions() -> list[Alert]:
    state = partition()
    records = [record(anomaly(0.25)), record(action(4, matcher=on_unit())), record(anomaly(9, "clear"))]
    return settled(state.fold([*records, *until(500)]))


@pytest.mark.parametrize("version", range(4))
def test_elements_stand_in_the_order_of_the_schema(version: int) -> None:
    root = _xml(_versions()[version])
    assert root.tag == f"{{{NAMESPACE}}}alert"
    info, area = _find(root, "c:info"), _find(root, "c:info/c:area")
    for element, order in ((root, ALERT_ORDER), (info, INFO_ORDER), (area, AREA_ORDER)):
        assert _names(element) == sorted(_names(element), key=order.split().index)
    assert set(_names(root)) >= REQUIRED
    assert set(_names(info)) >= REQUIRED_INFO


def test_times_have_an_offset_and_no_fraction() -> None:
    root = _xml(_versions()[1])
    assert _find(root, "c:sent").text == "2026-01-01T00:00:04-00:00"
    assert (_find(root, "c:references").text or "").endswith(",2026-01-01T00:00:00-00:00")


def test_identifiers_have_nothing_that_cap_forbids() -> None:
    for alert in _versions():
        assert not set(" ,<&") & set(alert.identifier + alert.sender)


def test_restricted_scope_says_to_whom() -> None:
    assert _find(_xml(_versions()[0]), "c:restriction").text


def test_text_is_text_only() -> None:
    alert = msgspec.structs.replace(_versions()[0], area="<b>&\x00\ud800</b>")
    assert _find(_xml(alert), "c:info/c:area/c:areaDesc").text == "<b>&</b>"


@pytest.mark.parametrize(
    ("colour", "certainty", "is_active", "is_overdue", "urgency"),
    [
        ("red", "Observed", True, False, "Immediate"),
        ("yellow", "Likely", True, False, "Expected"),
        ("yellow", "Likely", True, True, "Immediate"),
        ("blue", "Likely", True, False, "Future"),
        ("blue", "Unlikely", True, True, "Expected"),
        ("red", "Observed", True, True, "Immediate"),
        ("red", "Observed", False, True, "Past"),
    ],
)
def test_urgency_follows_colour_and_rises_when_overdue(
    colour: Colour, certainty: CapCertainty, *, is_active: bool, is_overdue: bool, urgency: CapUrgency
) -> None:
    assert urgency_of(colour, certainty, is_active=is_active, is_overdue=is_overdue) == urgency


def test_the_first_alerts_the_last_cancels() -> None:
    assert message_type(is_first=True, is_over=False) == "Alert"
    assert message_type(is_first=False, is_over=False) == "Update"
    assert message_type(is_first=False, is_over=True) == "Cancel"
