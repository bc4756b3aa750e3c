#!/usr/bin/env bash
# Publish one reading with mosquitto_pub; `vitals bridge mqtt deploy/examples/mqtt.yaml` takes it into Kafka.
#
# Example: MQTT_HOST=127.0.0.1 MQTT_USER=gw-1 MQTT_PASSWORD=... deploy/examples/mqtt.sh my-sensor-1 temperature 21.5
set -euo pipefail
device=$1 quantity=$2 value=$3

# QoS 1: mosquitto_pub ends well once the MQTT broker has it.
mosquitto_pub -h "$MQTT_HOST" -p "${MQTT_PORT:-1883}" -u "$MQTT_USER" -P "$MQTT_PASSWORD" -q 1 \
    -t "gateways/$MQTT_USER/readings" \
    -m "{\"device_id\": \"$device\", \"quantity\": \"$quantity\", \"value\": $value}"
