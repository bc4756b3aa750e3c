import numpy as np
import pytest

from schemas.registry import Device
from simulators.noise import normal, streams_of, uniform
from simulators.signals import MODELS, Signals, is_weekend, local_hour
from streams.catalogue.files import load_catalogue

THURSDAY_NOON = 1_767_240_000
DAY = 86_400
HOUR = 3_600


def fleet(quantity: str, count: int, *, is_steady: bool = True) -> Signals:
    devices = [
        Device(device_id=f"d-{n}", unit_id="hp.a.g01.b", quantities=(quantity,), interval_s=10) for n in range(count)
    ]
    return Signals(1, devices, [quantity] * count, np.full(count, is_steady))


def every(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.intp)


@pytest.mark.parametrize("quantity", MODELS)
def test_models_speak_the_catalogues_unit_and_stay_inside_its_range(quantity: str) -> None:
    known = load_catalogue().quantities[quantity]
    model = MODELS[quantity]
    assert (model.unit, model.boolean) == (known.unit, known.boolean)
    assert known.low <= model.low < model.high <= known.high


@pytest.mark.parametrize("quantity", MODELS)
def test_an_ordinary_week_stays_under_every_limit(quantity: str) -> None:
    levels = load_catalogue().quantities[quantity].levels
    signals = fleet(quantity, 300, is_steady=False)
    lowest = min((v for v in (levels.values() if levels else ()) if v is not None), default=np.inf)
    for second in range(THURSDAY_NOON, THURSDAY_NOON + 7 * DAY, 1_801):
        assert signals.values(every(300), second).max() < lowest


def test_a_value_depends_on_series_and_time_alone_not_on_the_batch() -> None:
    signals = fleet("pm25", 50)
    together = signals.values(every(50), THURSDAY_NOON)
    alone = [float(signals.values(np.array([n]), THURSDAY_NOON)[0]) for n in range(50)]
    assert together.tolist() == alone


def test_days_have_their_shape() -> None:
    signals = fleet("temperature", 500)
    at_three = signals.values(every(500), THURSDAY_NOON + 3 * HOUR).mean()
    before_dawn = signals.values(every(500), THURSDAY_NOON + 15 * HOUR).mean()
    assert at_three - before_dawn == pytest.approx(8, abs=1)


def test_rush_hours_are_missing_on_sunday() -> None:
    signals = fleet("speed", 500)
    rush = THURSDAY_NOON - 3 * HOUR - HOUR // 2
    thursday = signals.values(every(500), rush).mean()
    sunday = signals.values(every(500), rush + 3 * DAY).mean()
    assert sunday > thursday + 1


def test_drift_moves_some_sensors_until_they_are_serviced_never_steady_ones() -> None:
    rough, steady = fleet("pm25", 2_000, is_steady=False), fleet("pm25", 2_000)
    moved = rough.values(every(2_000), THURSDAY_NOON) != steady.values(every(2_000), THURSDAY_NOON)
    assert 0.005 < moved.mean() < 0.04


def test_batteries_fall_and_weak_ones_leave_readings_out() -> None:
    signals = fleet("ch4", 5_000, is_steady=False)
    charge = signals.battery(every(5_000), THURSDAY_NOON)
    heard = np.mean([signals.reports(every(5_000), THURSDAY_NOON + n, 0.0, 0.0) for n in range(200)], axis=0)
    assert heard[charge < 0.05].mean() == pytest.approx(0.7, abs=0.02)
    assert heard[charge >= 0.05].min() == 1.0
    later = signals.battery(every(5_000), THURSDAY_NOON + DAY)
    assert (later <= charge).mean() > 0.99


def test_devices_are_out_for_whole_hours() -> None:
    signals = fleet("ch4", 20_000, is_steady=False)
    start = THURSDAY_NOON
    out = ~signals.reports(every(20_000), start, -1.0, 0.05)
    still = ~signals.reports(every(20_000), start + HOUR - 1, -1.0, 0.05)
    weak = signals.battery(every(20_000), start) < 0.06
    assert out[~weak].mean() == pytest.approx(0.05, abs=0.01)
    assert (out == still)[~weak].all()


def test_noise_is_centred_and_bounded() -> None:
    streams = streams_of(7, [str(n) for n in range(20_000)])
    drawn = normal(streams, 5)
    assert drawn.mean() == pytest.approx(0, abs=0.03)
    assert drawn.std() == pytest.approx(1, abs=0.03)
    assert np.abs(drawn).max() < 3.5
    assert uniform(streams, 5).mean() == pytest.approx(0.5, abs=0.01)


def test_hours_and_weekends_are_shanghais() -> None:
    assert local_hour(THURSDAY_NOON) == 12
    assert [is_weekend(THURSDAY_NOON + n * DAY) for n in range(7)] == [False, False, True, True, False, False, False]
