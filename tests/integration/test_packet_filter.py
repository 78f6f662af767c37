"""Rules in a real packet filter: what no recorded step has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import disposable
from support.machine_cases import PREPARE, inside
from support.module_host import ModuleHost

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[disposable.Machine]:
    reason = disposable.obstacle()
    if reason is None and shutil.which("iptables") is None:
        reason = "there is no iptables"
    if reason:
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path / "box", PREPARE) as made:
        yield made


def _twice(host: ModuleHost, **args: object) -> None:
    told = host.run("iptables", args)
    assert told["changed"], told
    again = host.run("iptables", args)
    assert not again["changed"], again


def test_rules(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        _twice(host, chain="OURS", chain_management=True, source="1.1.1.1", jump="RETURN")
        _twice(host, chain="INPUT", jump="OURS", protocol="tcp", syn="match")
        _twice(host, chain="INPUT", jump="ACCEPT", set_counters="5 6", source="4.4.4.4")
        _twice(host, chain="INPUT", jump="ACCEPT", fragment="", source="5.5.5.5")
        remark = {"match": ["conntrack", "comment"], "comment": 'it\'s "$HOME" `x`'}
        _twice(host, chain="INPUT", jump="ACCEPT", ctstate=["NEW", "ESTABLISHED"], **remark)
        old = {"match": ["state"], "ctstate": ["NEW"], "protocol": "tcp"}
        _twice(host, chain="INPUT", jump="DROP", destination_port=22, **old)
        rules = box.sh("iptables -S").splitlines()
        assert "-A OURS -s 1.1.1.1/32 -j RETURN" in rules
        assert "-A INPUT -s 5.5.5.5/32 -f -j ACCEPT" in rules
        assert any("it" in each and "$HOME" in each and "`x`" in each for each in rules), rules
        used = host.run("iptables", {"chain": "OURS", "chain_management": True, "state": "absent"})
        assert used["failed"]
        assert "OURS" in used["msg"]
        flushed = {"chain": "INPUT", "flush": True}
        assert host.run("iptables", flushed)["changed"]
        assert not host.run("iptables", flushed)["changed"]
        _twice(host, chain="OURS", source="1.1.1.1", jump="RETURN", state="absent")
        _twice(host, chain="OURS", chain_management=True, state="absent")
        for args, words in (
            ({"chain": "NONE", "policy": "DROP"}, "NONE"),
            ({"chain": "INPUT", "jump": "NONE"}, "NONE"),
            ({"chain": "INPUT", "protocol": "nosuch", "jump": "DROP"}, "nosuch"),
            ({"jump": "DROP"}, "chain is needed"),
        ):
            told = host.run("iptables", args)
            assert told["failed"], args
            assert words in told["msg"]
        assert "INPUT" not in box.sh("iptables -S | grep -v ^-P || :")
