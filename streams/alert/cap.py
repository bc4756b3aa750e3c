"""An alert in the words of the Common Alerting Protocol, and as its XML.

References
----------
OASIS, "Common Alerting Protocol Version 1.2", 2010. Its times end in ``-00:00`` for UTC and have no fraction
(section 3.2.1 and the schema); inside we say ``Z`` and keep what is below a second.
"""

from __future__ import annotations

import re
from typing import Literal
from xml.etree import ElementTree as ET

from schemas.alerts import Alert, CapCertainty, CapMessage, CapSeverity, CapStatus, CapUrgency
from schemas.ids import Colour, Mode
from schemas.times import SECOND_NS, format_time, parse_time

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
STATUS: dict[Mode, CapStatus] = {"actual": "Actual", "exercise": "Exercise", "test": "Test"}
SEVERITY: dict[Colour, CapSeverity] = {
    "red": "Extreme",
    "orange": "Severe",
    "yellow": "Moderate",
    "blue": "Minor",
    "green": "Minor",
}
URGENCIES: tuple[CapUrgency, ...] = ("Future", "Expected", "Immediate")
_URGENCY: dict[Colour, int] = {"green": 0, "blue": 0, "yellow": 1, "orange": 2, "red": 2}
SCOPE: Literal["Restricted"] = "Restricted"  # to those who run and watch the district; CAP then asks who
RESTRICTION = "Operators, field teams and responsible people of the district"
# XML 1.0 has no place for these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def message_type(*, is_first: bool, is_over: bool) -> CapMessage:
    """Return the msgType of a version: the end cancels, what begins alerts, the rest updates."""
    if is_over:
        return "Cancel"
    return "Alert" if is_first else "Update"


def urgency_of(colour: Colour, certainty: CapCertainty, *, is_active: bool, is_overdue: bool) -> CapUrgency:
    """Return how soon to act: by the colour; one step more where nobody acknowledged in time.

    What a suspect sensor alone says is not urgent, and what is over is past.
    """
    if not is_active:
        return "Past"
    step = 0 if certainty == "Unlikely" else _URGENCY[colour]
    return URGENCIES[min(step + is_overdue, len(URGENCIES) - 1)]


def alert_to_cap_xml(alert: Alert) -> bytes:
    """Return the CAP 1.2 document of one version of an alert, UTF-8, its elements in the order of the schema."""
    root = ET.Element("alert", xmlns=NAMESPACE)
    for name, text in (
        ("identifier", alert.identifier),
        ("sender", alert.sender),
        ("sent", _cap_time(alert.sent)),
        ("status", alert.status),
        ("msgType", alert.msgType),
        ("scope", alert.scope),
        ("restriction", RESTRICTION if alert.scope == "Restricted" else ""),
        ("note", f"Exercise {alert.scenario}" if alert.status == "Exercise" else ""),
        ("references", _cap_references(alert.references)),
        ("incidents", alert.correlationid),
    ):
        _add(root, name, text)
    _add_info(root, alert)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_info(root: ET.Element, alert: Alert) -> None:
    info = ET.SubElement(root, "info")
    for name, text in (
        ("language", "en-US"),
        ("category", alert.category),
        ("event", alert.event),
        ("urgency", alert.urgency),
        ("severity", alert.severity),
        ("certainty", alert.certainty),
        ("onset", _cap_time(alert.onset)),
        ("expires", "" if alert.expires is None else _cap_time(alert.expires)),
        ("headline", alert.headline[:160]),  # section 3.2.2: displays show 160 characters
        ("description", alert.description),
    ):
        _add(info, name, text)
    for name, text in (("colour", alert.colour), ("state", alert.state), ("version", str(alert.version))):
        _add_pair(info, "parameter", name, text)
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", alert.area)
    _add_pair(area, "geocode", "unit_id", alert.unit_id)


def _add(parent: ET.Element, name: str, text: str) -> None:
    if text:
        ET.SubElement(parent, name).text = _NOT_XML.sub("", text)


def _add_pair(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, name)
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)


def _cap_time(time: str) -> str:
    """Return the time as CAP writes it."""
    whole_ns = parse_time(time) // SECOND_NS * SECOND_NS
    return format_time(whole_ns).removesuffix("Z") + "-00:00"


def _cap_references(references: str) -> str:
    """Return ``sender,identifier,sent`` triples with their times as CAP writes them."""
    triples = (reference.rsplit(",", 1) for reference in references.split())
    return " ".join(f"{name},{_cap_time(sent)}" for name, sent in triples)
