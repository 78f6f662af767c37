"""Addresses of loopback that lead nowhere, each in a way of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from opsrun.transports.ssh.racing import AddressInfo


@contextmanager
def swallowing() -> Iterator[AddressInfo]:
    """One that answers no further SYN: its queue is full, and nobody empties it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        place = listener.getsockname()
        with socket.create_connection(place):
            yield int(socket.AF_INET), place


@contextmanager
def refusing() -> Iterator[AddressInfo]:
    """One where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(socket.AF_INET), bound.getsockname()


@contextmanager
def listening() -> Iterator[AddressInfo]:
    """One that answers, and has not a word to say."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
        yield int(socket.AF_INET), listener.getsockname()


def place(address: AddressInfo) -> str:
    """As errors have it."""
    return f"{address[1][0]} port {address[1][1]}"
