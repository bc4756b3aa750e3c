"""How long a reading takes from the bytes of a pack to names, times and values."""

import time

import pytest

from schemas.senml import decode_pack, encode_pack

T0_NS = 1_767_225_600_000_000_000
READINGS = 200
ROUNDS = 5
REPEATS = 200


def test_a_reading_is_decoded_in_microseconds(capsys: pytest.CaptureFixture[str]) -> None:
    raw = encode_pack(
        (
            f"hp-air-{i // 2:06d}/{('pm25', 'temperature')[i % 2]}",
            ("ug/m3", "Cel")[i % 2],
            T0_NS + i * 10**7,
            20.5 + i / 100,
        )
        for i in range(READINGS)
    )
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(REPEATS):
            decode_pack(raw, T0_NS)
        best = min(best, (time.perf_counter() - start) / REPEATS / READINGS * 1e6)
    with capsys.disabled():
        print(f"\ndecode_pack: {best:.2f} us a reading, packs of {READINGS} ({len(raw)} bytes)")
    assert best < 20
