"""A real ufw in a network of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import yaml
from support import disposable
from support.machine_cases import PREPARE, inside
from support.module_cases import CASES
from support.module_host import ModuleHost

pytestmark = pytest.mark.root

STEPS = yaml.safe_load((CASES / "ufw/steps.yml").read_text(encoding="utf-8"))
IDLE = (("logging", "again"), ("no logging", "again"), ("policy", "check"))
"""What is said to change something under the dialect's own engine, and changes nothing."""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    reason = disposable.obstacle()
    if reason is None and shutil.which("ufw") is None:
        reason = "there is no ufw"
    if reason:
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path_factory.mktemp("ufw") / "box", PREPARE) as made:
        yield made


@pytest.fixture(scope="module")
def host(box: disposable.Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    with inside(box, tmp_path_factory.mktemp("ufw")) as made:
        yield made


def _twice(host: ModuleHost, **args: object) -> list[str]:
    told = host.run("ufw", args)
    assert told["changed"], told
    again = host.run("ufw", args)
    assert (again["changed"], again["commands"]) == (False, []), again
    return list(told["commands"])


def test_rules(box: disposable.Machine, host: ModuleHost) -> None:
    def rules() -> str:
        return box.sh("grep -h '^### tuple' /etc/ufw/user.rules /etc/ufw/user6.rules || :")

    before = rules()
    port = {"rule": "allow", "port": "22", "proto": "tcp"}
    assert host.run("ufw", port, check=True)["changed"]
    assert rules() == before
    _twice(host, **port)
    _twice(host, **port, comment="logins")
    assert "allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=" in rules()
    _twice(host, rule="deny", src="2001:db8::/32", port="25")
    relative = {"insert": 0, "insert_relative_to": "first-ipv6"}
    [command] = _twice(host, rule="deny", src="2001:db8::5", port="26", **relative)
    assert command.startswith("ufw insert 2 ")
    # One for the same packets is changed where it is.
    _twice(host, rule="limit", port="22", proto="tcp", insert=1)
    assert "### tuple ### limit tcp 22 0.0.0.0/0" in rules()
    sides = {"interface_in": "eth0", "interface_out": "eth1"}
    _twice(host, rule="allow", route=True, to_ip="10.1.0.0/16", **sides)
    _twice(host, rule="reject", direction="out", port="25", log=True, interface="eth0")
    _twice(host, rule="deny", src="2001:db8::/32", port="25", delete=True)
    assert "2001:db8::/32" not in rules()


def test_as_recorded(tmp_path_factory: pytest.TempPathFactory, box: disposable.Machine) -> None:
    """Each step changes what it changed under the dialect's own engine."""
    show = "cd /etc/ufw && grep -H '^### tuple' user.rules user6.rules || :"
    wrong = []
    with (
        disposable.machine(tmp_path_factory.mktemp("steps") / "box", PREPARE) as fresh,
        inside(fresh, tmp_path_factory.mktemp("steps")) as there,
    ):
        for step in STEPS:
            fresh.sh(step.get("before", ":"))
            for name in ("check", "result", "again"):
                told = there.run("ufw", step["args"], check=name == "check")
                got = {each: bool(told.get(each)) for each in ("changed", "failed")}
                if got != step[name] and (step["name"], name) not in IDLE:
                    wrong.append((step["name"], name, told))
            rules = sorted(f"rules /etc/ufw/{line}" for line in fresh.sh(show).splitlines())
            if rules != step["after"]:
                wrong.append((step["name"], rules, step["after"]))
    assert not wrong


def test_on_and_off(box: disposable.Machine, host: ModuleHost) -> None:
    commands = _twice(host, state="enabled", policy="reject")
    assert commands == ["ufw default reject incoming", "ufw --force enable"]
    assert "-P INPUT DROP" in box.sh("iptables -S")
    _twice(host, rule="allow", port="8080:8090", proto="tcp")
    assert "8080:8090" in box.sh("iptables -S")
    _twice(host, logging="high")
    told = host.run("ufw", {"state": "reloaded"})
    assert told["changed"]
    assert "Status: active" in told["msg"]
    _twice(host, state="disabled")
    assert "-P INPUT ACCEPT" in box.sh("iptables -S")


def test_what_cannot_be(host: ModuleHost) -> None:
    for args, words in (
        ({"rule": "allow", "port": "no such"}, "ERROR: "),
        ({"rule": "allow", "port": "22", "comment": "it's"}, "single quotes"),
        ({"rule": "allow", "interface": "eth0"}, "needs direction"),
        ({"default": "deny", "direction": "in"}, "incoming, outgoing or routed"),
    ):
        told = host.run("ufw", args)
        assert told["failed"], args
        assert words in told["msg"]
        assert "Usage" not in told["msg"]
