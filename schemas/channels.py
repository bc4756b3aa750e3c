"""Every topic by name, and the event that it carries: what AsyncAPI shows and ``streams/topics.py`` provisions."""

from __future__ import annotations

READINGS = "vitals.readings"
CROWD = "vitals.crowd"
VIDEO = "vitals.video"
REPORTS = "vitals.reports"
JUDGED = "vitals.judged"
INDICATORS = "vitals.indicators"
ANOMALIES = "vitals.anomalies"
UNIT_SCORES = "vitals.unit-scores"
ALERTS = "vitals.alerts"
ORDERS = "vitals.orders"
ACTIONS = "vitals.actions"
FEEDBACK = "vitals.feedback"
LATE = "vitals.late"
DEAD_LETTERS = "vitals.dead-letters"
DEAD_LETTERS_REPLAYED = "vitals.dead-letters.replayed"
SINGLE_READINGS = "vitals.readings.single"
AUDIT = "vitals.audit"
REGISTRY_DEVICES = "vitals.registry.devices"
REGISTRY_UNITS = "vitals.registry.units"
REGISTRY_TEAMS = "vitals.registry.teams"
REGISTRY_RULES = "vitals.registry.rules"
REGISTRY_GATEWAYS = "vitals.registry.gateways"

SOURCES = (READINGS, CROWD, VIDEO, REPORTS)
TICKED = (*SOURCES, ACTIONS, FEEDBACK)

EVENT_TYPES = {
    READINGS: "city.vitals.readings.v1",
    CROWD: "city.vitals.crowd.v1",
    VIDEO: "city.vitals.video.v1",
    REPORTS: "city.vitals.report.v1",
    JUDGED: "city.vitals.judged.v1",
    INDICATORS: "city.vitals.indicator.v1",
    ANOMALIES: "city.vitals.anomaly.v1",
    UNIT_SCORES: "city.vitals.unit-scores.v1",
    ALERTS: "city.vitals.alert.v1",
    ORDERS: "city.vitals.order.v1",
    ACTIONS: "city.vitals.action.v1",
    FEEDBACK: "city.vitals.feedback.v1",
    LATE: "city.vitals.late.v1",
}
