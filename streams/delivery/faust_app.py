"""The Faust app of a stage: what of Faust 0.15.3 may be used, and how it must be set; reasons in docs/delivery.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust
import faust.transport.drivers.aiokafka as driver

from streams.delivery.assignor import range_of
from streams.delivery.stage import Stage
from streams.kafka import group_name, quirks_of, topic_name
from streams.settings import Settings
from streams.topics import partitions_of

BATCH_RECORDS = 200
BATCH_SECONDS = 0.05


def make_app(settings: Settings, stage: Stage) -> tuple[faust.App, Any]:
    """Return the app and the channel of its sources, as raw bytes: we decode inside the agent.

    A typed topic acks, and so loses, what it cannot decode.
    """
    counts = {partitions_of(topic) for topic in stage.sources}
    if len(counts) != 1:
        raise ValueError(f"the sources of {stage.name} must have equal partition counts, not {sorted(counts)}")
    partitions = counts.pop()
    vars(driver)["RoundRobinPartitionAssignor"] = range_of(partitions)
    folder = Path(settings.data) / "faust" / f"{group_name(settings, stage.name)}"
    folder.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        group_name(settings, stage.name),
        broker=f"kafka://{settings.kafka}",
        datadir=str(folder),
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,  # else Faust's own assignor is taken, whether there are tables or not
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,  # True waits at revoke for events that are never acked, before the signals we hook
        stream_buffer_maxsize=2_048,
        broker_max_poll_records=500,
        consumer_max_fetch_size=1 << 20,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=60.0,  # longer than the longest checkpoint
        consumer_group_instance_id=quirks_of(settings).group_instance_id(group_name(settings, stage.name)),
    )
    names = [topic_name(settings, topic) for topic in stage.sources]
    channel = app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", partitions=partitions
    )
    return app, channel
