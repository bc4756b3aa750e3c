"""Vital signs of grids, subdistricts and districts, rolled up from their units' scores.

A window of a mode is rolled up when the watermark has passed its end, and again after what revises it; its revision is
the sum of its units', so that two lives of a worker that read in another order agree on the last. A domain's score is
the power mean of the units that have it, ``overall`` that of the prefix's domains. ``coverage`` of a domain is the mean
of the units that have it; of ``overall`` it is the mean over all units that the registry places there (``actual`` only:
drills need not be complete), those that sent nothing with 0. Missing data never moves a score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from detectors.power_mean import power_mean
from detectors.scores import colour_of
from schemas.catalogue import DEFAULT_EXPONENT
from schemas.ids import Mode
from schemas.registry import Unit
from schemas.signs import DOMAINS, Contributor, Indicator, UnitScores
from schemas.times import SECOND_NS, format_time, parse_time
from streams.alert.blocks import decode_block, encode_block

KEPT_NS = 1_800 * SECOND_NS  # behind the watermark: three times the grace period of late rows
MAX_WINDOWS = 1_024  # of one partition, far above what is kept of windows in three modes at the shortest (10 s)
CONTRIBUTORS = 8
OVERALL = "overall"
WindowKey = tuple[int, str, int]  # end, mode, length in ns


class UnitRow(msgspec.Struct, array_like=True):
    """What one unit said of one window; ``scores`` in the order of ``DOMAINS``, ``None`` where it has none."""

    scores: tuple[float | None, ...]
    coverage: float
    revision: int


class ScoredWindow(msgspec.Struct, kw_only=True):
    """One window of one mode."""

    end_ns: int
    length_ns: int
    mode: Mode
    rows: dict[str, UnitRow] = msgspec.field(default_factory=dict)
    revision: int = -1  # of what was rolled up last; -1: not yet

    @property
    def key(self) -> WindowKey:
        return self.end_ns, self.mode, self.length_ns

    @property
    def block(self) -> str:
        """The name of its state block."""
        return f"scores-{self.mode}-{self.end_ns}-{self.length_ns}"


class RollUp:
    """The windows of one partition's units, of the last half hour."""

    def __init__(self, units: Mapping[str, Unit], exponent: float = DEFAULT_EXPONENT) -> None:
        self._units = units
        self.exponent = exponent  # by which scores are joined
        self._windows: dict[WindowKey, ScoredWindow] = {}
        self._open: set[WindowKey] = set()  # not rolled up since they last changed
        self._dirty: set[WindowKey] = set()
        self._forgotten: set[str] = set()

    def take(self, scores: UnitScores, watermark: int) -> None:
        """Take a unit's scores; a revision that is not newer, or older than the windows kept, changes nothing.

        Raises
        ------
        ValueError
            The window's start is not a time.
        """
        length_ns = round(scores.window_s * SECOND_NS)
        end_ns = parse_time(scores.window_start) + length_ns
        if end_ns <= watermark - KEPT_NS:
            return
        key = (end_ns, scores.mode, length_ns)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = ScoredWindow(end_ns=end_ns, length_ns=length_ns, mode=scores.mode)
        known = window.rows.get(scores.unit_id)
        if known is not None and known.revision >= scores.revision:
            return
        row = UnitRow(tuple(scores.scores.get(domain) for domain in DOMAINS), scores.coverage, scores.revision)
        window.rows[scores.unit_id] = row
        self._open.add(key)
        self._dirty.add(key)

    def close(self, watermark: int) -> list[Indicator]:
        """Roll up the windows that have ended and changed, oldest first; forget those that are too old."""
        found: list[Indicator] = []
        for key in sorted(self._open):
            if key[0] <= watermark:
                window = self._windows[key]
                window.revision = max(window.revision, sum(row.revision for row in window.rows.values()))
                self._open.discard(key)
                self._dirty.add(key)
                found += indicators_of(window, self._units, self.exponent)
        self._forget(watermark)
        return found

    def blocks(self, changed_only: bool) -> dict[str, bytes]:
        """Return the blocks by name, empty for a window that is gone; see ``SettledAlerts.blocks``."""
        wanted = sorted(self._dirty) if changed_only else sorted(self._windows)
        found = {self._windows[key].block: encode_block(self._windows[key]) for key in wanted}
        if changed_only:
            found |= dict.fromkeys(sorted(self._forgotten), b"")
            self._dirty, self._forgotten = set(), set()
        return found

    def restore(self, raw: bytes, watermark: int) -> None:
        """Take what one block holds."""
        window = decode_block(raw, ScoredWindow)
        self._windows[window.key] = window
        if window.end_ns > watermark:
            self._open.add(window.key)

    def _forget(self, watermark: int) -> None:
        old = [key for key in self._windows if key[0] <= watermark - KEPT_NS]
        old += sorted(set(self._windows) - self._open - set(old))[: max(len(self._windows) - len(old) - MAX_WINDOWS, 0)]
        for key in old:
            self._forgotten.add(self._windows.pop(key).block)
            self._open.discard(key)
            self._dirty.discard(key)


