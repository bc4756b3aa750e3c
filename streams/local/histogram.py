"""Quantiles of a Prometheus histogram, as another process's ``/metrics`` shows it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from schemas.files import Quantiles


def quantiles_of(text: str, name: str) -> Quantiles:
    """Return p50, p99 and p999 of histogram ``name``, linear within a bucket; all labels together; empty if absent."""
    buckets: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{name}_bucket":
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + sample.value
    ordered = sorted(buckets.items())
    if not ordered or ordered[-1][1] == 0:
        return Quantiles()
    p50, p99, p999 = (_quantile(ordered, share) for share in (0.5, 0.99, 0.999))
    return Quantiles(p50=p50, p99=p99, p999=p999)


def _quantile(ordered: list[tuple[float, float]], share: float) -> float:
    wanted = share * ordered[-1][1]
    low, below = 0.0, 0.0
    for bound, count in ordered:
        if count >= wanted:
            if bound == float("inf"):
                return low  # all that is known: beyond the last bound
            return low + (bound - low) * ((wanted - below) / (count - below) if count > below else 1.0)
        low, below = bound, count
    return low
