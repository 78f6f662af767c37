"""The order in which addresses are dialled, and the words of those that failed."""

from __future__ import annotations

import errno
import socket
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.remote.deadline import Deadline
from opsrun.transports.ssh.racing import AddressInfo, Race, interleaved

FAMILIES = (int(socket.AF_INET), int(socket.AF_INET6))

found = st.lists(st.sampled_from(FAMILIES)).map(
    lambda families: [(family, (f"a{number}", 22)) for number, family in enumerate(families)]
)


@given(found)
def test_families_take_turns(addresses: list[AddressInfo]) -> None:
    order = interleaved(addresses)
    assert sorted(order) == sorted(addresses)
    assert order[:1] == addresses[:1]
    for family in FAMILIES:
        own = [address for address in order if address[0] == family]
        assert own == [address for address in addresses if address[0] == family]
    fewer = min(sum(address[0] == family for address in addresses) for family in FAMILIES)
    turns = order[: 2 * fewer]
    assert all(one[0] != other[0] for one, other in pairwise(turns))


def told(*failures: OSError) -> tuple[str, str]:
    """Words and hint of a race in which each address failed in its own way."""
    addresses = [(FAMILIES[0], (f"192.0.2.{n}", 22)) for n, _ in enumerate(failures)]
    race = Race(addresses, Deadline("tcp", 10.0, lambda: 7.0))
    race._waiting.clear()
    for address, error in zip(addresses, failures, strict=True):
        race._failed(address, error)
    failed = race.failure(failures[-1], "web01")
    return failed.message, failed.hint


def test_each_address_with_its_reason() -> None:
    words, hint = told(
        OSError(errno.EHOSTUNREACH, ""), OSError(errno.ENETUNREACH, ""), OSError(errno.EPERM, "")
    )
    assert words == (
        "none of 3 addresses answered within 0.0 s: 192.0.2.0 port 22: no route to host; "
        "192.0.2.1 port 22: network unreachable; 192.0.2.2 port 22: Operation not permitted"
    )
    assert hint == ""


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_network_hides_no_better_hint(missing: int) -> None:
    """Most machines have no IPv6; what is wrong is told by the address that could be asked."""
    errors = [OSError(errno.ECONNREFUSED, ""), OSError(errno.ECONNREFUSED, "")]
    errors[missing] = OSError(errno.ENETUNREACH, "")
    assert "sshd" in told(*errors)[1]
    assert "route" in told(OSError(errno.ENETUNREACH, ""))[1]


def test_a_silent_address() -> None:
    assert told(TimeoutError()) == (
        "192.0.2.0 port 22: no answer after 0.0 s",
        "is the host up, and the port not filtered?",
    )
