"""Packs of one unit's readings, written quickly: all that does not change of a reading is made once.

``schemas.senml.encode_pack`` is the reference; ``PackWriter`` gives a pack that resolves to the same readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from operator import add

import msgspec

from simulators.noise import FloatArray

MAX_PACK_READINGS = 1_000  # of at most 4,096; about 100 KiB of at most 512

_encoder = msgspec.json.Encoder()


class PackWriter:
    """Write the readings of one group of series that report together."""

    def __init__(self, names: Sequence[str], units: Sequence[str], booleans: Sequence[bool]) -> None:
        self._heads = [_head(*series) for series in zip(names, units, booleans, strict=True)]
        self._booleans = list(booleans)
        self._any_boolean = any(booleans)

    def packs(self, second: int, values: FloatArray, present: Sequence[bool] | None = None) -> list[tuple[bytes, int]]:
        """Return packs, each with its number of readings; none if nothing is present.

        Parameters
        ----------
        second
            Time of all readings, since 1970.
        values
            One a series, in its order.
        present
            Which series report; all if ``None``.
        """
        readings: Iterable[str] = map(add, self._heads, self._texts(values))
        chosen = list(readings if present is None else compress(readings, present))
        chunks = (chosen[at : at + MAX_PACK_READINGS] for at in range(0, len(chosen), MAX_PACK_READINGS))
        return [(_pack(second, chunk), len(chunk)) for chunk in chunks]

    def _texts(self, values: FloatArray) -> list[str]:
        texts = _encoder.encode(values.tolist())[1:-1].decode().split(",")
        if not self._any_boolean:
            return texts
        words = zip(self._booleans, texts, strict=True)
        return [("false" if text == "0.0" else "true") if boolean else text for boolean, text in words]


def _head(name: str, unit: str, boolean: bool) -> str:
    device, _, quantity = name.partition("/")
    fields = {"bn": f"{device}/", "n": quantity, "u": unit}
    return _encoder.encode(fields)[1:-1].decode() + (',"vb":' if boolean else ',"v":')


def _pack(second: int, readings: list[str]) -> bytes:
    return f'[{{"bt":{second},{"},{".join(readings)}}}]'.encode()
