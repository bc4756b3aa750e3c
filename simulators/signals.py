"""What the district's sensors would measure on an ordinary day: seeded, diurnal and weekly, noisy, some of it drifting.

A value depends on seed, series and time alone. Faults are laid on top by the scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.registry import Device
from simulators.noise import FloatArray, normal, smooth, streams_of, uniform

DAY_S = 86_400.0
HOUR_S = 3_600.0
SHANGHAI_OFFSET_S = 8 * 3_600  # no summer time
SLOW_STEP_S = 900.0
SERVICE_S = 30 * DAY_S  # drift starts anew when a sensor is serviced
BATTERY_LIFE_S = 400 * DAY_S
BATTERY_SHARE = 0.6
DRIFTING_SHARE = 0.02
WEAK_BATTERY = 0.05
_SLOW, _FAST, _OFFSET, _DRIFTS, _BATTERY, _SKIP, _OUTAGE = range(10, 80, 10)  # salts: one a use


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """One quantity's ordinary course: level + day + half day + slow and fast noise + each sensor's own offset."""

    unit: str  # SenML
    level: float
    low: float
    high: float
    decimals: int = 1
    boolean: bool = False
    daily: float = 0.0  # amplitude, highest at ``peak_h``
    peak_h: float = 14.0
    rush: float = 0.0  # amplitude of two peaks a day, at ``rush_h`` and 12 h later
    rush_h: float = 8.5
    weekend: float = 1.0  # what is left of ``daily`` and ``rush`` on Saturday and Sunday
    slow: float = 0.0  # deviation of the wandering noise
    fast: float = 0.0  # deviation of the white noise
    offset: float = 0.0  # deviation between sensors
    drift: float = 0.0  # a day, of the sensors that drift
    seasonal: bool = False  # judged against its own season: two weeks of it are told beforehand


MODELS = {
    "lift_fault": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "ch4": Model(unit="ppm", level=40, low=0, high=90_000, decimals=0, slow=6, fast=4, offset=5),
    "co": Model(unit="ppm", level=2.5, low=0, high=1_900, rush=0.8, weekend=0.6, slow=0.4, fast=0.3, offset=0.3),
    "temperature": Model(
        unit="Cel", level=19, low=-20, high=45, daily=4, peak_h=15, slow=0.8, fast=0.15, offset=0.8, drift=0.05
    ),
    "LAeq": Model(
        unit="dB", level=51, low=30, high=95, daily=9, peak_h=13.5, rush=1.0, weekend=0.9, slow=1.2, fast=2, offset=1.5,
        drift=0.03,
    ),
    "pm25": Model(
        unit="ug/m3", level=34, low=1, high=240, decimals=0, daily=4, peak_h=9, rush=3, weekend=0.8, slow=8, fast=2,
        offset=3, drift=0.3,
    ),
    "speed": Model(
        unit="km/h", level=38, low=4, high=80, daily=-4, peak_h=15, rush=-7, weekend=0.5, slow=3, fast=3, offset=4
    ),
    "occupancy": Model(
        unit="/", level=14, low=0, high=70, daily=5, peak_h=15, rush=6, weekend=0.6, slow=2, fast=1.5, offset=2
    ),
    "smoke": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "heat": Model(unit="Cel", level=24, low=0, high=60, daily=1.5, peak_h=15, slow=0.6, fast=0.15, offset=1.0),
    "leakage_current": Model(unit="mA", level=35, low=0, high=250, decimals=0, slow=4, fast=3, offset=8),
    "exit_blocked": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "lift_between_floors": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "lift_call": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "lift_vibration": Model(unit="m/s2", level=0.15, low=0, high=5, decimals=3, slow=0.02, fast=0.03, offset=0.02),
    "steam_pressure": Model(unit="Pa", level=600_000, low=0, high=690_000, decimals=0, slow=8e3, fast=4e3, offset=1e4),
    "inspection_overdue": Model(unit="h", level=0, low=0, high=1, decimals=0),
    "water_pressure": Model(
        unit="Pa", level=280_000, low=0, high=900_000, decimals=0, rush=-2e4, slow=6e3, fast=3e3, offset=6e3
    ),
    "flow_rate": Model(unit="m3/s", level=0.02, low=0, high=1, decimals=4, rush=0.006, slow=0.002, fast=0.001),
    "road_water_level": Model(unit="mm", level=0, low=0, high=10, decimals=0),
    "voltage": Model(unit="V", level=221, low=0, high=234, rush=-1.5, slow=0.8, fast=0.6, offset=1.5),
    "load": Model(unit="/100", level=45, low=0, high=90, daily=12, peak_h=14, rush=4, slow=3, fast=2, offset=5),
    "power": Model(
        unit="kW", level=400, low=0, high=5_000, decimals=0, daily=250, peak_h=14, weekend=0.4, slow=8, fast=6,
        seasonal=True,
    ),
    "persons": Model(
        unit="/", level=480, low=0, high=20_000, decimals=0, daily=460, peak_h=13.5, weekend=0.3, slow=20, fast=10,
        seasonal=True,
    ),
    "wind_speed": Model(unit="m/s", level=3.0, low=0, high=9, daily=0.8, peak_h=15, slow=0.8, fast=0.4, offset=0.3),
    "wind_direction": Model(unit="rad", level=2.3, low=0, high=6.28, decimals=3, slow=0.2, fast=0.1),
    "rain_rate": Model(unit="mm/h", level=0, low=0, high=15),
    "so2": Model(unit="ug/m3", level=12, low=0, high=400, slow=3, fast=1, offset=2),
    "no2": Model(unit="ug/m3", level=40, low=0, high=180, rush=8, slow=6, fast=3, offset=4),
    "voc": Model(unit="ug/m3", level=220, low=0, high=900, decimals=0, slow=30, fast=15, offset=20),
    "pm10": Model(unit="ug/m3", level=55, low=1, high=240, decimals=0, daily=5, peak_h=9, slow=9, fast=3, offset=4),
    "site_pm10": Model(unit="ug/m3", level=120, low=1, high=440, decimals=0, slow=20, fast=12, offset=10),
    "site_LAeq": Model(unit="dB", level=46, low=30, high=59, daily=3, peak_h=14, slow=1, fast=1.5, offset=1),
    "turbidity": Model(unit="NTU", level=14, low=0, high=45, slow=2, fast=0.6, offset=1),
    "cod": Model(unit="mg/l", level=18, low=0, high=36, slow=1.5, fast=0.6, offset=1),
    "nh3n": Model(unit="mg/l", level=0.7, low=0, high=1.6, decimals=2, slow=0.08, fast=0.03, offset=0.05),
    "dose_rate": Model(unit="nGy/h", level=88, low=20, high=180, slow=2, fast=2, offset=4),
    "tilt": Model(unit="/1000", level=1.2, low=0, high=3.4, decimals=3, slow=0.02, fast=0.01, offset=0.2),
    "crack_width": Model(unit="mm", level=0.3, low=0, high=0.9, decimals=3, slow=0.01, fast=0.004, offset=0.05),
    "vibration": Model(unit="mm/s", level=0.08, low=0, high=0.4, decimals=3, rush=0.02, slow=0.01, fast=0.02),
    "settlement": Model(unit="mm", level=2.0, low=-5, high=8, decimals=2, slow=0.05, fast=0.03, offset=0.4),
    "humidity": Model(unit="%RH", level=68, low=10, high=90, slow=2, fast=0.5, offset=2),
    "sump_level": Model(unit="mm", level=0, low=0, high=15, decimals=0),
    "co2": Model(unit="ppm", level=620, low=380, high=2_000, decimals=0, daily=80, peak_h=14, slow=30, fast=12),
    "fill_level": Model(unit="/100", level=48, low=0, high=90, daily=14, peak_h=18, slow=3, fast=1, offset=4),
    "nh3": Model(unit="ppm", level=0.35, low=0, high=1.0, decimals=3, slow=0.04, fast=0.02, offset=0.03),
    "h2s": Model(unit="ppm", level=0.004, low=0, high=0.015, decimals=4, slow=0.0005, fast=0.0003),
    "queue": Model(unit="/", level=1, low=0, high=8, decimals=0, daily=1.5, peak_h=14, fast=0.8),
    "soil_moisture": Model(unit="/100", level=26, low=16, high=60, slow=0.4, fast=0.1, offset=1.5),
    "tree_tilt": Model(unit="rad", level=0.03, low=0, high=0.12, decimals=4, slow=0.002, fast=0.001, offset=0.005),
    "call": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "fall": Model(unit="/", level=0, low=0, high=1, boolean=True),
    "inactive": Model(unit="h", level=1.5, low=0, high=9, slow=0.8, fast=0.1),
    "socket_current": Model(unit="A", level=0.4, low=0, high=6, decimals=2, slow=0.2, fast=0.1),
    "battery_temperature": Model(unit="Cel", level=24, low=0, high=50, slow=0.8, fast=0.2, offset=1),
    "lot_occupancy": Model(unit="/100", level=55, low=0, high=94, daily=18, peak_h=13, slow=3, fast=1),
    "gate_forced": Model(unit="/", level=0, low=0, high=1, boolean=True),
}  # fmt: skip


def local_hour(second: float) -> float:
    """Return the hour of the day, 0 to 24, in Shanghai."""
    return ((second + SHANGHAI_OFFSET_S) % DAY_S) / HOUR_S


def is_weekend(second: float) -> bool:
    """Whether it is Saturday or Sunday in Shanghai; 1970-01-01 was a Thursday."""
    return int((second + SHANGHAI_OFFSET_S) // DAY_S + 3) % 7 >= 5


class Signals:
    """The ordinary values of many series at once.

    Parameters
    ----------
    seed
        The same seed gives the same values.
    devices, quantities
        Of each series, in the caller's order.
    steady
        Whether each series is of a sensor that never drifts, tires or drops out (pilot units: wired and serviced).
    """

    def __init__(
        self, seed: int, devices: Sequence[Device], quantities: Sequence[str], steady: NDArray[np.bool_]
    ) -> None:
        models = [MODELS[quantity] for quantity in quantities]
        names = [f"{device.device_id}/{quantity}" for device, quantity in zip(devices, quantities, strict=True)]
        self._streams = streams_of(seed, names)
        self._device_streams = streams_of(seed, [device.device_id for device in devices])
        self._low = _column(models, "low")
        self._high = _column(models, "high")
        self._daily, self._peak_h = _column(models, "daily"), _column(models, "peak_h")
        self._rush, self._rush_h = _column(models, "rush"), _column(models, "rush_h")
        self._weekend = _column(models, "weekend")
        self._slow, self._fast = _column(models, "slow"), _column(models, "fast")
        self._round = 10.0 ** _column(models, "decimals")
        self._level = _column(models, "level") + _column(models, "offset") * normal(self._streams, 0, _OFFSET)
        drifts = (uniform(self._streams, 0, _DRIFTS) < DRIFTING_SHARE) & ~steady
        self._drift = np.where(drifts, _column(models, "drift"), 0.0)
        self._phase = uniform(self._device_streams, 1, _BATTERY)
        self._on_battery = (uniform(self._device_streams, 0, _BATTERY) < BATTERY_SHARE) & ~steady
        self._steady = steady

    def values(self, series: NDArray[np.intp], second: int) -> FloatArray:
        """Return the value of each of ``series`` at ``second`` since 1970, in its unit, rounded as it is reported."""
        hour = local_hour(second)
        streams = self._streams[series]
        day = self._daily[series] * np.cos((hour - self._peak_h[series]) * (np.pi / 12))
        day += self._rush[series] * np.cos((hour - self._rush_h[series]) * (np.pi / 6))
        if is_weekend(second):
            day *= self._weekend[series]
        value = self._level[series] + day
        value += self._slow[series] * smooth(streams, second, SLOW_STEP_S, _SLOW)
        value += self._fast[series] * normal(streams, second, _FAST)
        value += self._drift[series] * self._days_since_service(series, second)
        places = self._round[series]
        return np.round(np.clip(value, self._low[series], self._high[series]) * places) / places

    def reports(self, series: NDArray[np.intp], second: int, skip: float, outage: float) -> NDArray[np.bool_]:
        """Whether each of ``series`` reports at ``second``: whole hours are out, single readings are skipped.

        Parameters
        ----------
        skip
            Share of readings that a sound device leaves out; one with a weak battery leaves out 30%.
        outage
            Share of device hours without any reading.
        """
        devices = self._device_streams[series]
        share = np.where(self.battery(series, second) < WEAK_BATTERY, 0.3, skip)
        heard = uniform(devices, second, _SKIP) >= share
        heard &= uniform(devices, int(second // HOUR_S), _OUTAGE) >= outage
        return np.asarray(heard | self._steady[series])

    def battery(self, series: NDArray[np.intp], second: float) -> FloatArray:
        """Return the charge left, 0 to 1; 1 where there is no battery. It falls over 400 days, then is replaced."""
        used = (second / BATTERY_LIFE_S + self._phase[series]) % 1.0
        return np.where(self._on_battery[series], 1.0 - used, 1.0)

    def _days_since_service(self, series: NDArray[np.intp], second: float) -> FloatArray:
        return np.asarray((second / SERVICE_S + self._phase[series]) % 1.0 * (SERVICE_S / DAY_S))


def _column(models: list[Model], name: str) -> FloatArray:
    return np.array([getattr(model, name) for model in models], dtype=np.float64)
