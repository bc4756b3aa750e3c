"""Grafana's thresholds from the catalogue's curves and levels: the colour from each value on."""

from __future__ import annotations

from detectors.scores import BOUNDS, colour_of, curve_score
from schemas.catalogue import IndicatorEntry, Quantity
from schemas.ids import COLOURS, Colour

Steps = list[tuple[float | None, Colour]]  # from a value on (``None``: from the lowest), rising

SCORE_STEPS: Steps = [(None, "red"), *reversed(BOUNDS)]


def steps_of_indicator(entry: IndicatorEntry) -> Steps:
    """Return where the curve goes from one colour to another; nothing where the curve changes with the date."""
    if entry.changes:
        return []
    values, scores = [one.value for one in entry.curve], [one.score for one in entry.curve]
    cuts = set()
    for low, high in zip(entry.curve, entry.curve[1:], strict=False):
        for bound, _ in BOUNDS:
            if min(low.score, high.score) < bound <= max(low.score, high.score):
                cuts.add(low.value + (bound - low.score) / (high.score - low.score) * (high.value - low.value))
    edges = sorted(cuts)
    steps: Steps = [(None, colour_of(scores[0]))]
    for edge, following in zip(edges, [*edges[1:], values[-1] + 1.0], strict=False):
        colour = colour_of(curve_score((edge + following) / 2, values, scores))
        if colour != steps[-1][1]:
            steps.append((round(edge, 4), colour))
    return steps if len(steps) > 1 else []


def steps_of_quantity(quantity: Quantity) -> Steps:
    """Return a quantity's own levels that rise; nothing where it has none."""
    levels = quantity.levels
    if levels is None or levels.side == "under":
        return []
    green, *others = COLOURS
    given = [(value, colour) for value, colour in zip(levels.values(), others, strict=True) if value is not None]
    return [(None, green), *given]
