"""Publish one reading with plain aiokafka: `python publish.py HOST:PORT UNIT_ID DEVICE_ID QUANTITY UNIT VALUE`.

Example: python publish.py 127.0.0.1:9092 hp.bund.g01.my-house my-sensor-1 temperature Cel 21.5
"""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer


async def main(bootstrap: str, unit_id: str, device_id: str, quantity: str, unit: str, value: str) -> None:
    """Send one SenML pack and wait until the broker has confirmed it."""
    now = datetime.now(UTC)
    pack = [{"bt": now.timestamp(), "n": f"{device_id}/{quantity}", "u": unit, "v": float(value)}]
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid.uuid4()),
        "ce_source": "urn:vitals:gateway:mine",
        "ce_type": "city.vitals.readings.v1",
        "ce_time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        done = await producer.send_and_wait(
            "vitals.readings",
            json.dumps(pack).encode(),
            key=unit_id.encode(),  # the default partitioner is Kafka's (murmur2)
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
    sys.stdout.write(f"confirmed: partition {done.partition}, offset {done.offset}\n")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
