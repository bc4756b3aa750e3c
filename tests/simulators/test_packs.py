import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.senml import decode_pack, encode_pack
from schemas.times import SECOND_NS
from simulators.packs import MAX_PACK_READINGS, PackWriter

SECOND = 1_767_240_000


@given(st.lists(st.tuples(st.booleans(), st.floats(-1e9, 1e9), st.booleans()), min_size=1, max_size=40))
def test_packs_resolve_to_what_the_reference_writes(series: list[tuple[bool, float, bool]]) -> None:
    names = [f"d-{n}/q{n % 3}" for n in range(len(series))]
    booleans = [boolean for boolean, _, _ in series]
    values = [float(value > 0) if boolean else value for boolean, value, _ in series]
    present = [here for _, _, here in series]
    writer = PackWriter(names, ["ppm"] * len(series), booleans)
    packs = writer.packs(SECOND, np.array(values), present)
    expected = [
        (name, "ppm", SECOND * SECOND_NS, bool(value) if boolean else value)
        for name, boolean, value, here in zip(names, booleans, values, present, strict=True)
        if here
    ]
    assert sum(readings for _, readings in packs) == len(expected)
    if expected:
        assert decode_pack(packs[0][0], 0) == decode_pack(encode_pack(expected), 0)


def test_a_large_group_becomes_several_packs() -> None:
    names = [f"d-{n}/ch4" for n in range(2 * MAX_PACK_READINGS + 1)]
    packs = PackWriter(names, ["ppm"] * len(names), [False] * len(names)).packs(SECOND, np.ones(len(names)))
    assert [readings for _, readings in packs] == [MAX_PACK_READINGS, MAX_PACK_READINGS, 1]
