#!/usr/bin/env bash
# Publish one pack straight into Kafka with kcat. The key is the unit; the partitioner must be Kafka's own (murmur2).
#
# Example: KAFKA=127.0.0.1:9092 deploy/examples/kcat.sh hp.bund.g01.my-house my-sensor-1 temperature Cel 21.5
set -euo pipefail
unit_id=$1 device=$2 quantity=$3 unit=$4 value=$5

printf '%s|[{"n": "%s/%s", "u": "%s", "v": %s}]' "$unit_id" "$device" "$quantity" "$unit" "$value" |
    kcat -P -b "$KAFKA" -t vitals.readings -K '|' -X partitioner=murmur2_random -X acks=all \
        -H ce_specversion=1.0 -H "ce_id=$(cat /proc/sys/kernel/random/uuid)" \
        -H ce_source=urn:vitals:gateway:local -H ce_type=city.vitals.readings.v1 \
        -H "ce_time=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
