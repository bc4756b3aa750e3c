"""A twin as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from streams.dispatch.chain import local_time, plain
from streams.twin.state import DeviceState, Reading, Twin

SHOWN_DEVICES = 40


def render_twin(twin: Twin) -> str:
    """Return a unit as terminal text, with times of Asia/Shanghai."""
    lines = [f"{twin.unit_id}   at {local_time(twin.at)}", "", "Score"]
    lines += list(_scores(twin)) or ["  none yet"]
    lines += ["", "Indicators"]
    lines += [
        f"  {one.indicator:<24}{one.value:>12.4g} {one.unit:<6}{one.score:>6.1f}  {one.colour:<8}"
        f"{local_time(one.window_start)}  coverage {one.coverage:.2f}{_mode(one.mode)}"
        for one in twin.indicators
    ] or ["  none yet"]
    lines += ["", "Open alerts"]
    lines += [
        f"  {one.alert_id}  {one.colour:<8}{one.state:<8}{one.scenario:<20}since {local_time(one.first_seen)}"
        f"{_mode(one.mode)}"
        for one in twin.alerts
    ] or ["  none"]
    lines += ["", "Open cases"]
    lines += [
        f"  {one.case_id}  {one.colour:<8}{one.step:<12}{one.tier:<12}{one.scenario:<20}since {local_time(one.opened)}"
        f"{_mode(one.mode)}"
        for one in twin.cases
    ] or ["  none"]
    lines += ["", *_devices(twin)]
    return "\n".join(map(plain, lines))


def _scores(twin: Twin) -> Iterator[str]:
    for mode, score in twin.overall.items():
        yield f"  {'overall':<16}{score:>6.1f}{_mode(mode)}"
    for one in twin.scores:
        why = ", ".join(f"{part.name} {part.value:.0f}" for part in one.contributors[:4])
        yield f"  {one.domain:<16}{one.score:>6.1f}  by {why}{_mode(one.mode)}"


def _devices(twin: Twin) -> Iterator[str]:
    yield f"Devices: {len(twin.devices)}" + (
        f", the first {SHOWN_DEVICES}" if len(twin.devices) > SHOWN_DEVICES else ""
    )
    for device in twin.devices[:SHOWN_DEVICES]:
        yield f"  {device.device_id:<34}{_said(device, twin.looked_back_s)}{_mode(device.mode)}"


def _said(device: DeviceState, looked_back_s: float) -> str:
    if not device.readings:
        return f"no reading in {looked_back_s / 60:g} min ({', '.join(device.quantities)})"
    return "; ".join(_reading(one) for one in device.readings)


def _reading(one: Reading) -> str:
    value = "" if one.value is None else f" {one.value:g}"
    quality = "" if one.quality is None or one.quality >= 1.0 else f" quality {one.quality:.2f}"
    text = f" {one.text}" if one.text else ""
    return f"{one.quantity}{value}{text}{quality} at {local_time(one.time)[-8:]}"


def _mode(mode: str) -> str:
    return "" if mode == "actual" else f"  [{mode}]"
