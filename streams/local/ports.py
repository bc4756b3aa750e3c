"""Free loopback ports, from a wished one upward."""

from __future__ import annotations

import socket

PORTS_TO_TRY = 200


def free_port_from(first: int) -> int:
    """Return ``first`` or, where it is taken, the next free port of the loopback interface."""
    for port in range(first, first + PORTS_TO_TRY):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {first} to {first + PORTS_TO_TRY - 1}")
