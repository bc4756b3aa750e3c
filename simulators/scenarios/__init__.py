"""The injected faults, one file a scenario: what each does to the signals, and the truth that it is measured by."""

from __future__ import annotations

from collections.abc import Callable

from schemas.registry import RegistryFile
from simulators.scenarios import crowd_surge, gas_leak, lift_fault
from simulators.scenarios.fault import Fault

SCENARIOS = (crowd_surge.SCENARIO, gas_leak.SCENARIO, lift_fault.SCENARIO)
_MODULES = (crowd_surge, gas_leak, lift_fault)
UNITS = {module.SCENARIO: module.UNIT for module in _MODULES}
_ELSEWHERE = {module.SCENARIO: module.NEAR_MISS_UNIT for module in _MODULES}
_BUILDERS: dict[str, Callable[[RegistryFile, float, float, str], list[Fault]]] = {
    crowd_surge.SCENARIO: crowd_surge.faults,
    gas_leak.SCENARIO: gas_leak.faults,
    lift_fault.SCENARIO: lift_fault.faults,
}


def units_of(scenario: str, unit_id: str | None = None) -> tuple[str, str]:
    """Return the unit of the fault and that of its near misses: what ``registry(injected=...)`` and ``World`` want."""
    where = unit_id or UNITS[scenario]
    return where, _ELSEWHERE[scenario] if where != _ELSEWHERE[scenario] else UNITS[scenario]


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
    if scenario not in _BUILDERS:
        raise ValueError(f"no simulator for scenario {scenario!r}; there are {', '.join(SCENARIOS)}")
    return _BUILDERS[scenario](registry, onset_s, scale, unit_id or UNITS[scenario])


__all__ = ["SCENARIOS", "UNITS", "Fault", "faults_of", "units_of"]
