"""Registered records as a person asks for them: by id, as text."""

from __future__ import annotations

import msgspec

from schemas.registry import RegistryFile
from streams.registry.view import RegistryView


def find(view: RegistryView, ident: str) -> RegistryFile:
    """Return what has this id; of a unit also the devices and teams that stand in it."""
    return RegistryFile(
        units=tuple(unit for unit in view.units.values() if unit.unit_id == ident),
        devices=tuple(device for device in view.devices() if ident in {device.device_id, device.unit_id}),
        teams=tuple(team for team in view.teams.values() if ident in {team.team_id, team.home_unit}),
        gateways=tuple(gateway for gateway in view.gateways.values() if gateway.gateway_id == ident),
        rules=tuple(rule for rule in view.rules.values() if rule.rule_id == ident),
    )


def everything(view: RegistryView) -> RegistryFile:
    """Return the newest record of each id."""
    return RegistryFile(
        units=tuple(view.units.values()),
        devices=tuple(view.devices()),
        teams=tuple(view.teams.values()),
        gateways=tuple(view.gateways.values()),
        rules=tuple(view.rules.values()),
    )


def render(found: RegistryFile) -> str:
    """Return YAML that ``vitals registry apply`` reads again."""
    return msgspec.yaml.encode(found).decode().rstrip()
