"""Names, groups and addresses of a lab."""

from __future__ import annotations

import ipaddress
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import LabError, UsageError
from opsrun.lab.layout import (
    MAX_HOSTS,
    checked_names,
    group_of,
    host_names,
    is_free,
    pick_addresses,
    place,
)


def test_names_of_a_small_lab() -> None:
    assert host_names(8) == (
        *("web01", "web02", "web03", "web04"),
        *("db01", "db02", "app01", "app02"),
    )
    assert host_names(1) == ("web01",)
    assert host_names(2) == ("web01", "db01")


def test_numbers_are_as_wide_as_the_largest() -> None:
    names = host_names(400)
    assert (names[0], names[199]) == ("web001", "web200")
    assert "db100" in names


@given(st.integers(1, MAX_HOSTS))
def test_every_count_gives_so_many_names(count: int) -> None:
    names = host_names(count)
    assert len(set(names)) == count
    web = sum(group_of(name) == "web" for name in names)
    assert web == (count + 1) // 2
    assert {group_of(name) for name in names} <= {"web", "db", "app"}


@pytest.mark.parametrize("count", [0, -1, MAX_HOSTS + 1])
def test_counts_that_no_lab_has(count: int) -> None:
    with pytest.raises(UsageError, match=f"not {count}"):
        host_names(count)


def test_names_may_be_given() -> None:
    assert checked_names(["bastion1", "web-eu07"]) == ("bastion1", "web-eu07")
    assert group_of("web-eu07") == "web-eu"


@pytest.mark.parametrize(
    "names", [[], ["web01", "web01"], ["web"], ["01"], ["Web1"], ["web01\n"], ["-o1"], ["a b1"]]
)
def test_names_that_no_lab_takes(names: list[str]) -> None:
    with pytest.raises(UsageError):
        checked_names(names)


@given(st.integers(1, MAX_HOSTS), st.integers())
def test_addresses_are_loopback_and_different(count: int, seed: int) -> None:
    addresses = pick_addresses(count, random.Random(seed))
    assert len(set(addresses)) == count
    low, high = ipaddress.ip_address("127.64.0.1"), ipaddress.ip_address("127.254.255.250")
    assert all(low <= ipaddress.ip_address(address) <= high for address in addresses)


def test_all_hosts_get_addresses_that_are_free() -> None:
    taken: set[tuple[str, int]] = set()

    def free_the_third_time(address: str, port: int) -> bool:
        taken.add((address.rpartition(".")[0], port))
        return len(taken) > 2

    hosts = place(("web01", "db01"), random.Random(7), free_the_third_time)
    assert [host.name for host in hosts] == ["web01", "db01"]
    assert len({host.address for host in hosts}) == 2
    assert len({host.port for host in hosts}) == 1
    assert len(taken) == 3


def test_no_free_address_is_one_error() -> None:
    with pytest.raises(LabError, match=r"127\.0\.0\.0/8"):
        place(("web01",), random.Random(1), lambda address, port: False)


def test_an_address_where_somebody_listens_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
