"""A unit's twin: its devices, indicators, alerts, cases and explained score, now or at a past time."""
