"""Candidates upstream of the points where water went bad: the one from which the others follow in order of the flow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.stats import kendalltau

Edge = tuple[str, str, float]  # upstream point, downstream point, how long water takes (s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """A point; ``explained`` and ``missed`` count points downstream that rose and that did not; score 0 to 1.

    ``away_s`` is how long water takes from it to the nearest of those that rose.
    """

    point: str
    score: float
    explained: int
    missed: int
    order: float
    away_s: float


def rank_upstream(
    edges: Sequence[Edge], onsets_s: Mapping[str, float], measured: Collection[str] | None = None
) -> list[Upstream]:
    """Return the points from which the rises could have come, the likeliest first, then the nearest, then by name.

    Parameters
    ----------
    edges
        The network; times above 0.
    onsets_s
        When each point that rose began to, s; points that did not rise are left out.
    measured
        Points that would show it; at others nothing is missed. ``None``: all.

    Raises
    ------
    ValueError
        Water would flow in a circle, a time is not above 0, or a point that rose is not in the network.
    """
    names = sorted({name for edge in edges for name in edge[:2]})
    unknown = sorted(set(onsets_s) - set(names))
    if unknown:
        raise ValueError(f"not in the network: {', '.join(unknown)}")
    if any(not seconds > 0 for *_, seconds in edges):
        raise ValueError("water takes a time above 0 from point to point")
    _check_order(edges)
    places = {name: place for place, name in enumerate(names)}
    rows, columns = [places[a] for a, _, _ in edges], [places[b] for _, b, _ in edges]
    network = csr_array(([seconds for *_, seconds in edges], (rows, columns)), shape=(len(names), len(names)))
    travel = dijkstra(network, directed=True)
    seeing = set(names if measured is None else measured) | set(onsets_s)
    found = [_judge(name, names, travel[places[name]], onsets_s, seeing) for name in names]
    return sorted((one for one in found if one.explained), key=lambda one: (-one.score, one.away_s, one.point))


def _judge(
    point: str, names: Sequence[str], travel: np.ndarray, onsets_s: Mapping[str, float], seeing: Collection[str]
) -> Upstream:
    seconds = dict(zip(names, travel.tolist(), strict=True))
    below = [name for name in names if np.isfinite(seconds[name]) and name in seeing]
    risen = [name for name in below if name in onsets_s]
    missed = len(below) - len(risen)
    order = 1.0
    if len(risen) >= 2:
        tau = kendalltau([seconds[name] for name in risen], [onsets_s[name] for name in risen]).statistic
        order = 0.5 if np.isnan(tau) else float((tau + 1.0) / 2.0)
    share = len(risen) / len(onsets_s)
    # Of two that explain as much, the one with fewer points below it that saw nothing: the higher one goes too far.
    score = share * order * len(risen) / (len(risen) + missed) if risen else 0.0
    away_s = min((seconds[name] for name in risen), default=float("inf"))
    return Upstream(point=point, score=score, explained=len(risen), missed=missed, order=order, away_s=away_s)


def _check_order(edges: Sequence[Edge]) -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for above, below, _ in edges:
        sorter.add(below, above)
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"water cannot flow in a circle: {' -> '.join(map(str, error.args[1]))}") from error
