"""A plain Faust agent that decodes single readings one by one, and tells how many a second: what ``collect`` spares.

``python -m tests.benchmarks.plain_faust KAFKA TOPIC COUNT`` prints the rate over all but the first thousand.
"""

import os
import sys
import time
from typing import Any

import faust
import msgspec

kafka, topic_name, total = sys.argv[1], sys.argv[2], int(sys.argv[3])
WARM = 1_000
app = faust.App(
    f"plain-{topic_name}", broker=f"kafka://{kafka}", web_enabled=False, topic_allow_declare=False,
    topic_disable_leader=True, consumer_auto_offset_reset="earliest", store="memory://",
)  # fmt: skip
singles = app.topic(topic_name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
decoder = msgspec.json.Decoder(dict[str, Any])


@app.agent(singles)
async def read(stream: Any) -> None:
    """Decode each reading, and do nothing with it."""
    count, began = 0, 0.0
    async for raw in stream:
        decoder.decode(raw)
        count += 1
        if count == WARM:
            began = time.perf_counter()
        if count == total:
            rate = (total - WARM) / (time.perf_counter() - began)
            os.write(1, f"\n{rate:.0f}\n".encode())  # Faust takes sys.stdout for its log
            os._exit(0)  # what Faust still has to commit does not matter here


if __name__ == "__main__":
    faust.Worker(app, loglevel="error").execute_from_commandline()
