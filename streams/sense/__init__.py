"""Judge what sensors, counters and cameras say: quality, anomalies, vital signs of each unit."""
