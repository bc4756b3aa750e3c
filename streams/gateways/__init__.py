"""Ways in for whoever cannot publish packs: MQTT, HTTP, and single readings. They never judge: sense does."""
