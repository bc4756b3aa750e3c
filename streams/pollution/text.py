"""The likely sources as a duty officer reads them."""

from __future__ import annotations

from streams.dispatch.chain import local_time, plain
from streams.pollution.answer import CaseSources, RankedSource, Risen, Sources

ROSE_SHOWN = 12
HEAD = "Likely sources 可能来源"


def render_sources(found: Sources) -> str:
    """Return the candidates of one quantity as terminal text, with times of Asia/Shanghai."""
    if not found.rose:
        return f"{found.quantity}: {found.note} ({found.watched} watched): there is nothing to explain"
    head = f"{found.quantity}: {len(found.rose)} of {found.watched} sensors rose{_wind(found)}"
    lines = [head, *map(_risen, found.rose[:ROSE_SHOWN])]
    if len(found.rose) > ROSE_SHOWN:
        lines.append(f"         and {len(found.rose) - ROSE_SHOWN} more")
    lines += [_ranked(place, one) for place, one in enumerate(found.ranked, start=1)]
    if not found.ranked:
        lines.append(f"  no candidate: {found.note}")
    elif found.note:
        lines.append(f"  ({found.note})")
    return "\n".join(lines)


def render_case_sources(found: CaseSources) -> str:
    """Return the likely sources of a case as terminal text."""
    parts = [render_sources(one) for one in found.found] or [f"no candidate: {found.note}"]
    return "\n".join([HEAD, *(f"  {line}" for part in parts for line in part.splitlines())])


def _wind(found: Sources) -> str:
    if found.medium == "water":
        return ""
    if found.wind_mps is None or found.wind_from_deg is None:
        return "; wind unknown"
    return f"; wind {found.wind_mps:g} m/s from {found.wind_from_deg:.0f} degrees"


def _risen(one: Risen) -> str:
    return plain(f"  {local_time(one.onset)}  {one.series} of {one.unit_id} from {one.level:g} up to {one.highest:g}")


def _ranked(place: int, one: RankedSource) -> str:
    parts = [(name, getattr(one, name)) for name in ("direction", "lag", "distance", "order")]
    why = [f"{name} {value:.2f}" for name, value in parts if value is not None]
    why += [f"{one.minutes:g} min upstream"] if one.minutes is not None else []
    what = "points downstream" if one.order is not None else "exposed sensors"
    counts = f"{one.seen} {what} rose, {one.missed} did not"
    return plain(f"  {place}. {one.score:.2f}  {one.name}   {', '.join(why)}; {counts}")
