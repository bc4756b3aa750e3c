"""Every topic, declared once: partitions, retention, limits; ``vitals topics create`` makes them from this table."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas import channels

UNIT_PARTITIONS = 12
DISTRICT_PARTITIONS = 4
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
STAGE_SOURCES = {  # in the order of the data's way
    "sense": channels.SOURCES,
    "alert": (channels.ANOMALIES, channels.UNIT_SCORES, channels.ACTIONS),
    "dispatch": (channels.ALERTS, channels.FEEDBACK),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One topic; the name is without namespace."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def state_topic(stage: str) -> str:
    """Return the topic that holds a stage's state blocks."""
    return f"vitals.state.{stage}"


def manifest_topic(stage: str) -> str:
    """Return the topic that holds a stage's manifests."""
    return f"vitals.state.{stage}.manifest"


def _kept(days: float, max_bytes: int = 1 << 20) -> dict[str, str]:
    return {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(round(days * DAY_MS)),
        "max.message.bytes": str(max_bytes),
    }


_COMPACTED = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"}
_STATE = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "max.message.bytes": str(4 << 20)}
_STATE_PARTITIONS = {"sense": UNIT_PARTITIONS, "alert": DISTRICT_PARTITIONS, "dispatch": DISTRICT_PARTITIONS}


def _all() -> tuple[Topic, ...]:
    unit = {name: _kept(3) for name in (*channels.SOURCES, channels.JUDGED, channels.INDICATORS)}
    unit[channels.LATE] = _kept(14)
    unit[channels.SINGLE_READINGS] = _kept(3)
    unit[channels.DEAD_LETTERS] = _kept(14, 2 << 20)
    district = {name: _kept(3) for name in (channels.ANOMALIES, channels.UNIT_SCORES)}
    district |= {name: _kept(90) for name in (channels.ALERTS, channels.ORDERS)}
    district |= {name: _kept(90) for name in (channels.ACTIONS, channels.FEEDBACK)}
    single = (channels.REGISTRY_TEAMS, channels.REGISTRY_RULES, channels.REGISTRY_GATEWAYS)
    topics = [Topic(name=name, partitions=UNIT_PARTITIONS, config=config) for name, config in unit.items()]
    topics += [Topic(name=name, partitions=DISTRICT_PARTITIONS, config=config) for name, config in district.items()]
    for name in (channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS):
        topics.append(Topic(name=name, partitions=UNIT_PARTITIONS, config=_COMPACTED))
    topics += [Topic(name=name, partitions=1, config=_COMPACTED) for name in single]
    topics.append(Topic(name=channels.DEAD_LETTERS_REPLAYED, partitions=1, config=_COMPACTED))
    topics.append(Topic(name=channels.AUDIT, partitions=1, config=_kept(365)))
    for stage, partitions in _STATE_PARTITIONS.items():
        topics.append(Topic(name=state_topic(stage), partitions=partitions, config=_STATE))
        manifest = {**_COMPACTED, "min.compaction.lag.ms": str(HOUR_MS)}
        topics.append(Topic(name=manifest_topic(stage), partitions=partitions, config=manifest))
    return tuple(topics)


TOPICS = _all()


def partitions_of(name: str) -> int:
    """Return how many partitions a topic of the table has."""
    return next(topic.partitions for topic in TOPICS if topic.name == name)


def partition_for(key: bytes, partitions: int) -> int:
    """Return Kafka's default partition of a key: ``(murmur2(key) & 0x7fffffff) % partitions``."""
    from aiokafka.partitioner import murmur2

    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
