"""One reading at a time from a small board (ESP32 with MicroPython; runs under CPython too): plain HTTP on a socket.

Example: python esp_single.py 127.0.0.1 8081 TOKEN my-sensor-1 temperature 21.5
"""

import json
import socket
import sys


def send(host: str, port: int, token: str, device_id: str, quantity: str, value: float) -> str:
    """Post one reading and return the answer's first line; 202 means that Kafka has it."""
    body = json.dumps({"device_id": device_id, "quantity": quantity, "value": value}).encode()
    head = (
        f"POST /ingest/readings HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.socket()
    try:
        connection.connect(socket.getaddrinfo(host, port)[0][-1])
        connection.send(head.encode() + body)
        return connection.recv(64).decode().split("\r\n")[0]
    finally:
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    answer = send(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5], float(sys.argv[6]))
    sys.stdout.write(answer + "\n")
    sys.exit(0 if " 202 " in answer else 1)
