"""Prometheus metrics, declared once; labels come from closed sets, never a device id."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("vitals_records_total", "Source records taken by a stage.", ("stage", "topic"))
EFFECTS = Counter("vitals_effects_total", "Records that a stage has sent and the broker confirmed.", ("stage", "topic"))
GONE = Counter("vitals_gone_records_total", "Records that the log dropped before they were judged.", ("stage", "topic"))
ROWS = Counter(
    "vitals_rows_total",
    "Rows that sense has seen: judged, late, dead, duplicate; unscored (of the judged) came for windows long gone.",
    ("topic", "outcome"),
)
DEAD_LETTERS = Counter("vitals_dead_letters_total", "Rows refused, by reason.", ("reason",))
CHECKPOINTS = Counter("vitals_checkpoints_total", "Checkpoints written.", ("stage",))
CHECKPOINT_SECONDS = Histogram("vitals_checkpoint_seconds", "Time from cut to commit.", ("stage",))
RECOVERY_SECONDS = Gauge("vitals_recovery_seconds", "Time that the last recovery took.", ("stage",))
WATERMARK = Gauge("vitals_watermark_seconds", "Lowest watermark of the partitions held, since 1970.", ("stage",))
REGISTRY_RECORDS = Gauge("vitals_registry_records", "Registry records known.", ("kind",))
STORED_ROWS = Counter("vitals_stored_rows_total", "Rows that the database has confirmed, or their other end.", ("end",))
STORE_WRITES = Counter("vitals_store_writes_total", "Writes to the database, by outcome.", ("outcome",))
STORED_SECONDS = Histogram(
    "vitals_stored_seconds",
    "From the broker's append of a record that the store reads until the database has confirmed it.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0),
)
GATEWAY_ROWS = Counter(
    "vitals_gateway_rows_total",
    "Rows that a gateway has taken and Kafka has confirmed (sent), or that it has not (refused, dropped).",
    ("gateway", "outcome"),
)
WEBHOOK_TRIES = Counter("vitals_webhook_tries_total", "Posts of alerts and orders, by outcome.", ("outcome",))
