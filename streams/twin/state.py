"""What the events of a unit, up to a time, come to: a pure fold, in any order of the events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from detectors.power_mean import power_mean
from schemas.alerts import Alert
from schemas.catalogue import Catalogue
from schemas.judged import Judged
from schemas.orders import Order
from schemas.registry import Device
from schemas.signs import Contributor, Indicator
from schemas.times import SECOND_NS, format_time, parse_time
from streams.console.views import is_over_alert, is_over_case
from streams.sense.vitals import weighted_score


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The last reading of one of a device's quantities; a camera's ``video`` has its health in ``text``."""

    quantity: str
    time: str
    value: float | None = None
    quality: float | None = None
    text: str = ""


class DeviceState(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it was registered, and what it said last; no reading: none within the time looked back."""

    device_id: str
    quantities: tuple[str, ...]
    mode: str
    interval_s: float
    readings: tuple[Reading, ...] = ()


class DomainScore(msgspec.Struct, frozen=True, kw_only=True):
    """A domain's score, and the indicators that made it, the worst first."""

    domain: str
    mode: str
    score: float
    contributors: tuple[Contributor, ...]


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """A unit (or a tier) at a time: of alerts and cases those that were open."""

    unit_id: str
    at: str
    looked_back_s: float
    indicators: tuple[Indicator, ...]
    scores: tuple[DomainScore, ...]
    overall: dict[str, float]  # by mode
    devices: tuple[DeviceState, ...]
    alerts: tuple[Alert, ...]
    cases: tuple[Order, ...]


class TwinFold:
    """Takes events in any order; keeps of each thing the newest one not after the time."""

    def __init__(self, unit_id: str, at_ns: int) -> None:
        self._unit_id, self._at_ns = unit_id, at_ns
        self._indicators: dict[tuple[str, str], Indicator] = {}
        self._alerts: dict[str, Alert] = {}
        self._cases: dict[str, Order] = {}
        self._readings: dict[str, Reading] = {}

    def is_there(self, unit_id: str) -> bool:
        """Whether an alert or a case of a unit belongs to the twin: to the unit, or to the tier that it names."""
        return unit_id == self._unit_id or unit_id.startswith(f"{self._unit_id}.")

    def indicator(self, one: Indicator) -> None:
        """Take a window that has ended by then."""
        end_ns = parse_time(one.window_start) + round(one.window_s * SECOND_NS)
        key = one.mode, one.indicator
        if one.unit_id != self._unit_id or end_ns > self._at_ns:
            return
        known = self._indicators.get(key)
        if known is None or _age(one) > _age(known):
            self._indicators[key] = one

    def alert(self, one: Alert) -> None:
        """Take a version that had been sent by then."""
        known = self._alerts.get(one.alert_id)
        is_newer = known is None or one.version > known.version
        if self.is_there(one.unit_id) and parse_time(one.sent) <= self._at_ns and is_newer:
            self._alerts[one.alert_id] = one

    def case(self, one: Order) -> None:
        """Take a version whose last entry had been made by then."""
        changed_ns = max((parse_time(entry.time) for entry in one.steps), default=parse_time(one.opened))
        known = self._cases.get(one.case_id)
        is_newer = known is None or one.version > known.version
        if self.is_there(one.unit_id) and changed_ns <= self._at_ns and is_newer:
            self._cases[one.case_id] = one

    def judged(self, one: Judged) -> None:
        """Take the readings and camera rows of a record that were taken by then."""
        if one.unit_id != self._unit_id:
            return
        if one.readings is not None:
            columns = one.readings
            index = np.frombuffer(columns.index, "<u2")
            arrays = (np.frombuffer(columns.time, "<i8"), np.frombuffer(columns.value, "<f8"))
            quality = np.frombuffer(columns.quality, "<f4")
            for i, (time_ns, value) in enumerate(zip(*(array.tolist() for array in arrays), strict=True)):
                self._reading(columns.series[index[i]], time_ns, value, float(quality[i]), "")
        for row in one.video or ():
            persons = None if row.counts is None else row.counts.person
            value = None if persons is None else float(persons)
            self._reading(f"{row.camera_id}/video", parse_time(row.time), value, None, row.health)

    def twin(self, catalogue: Catalogue, devices: Iterable[Device], looked_back_s: float) -> Twin:
        """Return what it all comes to."""
        indicators = tuple(self._indicators[key] for key in sorted(self._indicators))
        scores = explained(catalogue, indicators)
        overall: dict[str, list[float]] = {}
        for one in scores:
            overall.setdefault(one.mode, []).append(one.score)
        by_device: dict[str, list[Reading]] = {}
        for name in sorted(self._readings):
            by_device.setdefault(name.rpartition("/")[0], []).append(self._readings[name])
        return Twin(
            unit_id=self._unit_id,
            at=format_time(self._at_ns),
            looked_back_s=looked_back_s,
            indicators=indicators,
            scores=scores,
            overall={mode: _joined(of, catalogue.exponent) for mode, of in sorted(overall.items())},
            devices=tuple(_device(one, by_device) for one in sorted(devices, key=lambda one: one.device_id)),
            alerts=tuple(one for _, one in sorted(self._alerts.items()) if not is_over_alert(one)),
            cases=tuple(one for _, one in sorted(self._cases.items()) if not is_over_case(one)),
        )

    def _reading(self, name: str, time_ns: int, value: float | None, quality: float | None, text: str) -> None:
        known = self._readings.get(name)
        if time_ns <= self._at_ns and (known is None or time_ns >= parse_time(known.time)):
            quantity = name.rpartition("/")[2]
            self._readings[name] = Reading(
                quantity=quantity, time=format_time(time_ns), value=value, quality=quality, text=text
            )


def explained(catalogue: Catalogue, indicators: Iterable[Indicator]) -> tuple[DomainScore, ...]:
    """Return each domain's score as the system makes it of its indicators; a tier's are its indicators already."""
    parts: dict[tuple[str, str], list[tuple[Indicator, float]]] = {}
    found = []
    for one in indicators:
        entry = catalogue.indicators.get(one.indicator)
        if entry is not None:
            parts.setdefault((one.mode, entry.domain), []).append((one, entry.weight))
        elif one.indicator != "overall":
            found.append(
                DomainScore(domain=one.indicator, mode=one.mode, score=one.score, contributors=one.contributors)
            )
    for (mode, domain), of in parts.items():
        worst = sorted(of, key=lambda part: (part[0].score, part[0].indicator))
        contributors = tuple(Contributor(name=one.indicator, value=one.score) for one, _ in worst)
        score = weighted_score([(one.score, weight) for one, weight in of], catalogue.exponent)
        found.append(DomainScore(domain=domain, mode=mode, score=score, contributors=contributors))
    return tuple(sorted(found, key=lambda one: (one.mode, one.score, one.domain)))


def _joined(scores: Sequence[float], exponent: float) -> float:
    return float(power_mean(np.array(scores)[:, np.newaxis], exponent=exponent)[0])


def _device(device: Device, readings: Mapping[str, list[Reading]]) -> DeviceState:
    return DeviceState(
        device_id=device.device_id,
        quantities=device.quantities,
        mode=device.mode,
        interval_s=device.interval_s,
        readings=tuple(readings.get(device.device_id, ())),
    )


def _age(indicator: Indicator) -> tuple[int, int]:
    return parse_time(indicator.window_start), indicator.revision
