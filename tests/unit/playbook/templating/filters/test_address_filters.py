"""Filters and tests of addresses, and json_query, against recordings of what the collections
ansible.utils and community.general gave with ansible-core 2.18; and where we mean to differ."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsrun.errors import TemplateError
from opsrun.playbook.templating.filters.ipaddr import QUERIES, ipaddr, ipwrap
from opsrun.playbook.templating.filters.subnets import ipsubnet, nthhost
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar

RECORDED = json.loads((Path(__file__).parent / "recorded_addresses.json").read_text())
WORKING = [(row[0], row[2]) for row in RECORDED["rows"] if row[1]]
FAILING = [row[0] for row in RECORDED["rows"] if not row[1]]
CHUNK = 250


def evaluate(expression: str) -> Any:
    source = "{{ (" + expression + ") | to_json }}"
    run = LookupContext(read=lambda path: source.encode())
    templar = Templar({}, Library.standard(), run)
    return json.loads(templar.file("recorded.j2", {}))


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax:PendingDeprecationWarning")
@pytest.mark.parametrize("start", range(0, len(WORKING), CHUNK))
def test_gives_what_was_recorded(start: int) -> None:
    rows = WORKING[start : start + CHUNK]
    found = evaluate("[" + ", ".join(f"({expression})" for expression, _ in rows) + "]")
    # By repr: 1, 1.0 and True are equal.
    pairs = zip(rows, found, strict=True)
    assert [(row, got) for row, got in pairs if repr(row[1]) != repr(got)] == []


@pytest.mark.parametrize("expression", FAILING)
def test_refuses_what_was_refused(expression: str) -> None:
    with pytest.raises(TemplateError):
        evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'192.168.1.5/24' | ipaddr('ip_wildcard')", "192.168.1.5 0.0.0.255"),
        ("'192.168.1.5/24' | ipaddr('v4')", "192.168.1.5/24"),
        ("'192.168.1.5/24' | ipaddr('v6')", "::ffff:192.168.1.5/120"),
        ("45443646733 | ipwrap", "[::a:94a7:50d]"),
        ("'192.168.144.5' | ipsubnet(32)", "192.168.144.5/32"),
        ("'192.168.144.5' | ipsubnet(20, 12)", False),
        ("'10.0.0.0/30' | nthhost(-5)", False),
        ("none is ansible.utils.ipv4", False),
        ("5 is ansible.utils.mac", False),
        ("('10.0.0.1', 'x') | ipaddr", ["10.0.0.1"]),
    ],
)
def test_differs_on_purpose(expression: str, expected: Any) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'10.0.0.1' | ipaddr('netmsk')", "'netmask'"),
        ("'x' | ipaddr('nosuch')", "no query 'nosuch'"),
        ("'10.0.0.0/8' | ipaddr(none)", "no query 'None'"),
        ("'10.0.0.1' | ipaddr('first_usable')", "no prefix"),
        ("'10.0.0.0/30' | ipaddr('peer')", "no peer"),
        ("'10.0.0.0/24' | ipaddr('peer')", "two hosts"),
        ("{} | ipv4", "ipv4 expects an address"),
        ("'192.168.0.0/16' | ipsubnet(8, 0)", "no part as large as /8"),
        ("'10.0.0.0/8' | ipsubnet('192.168.0.0/16')", "not in the network"),
        ("'255.255.255.255' | ipmath(1)", "no address 1 from"),
        ("['10.0.0.1'] | cidr_merge('spam')", "merge or span"),
        ("'2001:db8::/64' | usable_range", "more than"),
        ("'1a:2b:3c:4d:5e:6f' | hwaddr('ciso')", "cisco"),
        ("'1a:2b:3c:4d:5e:6f:70:81' | hwaddr('linux')", "64 bits"),
        ("'10.1.1.1' is ansible.utils.in_any_network('10.0.0.0/8')", "a list, not text"),
        ("{'a': 1} | json_query('a[')", "json_query: 'a\\['"),
        ("{'a': 1} | json_query('nosuch(a)')", "nosuch"),
    ],
)
def test_says_what_was_expected(expression: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        evaluate(expression)


def test_what_queries_and_filters_give_is_never_a_template() -> None:
    assert evaluate("'{{ 6 * 7 }}' | ipwrap") == "{{ 6 * 7 }}"
    assert evaluate("{'a': '{{ 6 * 7 }}'} | json_query('a')") == "{{ 6 * 7 }}"


def test_netaddr_costs_nothing_until_it_is_asked() -> None:
    code = (
        "import sys; from opsrun.playbook.templating.library import Library\n"
        "Library.standard().filters.get('ipaddr')\n"
        "assert not {'netaddr', 'jmespath', 'dns'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda pair: ipaddress.ip_interface(f"{pair[0]}/{pair[1]}"))


@given(NETWORKS)
@example(ipaddress.ip_interface("::/80"))
@example(ipaddress.ip_interface("::ffff:1.2.3.4/96"))
def test_agrees_with_the_standard_library(given_: Any) -> None:
    text, net = str(given_), given_.network
    # Read again: how the last four bytes of an IPv6 address are written is a matter of taste.
    assert ipaddress.ip_network(ipaddr(text, "network/prefix")) == net
    assert ipaddress.ip_address(ipaddr(text, "netmask")) == net.netmask
    assert ipaddress.ip_address(ipaddr(text, "hostmask")) == net.hostmask
    assert ipaddr(text, "size") == net.num_addresses
    assert ipaddr(text, "version") == net.version
    assert ipaddress.ip_address(nthhost(text, -1)) == net.broadcast_address
    assert ipaddress.ip_interface(ipaddr(text, "")) == given_
    if net.version == 6:
        address, _, prefix = ipwrap(text).partition("/")
        assert (address[0], address[-1], int(prefix)) == ("[", "]", net.prefixlen)
        assert ipaddress.ip_address(address[1:-1]) == given_.ip


@given(NETWORKS, st.integers(1, 8), st.integers(0, 255))
def test_parts_of_networks_are_where_they_are_said_to_be(
    given_: Any, more: int, index: int
) -> None:
    net = given_.network
    size = net.prefixlen + more
    if size > net.max_prefixlen or net.num_addresses == 1:
        return
    part = ipsubnet(str(net), size, index)
    if index >= 2**more:
        assert part is False
    else:
        assert ipaddress.ip_network(str(part)).subnet_of(net)
        assert ipsubnet(part, str(net)) == str(index + 1)


@given(st.text(), st.sampled_from(sorted(QUERIES)))
def test_no_text_breaks_a_query(text: str, query: str) -> None:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        if not text.partition("/")[0].isdigit():
            assert ipaddr(text, query) is False
