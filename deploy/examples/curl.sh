#!/usr/bin/env bash
# Publish one reading with nothing but curl, through `vitals bridge http`.
#
# Example: BRIDGE=http://127.0.0.1:8081 TOKEN=... deploy/examples/curl.sh my-sensor-1 temperature Cel 21.5
set -euo pipefail
device=$1 quantity=$2 unit=$3 value=$4

# The same key and body again count once: a script that is not sure whether it has sent this sends it again.
curl --silent --show-error --fail-with-body "$BRIDGE/ingest/readings" \
    -H "Authorization: Bearer $TOKEN" \
    -H "Content-Type: application/senml+json" \
    -H "Idempotency-Key: $device-$(date +%s%N)" \
    -d "[{\"n\": \"$device/$quantity\", \"u\": \"$unit\", \"v\": $value, \"t\": $(date +%s.%6N)}]"
echo
