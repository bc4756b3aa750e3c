"""Real stages as real processes: started, killed with SIGKILL, watched until they have judged the whole log."""

from collections.abc import Iterable

from schemas import channels
from schemas.codec import decode_indicator
from schemas.judged import decode_judged
from streams.newest import events
from streams.settings import Settings
from streams.state.manifest import Counters, read_manifests

Place = tuple[str, int, int]  # source topic, partition, offset


async def judged_places(settings: Settings) -> list[Place]:
    """Return the source record of each record of ``vitals.judged``: one twice was judged again after a kill."""
    found = [decode_judged(record.value or b"") async for record in events(settings, channels.JUDGED)]
    return [(judged.source, judged.partition, judged.offset) for judged in found]


async def last_indicators(settings: Settings) -> dict[tuple[str, str, str, str], tuple[float, float, int, float]]:
    """Return value, score, n and coverage of the newest revision of each indicator and window."""
    newest: dict[tuple[str, str, str, str], tuple[int, tuple[float, float, int, float]]] = {}
    async for record in events(settings, channels.INDICATORS):
        one = decode_indicator(record.value or b"")
        key = (one.unit_id, one.indicator, one.mode, one.window_start)
        if key not in newest or one.revision >= newest[key][0]:
            newest[key] = one.revision, (one.value, one.score, one.n, one.coverage)
    return {key: values for key, (_, values) in newest.items()}


async def counters_of(settings: Settings) -> dict[int, Counters]:
    """Return sense's counters by partition."""
    return {n: manifest.counters for n, manifest in (await read_manifests(settings, "sense")).items()}


def total(counters: Iterable[Counters], name: str) -> int:
    """Return the sum of one counter over all partitions and topics."""
    return sum(counts[name] for by_topic in counters for counts in by_topic.values())
