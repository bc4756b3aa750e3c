"""The injected faults, one file a scenario: what each does to the signals, and the truth that it is measured by.

A file of this folder that has a ``STAGE`` is a scenario; nothing else names it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from schemas.registry import RegistryFile
from simulators.scenarios.fault import Fault
from simulators.scenarios.staging import Stageable
from simulators.signals import local_hour


def _stages() -> dict[str, Stageable]:
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    stages: list[Stageable] = [module.STAGE for module in modules if hasattr(module, "STAGE")]
    return {stage.scenario: stage for stage in sorted(stages, key=lambda stage: stage.scenario)}


DAYTIME_H = 16.0  # from six in the morning to ten at night
_STAGES = _stages()
SCENARIOS = tuple(_STAGES)
UNITS = {scenario: stage.unit_id for scenario, stage in _STAGES.items()}


def units_of(scenario: str, unit_id: str | None = None) -> tuple[str, str]:
    """Return the unit of the fault and that of its near misses: what ``registry(injected=...)`` and ``World`` want."""
    stage = _STAGES[scenario]
    where = unit_id or stage.unit_id
    return where, stage.near_miss_unit_id if where != stage.near_miss_unit_id else stage.unit_id


def onset_of(scenario: str, earliest_s: float) -> float:
    """Return when a scenario's fault begins, at or after ``earliest_s``: one of the night waits for the night."""
    hour = _STAGES[scenario].from_hour
    wait_h = 0.0 if hour is None else hour - local_hour(earliest_s)
    return earliest_s + wait_h * 3_600.0 + 10.0 if 0.0 < wait_h < DAYTIME_H else earliest_s


def faults_of(
    scenario: str, registry: RegistryFile, *, onset_s: float, scale: float = 1.0, unit_id: str | None = None
) -> list[Fault]:
    """Return the fault of a scenario, first, and its near misses.

    Parameters
    ----------
    onset_s
        When they begin, seconds since 1970.
    scale
        The clock scale: divides how long faults grow and near misses last.
    unit_id
        Where; the scenario's pilot unit (``UNITS``) if not said.

    Raises
    ------
    ValueError
        No such scenario, or the unit has not what it takes.
    """
    if scenario not in _STAGES:
        raise ValueError(f"no simulator for scenario {scenario!r}; there are {', '.join(SCENARIOS)}")
    return _STAGES[scenario].faults(registry, onset_s, scale, unit_id)


__all__ = ["SCENARIOS", "UNITS", "Fault", "faults_of", "onset_of", "units_of"]
