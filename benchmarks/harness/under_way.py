"""What a sender's end of a TCP connection still waits to see acknowledged (proc_net_tcp)."""

from __future__ import annotations

Ports = tuple[int, int]
"""Of the sender and of the receiver."""


def unacknowledged() -> set[Ports]:
    """The IPv4 connections of this network namespace with data sent that hasn't arrived.

    Source: the kernel's Documentation/networking/proc_net_tcp.rst. ``tx_queue`` counts what was
    written and not acknowledged.
    """
    found: set[Ports] = set()
    with open("/proc/net/tcp") as file:
        next(file)
        for line in file:
            _, local, remote, state, queues, *_ = line.split()
            # Of a listener it is the length of its backlog.
            if state != "0A" and not queues.startswith("00000000:"):
                found.add((_port(local), _port(remote)))
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
