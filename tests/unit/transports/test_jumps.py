"""Jump hosts and proxy commands, from wherever they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import NotBuiltError, OpsrunError, UsageError
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.jumps import Hop, expanded, parse_hops
from opsrun.transports.targets.target import SSHTarget


@pytest.fixture
def target(tmp_path: Path) -> Any:
    """Builds the target of one host: ``target("Host b\\n Port 3\\n", {...}, jump="b")``."""

    def build(
        config: str = "",
        variables: dict[str, Any] | None = None,
        name: str = "web",
        **defaults: Any,
    ) -> SSHTarget:
        file = tmp_path / "config"
        file.write_text(config)
        given = {"ansible_user": "me"} | (variables or {})
        made = build_target(name, given, ConnectionDefaults(**defaults), SSHConfig.load(str(file)))
        assert isinstance(made, SSHTarget)
        return made

    return build


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("b", [Hop("b")]),
        ("me@b:22, c", [Hop("b", "me", 22), Hop("c")]),
        ("ssh://me@b:22/", [Hop("b", "me", 22)]),
        ("ssh://b", [Hop("b")]),
        ("[::1]:22", [Hop("::1", None, 22)]),
        ("[::1]", [Hop("::1")]),
        ("::1", [Hop("::1")]),
        ("me@x@b", [Hop("b", "me@x")]),
    ],
)
def test_hops_as_they_are_written(text: str, hops: list[Hop]) -> None:
    assert list(parse_hops(text, "-J")) == hops


@pytest.mark.parametrize(
    "text", ["", "a,", "@a", "me@", "a:0", "a:65536", "a b", "-oX=y", "a;b", "$(a)", "me;x@a", "a:"]
)
def test_hops_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="-J: "):
        parse_hops(text, "-J")


@given(
    user=st.none() | st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    host=st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True) | st.just("fe80::1"),
    port=st.none() | st.integers(1, 65535),
)
def test_a_hop_reads_back_as_itself(user: str | None, host: str, port: int | None) -> None:
    hop = Hop(host, user, port)
    assert parse_hops(str(hop), "here") == (hop,)


@pytest.mark.parametrize(
    "ask",
    [
        {"jump": "b"},
        {"ssh_options": ("ProxyJump=b",)},
        {"variables": {"ansible_ssh_common_args": "-J b"}},
        {"variables": {"ansible_ssh_args": "-o ProxyJump=b"}},
        {"config": "Host web\n ProxyJump b\n"},
    ],
)
def test_asked_for_anywhere_a_hop_has_its_own_settings(target: Any, ask: dict[str, Any]) -> None:
    block = "\nHost b\n HostName 10.0.0.1\n Port 2222\n User ops\n ConnectTimeout 3\n"
    web = target(
        ask.pop("config", "") + block,
        ask.pop("variables", {}) | {"ansible_port": 7, "ansible_password": "hidden"},
        **ask,
    )
    assert (web.user, web.port, web.password.reveal()) == ("me", 7, "hidden")
    hop = web.jump
    assert (hop.host, hop.address, hop.port, hop.user) == ("b", "10.0.0.1", 2222, "ops")
    assert hop.password is None
    assert (hop.jump, hop.timeouts.tcp) == (None, 3.0)
    assert web.place == "web port 7 through jump host b"


def test_a_chain_is_dialled_in_the_order_in_which_it_is_written(target: Any) -> None:
    web = target("Host a\n ProxyJump first\nHost b\n ProxyJump ignored\n", jump="a,ops@b:3")
    assert [hop.host for hop in web.hops] == ["first", "a", "ops@b:3"]
    assert (web.jump.user, web.jump.port) == ("ops", 3)
    assert web.via == " through jump hosts first, a, ops@b:3"


def test_a_hop_can_have_a_proxy_command_of_its_own(target: Any) -> None:
    web = target("Host b\n ProxyCommand nc %h %p\n Port 5\n", jump="b")
    assert web.jump.proxy_command == "nc b 5"
    assert web.proxy_command is None


def test_what_the_command_line_says_of_all_hosts_holds_for_hops(target: Any) -> None:
    web = target(
        jump="b",
        user="x",
        port=9,
        private_keys=("/k",),
        host_key_checking="accept-new",
        connect_timeout=2.0,
    )
    assert web.jump.identity_files == ("/k",)
    assert web.jump.host_key_checking == "accept-new"
    assert web.jump.timeouts.tcp == 2.0
    assert (web.jump.port, web.jump.user == "x") == (22, False)


def test_a_bastion_is_not_in_front_of_itself(target: Any) -> None:
    everywhere = "Host b\n HostName 10.0.0.1\n User me\nHost *\n ProxyJump b\n"
    assert target(everywhere, name="web").hops[0].address == "10.0.0.1"
    assert target(everywhere, name="b").hops == ()
    chain = {"jump": "me@a,me@b,me@c"}
    assert [hop.host for hop in target(name="b", **chain).hops] == ["me@a"]
    assert target(name="a", **chain).hops == ()


def test_hosts_that_share_a_hop_share_its_target(target: Any) -> None:
    first, second = target(jump="b,c"), target(name="db", jump="b,c")
    assert first.jump == second.jump
    assert hash(first.jump) == hash(second.jump)


def test_jump_hosts_in_a_circle(target: Any) -> None:
    with pytest.raises(UsageError, match=r"config:2: ProxyJump: .* circle at a"):
        target("Host b\n ProxyJump a\nHost a\n ProxyJump b\n", name="web", jump="a")


def test_switched_off(target: Any) -> None:
    assert target("ProxyJump b\n", jump="none").jump is None
    off = {"ansible_ssh_common_args": "-o ProxyCommand=none"}
    assert target("ProxyCommand b\n", off).proxy_command is None


@pytest.mark.parametrize(
    "ask",
    [
        {"ssh_options": ("ProxyCommand=relay -x %h:%p %r %n %%",)},
        {"variables": {"ansible_ssh_common_args": "-o ProxyCommand='relay -x %h:%p %r %n %%'"}},
        {"variables": {"ansible_paramiko_proxy_command": "relay -x %h:%p %r %n %%"}},
        {"config": "ProxyCommand relay -x %h:%p %r %n %%\n"},
    ],
)
def test_the_tokens_of_a_proxy_command(target: Any, ask: dict[str, Any]) -> None:
    web = target("Host web\n HostName 10.0.0.9\n" + ask.pop("config", ""), **ask)
    assert web.proxy_command == "relay -x 10.0.0.9:22 me web %"
    assert web.place == "10.0.0.9 port 22 through ProxyCommand"


@pytest.mark.parametrize("user", ["a$b", "a\\b", "~a", "a*", "a!", "a#b", "a=b?", "äh"])
def test_what_a_shell_reads_as_more_than_a_word_is_put_into_no_command(
    target: Any, user: str
) -> None:
    with pytest.raises(UsageError, match="a shell could read"):
        target("ProxyCommand relay %r@%h\n", {"ansible_user": user})
    assert target("ProxyCommand relay %h\n", {"ansible_user": user}).user == user


@given(st.text(min_size=1))
def test_no_value_brings_in_anything_but_a_word(value: str) -> None:
    try:
        line = expanded("x %h y", {"h": value}, "here")
    except UsageError:
        return
    assert line == f"x {value} y"
    assert not set(value) & set(" \t\n'\"`$\\;&|<>(){}[]*?~!#")
    assert not value.startswith("-")


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ("ProxyCommand relay %q\n", UsageError, r"config:1: ProxyCommand: there is no token '%q'"),
        ("ProxyCommand relay\nProxyUseFdpass yes\n", NotBuiltError, "config:2: ProxyUseFdpass yes"),
        ("ProxyJump -x\n", UsageError, "config:1: ProxyJump: '-x' is no host name"),
    ],
)
def test_mistakes_name_file_and_line(
    target: Any, config: str, kind: type[OpsrunError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        target(config)
