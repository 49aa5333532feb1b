"""Free loopback ports, and sockets that are bound before the server that uses them starts."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
FIRST, LAST = 15000, 31999
"""Below the range from which systems take the ports of outgoing connections (32768 on Linux, 49152 on
macOS), so that a stopped part's port is still free when it is started again."""


def free(count: int) -> list[int]:
    """Different ports that nobody listens on now. Another process may take one before it is used."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(FIRST, LAST + 1), k=2000):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on a port."""
    try:
        listening(port).close()
    except OSError:
        return False
    return True


def listening(port: int) -> socket.socket:
    """A listening socket: clients can connect from now on and wait for their answer.

    Raises:
        OSError: the port is taken.
    """
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((LOOPBACK, port))
        server.listen(128)
    except OSError:
        server.close()
        raise
    return server
