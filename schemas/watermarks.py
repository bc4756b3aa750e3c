"""Watermarks in band: a stage's promise that nothing older than ``watermark`` will follow from one partition of it."""

from __future__ import annotations

import msgspec

WATERMARK_TYPE = "city.vitals.watermark.v1"


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """``watermark`` is in ns: events with an earlier time have all been sent."""

    source_partition: int
    watermark: int
