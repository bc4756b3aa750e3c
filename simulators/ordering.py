"""Rows in order of time in bounded memory: sorted runs, all but the last on disk, merged.

References
----------
D. E. Knuth, "The Art of Computer Programming", volume 3, section 5.4: external sorting.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

import msgspec

from simulators.recorded import Row

RUN_ROWS = 100_000
BLOCK_ROWS = 1_000

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Row])


def in_order(rows: Iterable[Row], run_rows: int = RUN_ROWS) -> Iterator[Row]:
    """Yield the rows by (time, device or zone); at most ``run_rows`` and a block of each run are in memory."""
    source = iter(rows)
    runs: list[IO[bytes]] = []
    try:
        run = sorted(islice(source, run_rows))
        while len(run) == run_rows:
            runs.append(_written(run))
            run = sorted(islice(source, run_rows))
        yield from heapq.merge(*(_read(file) for file in runs), run)
    finally:
        for file in runs:
            file.close()


def _written(run: list[Row]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by in_order, when all is merged
    for at in range(0, len(run), BLOCK_ROWS):
        block = _encoder.encode(run[at : at + BLOCK_ROWS])
        file.write(len(block).to_bytes(4, "little") + block)
    file.seek(0)
    return file


def _read(file: IO[bytes]) -> Iterator[Row]:
    while head := file.read(4):
        yield from _decoder.decode(file.read(int.from_bytes(head, "little")))
