from itertools import product

import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

from streams.delivery.assignor import range_of

TOPICS = ["vitals.readings", "vitals.crowd", "vitals.video", "vitals.reports"]
KNOWS_NOTHING = ClusterMetadata()


def assigned(members: int, partitions: int) -> dict[str, dict[str, list[int]]]:
    metadata = {f"w{n}": ConsumerProtocolMemberMetadata(0, TOPICS, b"") for n in range(members)}
    found = range_of(partitions).assign(KNOWS_NOTHING, metadata)
    return {member: dict(one.assignment) for member, one in found.items()}


@pytest.mark.parametrize(("members", "partitions"), list(product(range(1, 8), (4, 12))))
def test_every_partition_has_one_owner_that_holds_it_of_all_topics(members: int, partitions: int) -> None:
    found = assigned(members, partitions)
    for topic in TOPICS:
        assert sorted(n for held in found.values() for n in held.get(topic, [])) == list(range(partitions))
    for held in found.values():
        assert len({tuple(numbers) for numbers in held.values()}) <= 1, "partition n of all topics belongs together"
    sizes = [len(held.get(TOPICS[0], [])) for held in found.values()]
    assert max(sizes) - min(sizes) <= 1