def prefixes_of(unit_id: str) -> list[str]:
    """Return the tiers that a unit lies in: ``hp``, ``hp.nanjing-east``, ``hp.nanjing-east.g03``."""
    labels = unit_id.split(".")
    return [".".join(labels[:count]) for count in range(1, min(len(labels) - 1, 3) + 1)]


def indicators_of(
    window: ScoredWindow, units: Mapping[str, Unit], exponent: float = DEFAULT_EXPONENT
) -> list[Indicator]:
    """Return the domain and overall scores of every prefix of the window's units."""
    names = sorted(window.rows)
    expected = _expected(window, units)
    found: list[Indicator] = []
    for prefix, members in sorted(_members(names).items()):
        missing = len(expected.get(prefix, set()).difference(members))
        found += _of_prefix(window, prefix, members, missing, exponent)
    return found


def _members(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        for prefix in prefixes_of(name):
            found.setdefault(prefix, []).append(name)
    return found


def _expected(window: ScoredWindow, units: Mapping[str, Unit]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    if window.mode == "actual":
        for unit_id, unit in units.items():
            if parse_time(unit.valid_from) <= window.end_ns - window.length_ns:
                for prefix in prefixes_of(unit_id):
                    found.setdefault(prefix, set()).add(unit_id)
    return found


def _of_prefix(
    window: ScoredWindow, prefix: str, names: list[str], missing: int, exponent: float
) -> Iterator[Indicator]:
    rows = [window.rows[name] for name in names]
    scores = np.array([row.scores for row in rows], dtype=np.float64)  # None becomes NaN
    coverage = np.array([row.coverage for row in rows])
    domains: list[Contributor] = []
    for domain, value, column in zip(DOMAINS, power_mean(scores, exponent=exponent), scores.T, strict=True):
        has = ~np.isnan(column)
        if has.any():
            domains.append(Contributor(name=domain, value=float(value)))
            by_unit = _contributors(np.array(names)[has], column[has])
            yield _indicator(
                window, prefix, domains[-1], by_unit, n=int(has.sum()), coverage=float(coverage[has].mean())
            )
    if domains:
        overall = float(power_mean(np.array([[domain.value] for domain in domains]), exponent=exponent)[0])
        whole = Contributor(name=OVERALL, value=overall)
        share = float(coverage.sum()) / (len(names) + missing)
        yield _indicator(window, prefix, whole, domains, n=len(names), coverage=share)


def _contributors(names: Iterable[str], values: Iterable[float]) -> list[Contributor]:
    return [Contributor(name=str(name), value=float(value)) for name, value in zip(names, values, strict=True)]


def _indicator(
    window: ScoredWindow, prefix: str, score: Contributor, parts: list[Contributor], *, n: int, coverage: float
) -> Indicator:
    return Indicator(
        unit_id=prefix,
        indicator=score.name,
        mode=window.mode,
        window_start=format_time(window.end_ns - window.length_ns),
        window_s=window.length_ns / SECOND_NS,
        value=score.value,
        unit="/",
        score=score.value,
        colour=colour_of(score.value),
        n=n,
        coverage=min(coverage, 1.0),
        revision=window.revision,
        contributors=tuple(sorted(parts, key=lambda part: (part.value, part.name))[:CONTRIBUTORS]),
    )
