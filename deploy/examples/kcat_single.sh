#!/usr/bin/env bash
# Publish single readings, one a line, with no key and no envelope; `vitals collect` makes packs by unit of them.
#
# Example: KAFKA=127.0.0.1:9092 deploy/examples/kcat_single.sh my-sensor-1 temperature 21.5
set -euo pipefail
device=$1 quantity=$2 value=$3

echo "{\"device_id\": \"$device\", \"quantity\": \"$quantity\", \"value\": $value}" |
    kcat -P -b "$KAFKA" -t vitals.readings.single -X acks=all
