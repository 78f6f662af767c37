"""sysctl: a parameter's line in a file, and everybody else's left as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.module_host import module_host

from opsrun.modules.options import OptionError, resolve
from opsrun.modules.registry import find
from opsrun.modules.system.sysctl import Sysctl

OLD = "# c\nkernel.panic=1\n  vm.x = 3 \n; y\nkernel.panic = 2\nnet/ipv4/conf/a.b/x=1"


def _edited(content: str, **args: Any) -> str:
    found = resolve(Sysctl, args)
    assert isinstance(found, Sysctl)
    return b"".join(found._edited(content.encode())).decode()


def test_a_parameter_stands_once() -> None:
    got = _edited(OLD, name="kernel.panic", value=" 7 ")
    assert got == "# c\nkernel.panic=7\n  vm.x = 3 \n; y\nnet/ipv4/conf/a.b/x=1"
    assert _edited(OLD, name="kernel.panic", state="absent").count("panic") == 0


def test_both_ways_to_write_a_name() -> None:
    got = _edited(OLD, name="net.ipv4.conf.a/b.x", value="2")
    assert got.endswith("net.ipv4.conf.a/b.x=2\n")
    assert "a.b" not in got


def test_a_dash_says_that_it_may_fail() -> None:
    got = _edited("net.x=1\n", name="-net.x", value="1")
    assert got == _edited(got, name="-net.x", value="1") == "-net.x=1\n"
    assert _edited("", name="- net.x", value="1") == "-net.x=1\n"
    assert _edited("- net.x = 1\n", name="net.x", value="1") == "- net.x = 1\n"
    assert _edited("-net.x=1\n", name="-net/x", state="absent") == ""


def test_what_may_fail_is_written(tmp_path: Path) -> None:
    path = tmp_path / "none" / "s.conf"
    args = {"name": "-no.such", "value": "1", "sysctl_file": str(path), "sysctl_set": True}
    with module_host(tmp_path) as host:
        assert host.run("sysctl", args, check=True)["changed"]
        assert not path.parent.exists()
        assert host.run("sysctl", {**args, "reload": False})["changed"]
        assert path.read_text() == "-no.such=1\n"


def test_truth_is_a_number() -> None:
    assert _edited("", name="a.b", value=True) == "a.b=1\n"
    assert _edited("", name="a.b", value="no") == "a.b=0\n"


def test_comments_are_none_of_it() -> None:
    text = "#kernel.panic=1\n;kernel.panic=1\n"
    assert _edited(text, name="kernel.panic", value="1") == f"{text}kernel.panic=1\n"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80))
def test_twice_is_once(text: str) -> None:
    once = _edited(text, name="a.b", value="1")
    assert _edited(once, name="a.b", value="1") == once
    gone = _edited(once, name="a.b", state="absent")
    assert _edited(gone, name="a.b", state="absent") == gone


def test_what_the_kernel_refuses_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "s.conf"
    args = {"name": "no.such", "value": "1", "sysctl_file": str(path), "sysctl_set": True}
    with module_host(tmp_path) as host:
        assert host.run("sysctl", args, check=True)["changed"]
        told = host.run("sysctl", args)
        assert told["failed"]
        assert "setting no.such failed" in told["msg"]
        assert not path.exists()
        ignored = {**args, "ignoreerrors": True, "reload": False}
        assert host.run("sysctl", ignored)["changed"]
        assert path.read_text() == "no.such=1\n"


def test_what_the_kernel_has_already(tmp_path: Path) -> None:
    here = Path("/proc/sys/kernel/ostype").read_text().strip()
    args = {"name": "kernel.ostype", "value": here, "sysctl_file": str(tmp_path / "s.conf")}
    with module_host(tmp_path) as host:
        told = host.settled("sysctl", {**args, "sysctl_set": True, "reload": False})
    assert told["changed"]


@pytest.mark.parametrize(
    "args",
    [
        {"name": "a.b"},
        {"name": " ", "value": "1"},
        {"name": "-", "value": "1"},
        {"name": "a.b", "value": " "},
    ],
)
def test_what_can_not_be_had(args: dict[str, Any]) -> None:
    found = find("ansible.posix.sysctl")
    assert found is not None
    with pytest.raises(OptionError):
        resolve(found, args)
