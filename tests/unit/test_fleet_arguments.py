"""Mistakes in a script's arguments are raised where they are made, before any host is reached."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun import Fleet, UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"max_fial": 1},
        {"timeout": -1},
        {"stdin": "text"},
        {"serial": ""},
        {"serial": 0},
        {"max_fail": "101%"},
        {"env": {"A B": "x"}},
    ],
)
@pytest.mark.parametrize("method", ["exec", "stream"])
def test_an_option_that_makes_no_sense_is_refused(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        getattr(Fleet("web1,web2,"), method)("true", "all", **options)


def test_a_misspelt_option_is_answered_with_the_right_one() -> None:
    misspelt: dict[str, Any] = {"max_fial": 1}
    with pytest.raises(UsageError, match="did you mean 'max_fail'"):
        Fleet("web1,").exec("true", "all", **misspelt)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"port": 99999}, "port: expected a whole number from 1 to 65535, found 99999 (int)"),
        ({"port": "22"}, "port: expected a whole number from 1 to 65535, found '22' (str)"),
        ({"forks": "x"}, "forks: expected a whole number from 1 on, found 'x' (str)"),
        ({"forks": 0}, "forks: expected a whole number from 1 on, found 0 (int)"),
        ({"forks": True}, "found True (bool)"),
        ({"connect_timeout": -1}, "connect_timeout: expected seconds above 0, found -1 (int)"),
        ({"connect_timeout": float("nan")}, "connect_timeout: expected seconds above 0"),
        ({"password": 3}, "password: expected text or a Secret, found int"),
        ({"password": b"hunter2"}, "password: expected text or a Secret, found bytes"),
        ({"user": ""}, "user: expected text that is not empty, found '' (str)"),
        ({"user": b"me"}, "user: expected text that is not empty, found b'me' (bytes)"),
        ({"private_key": ""}, "private_key: expected a path that is not empty"),
        ({"private_key": [b"k"]}, "private_key: expected a path, found b'k' (bytes)"),
        ({"private_key": 7}, "private_key: expected a path, or several, found 7 (int)"),
        ({"ssh_config": ""}, "ssh_config: expected a path that is not empty"),
        ({"ssh_options": "A=1"}, "ssh_options: expected a list of texts, found 'A=1' (str)"),
        ({"jump": ["a"]}, "jump: expected text that is not empty"),
        ({"become": 1}, "become: expected True, False, a user's name or a Become, found 1 (int)"),
        ({"engine": "gevnet"}, "expected auto, gevent, threads; found 'gevnet'; did you mean"),
        ({"engine": None}, "expected auto, gevent, threads; found 'None'"),
        ({"connect_timeout": 10**400}, "connect_timeout: expected seconds above 0"),
        ({"host_key_checking": "yes"}, "host_key_checking: expected strict, accept-new, off"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Fleet("web1,", **arguments)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("inventory", [3, b"web1,", "", ["web1,", ""]])
def test_an_inventory_that_is_none_is_refused(inventory: Any) -> None:
    with pytest.raises(UsageError, match="inventory: expected a path"):
        Fleet(inventory)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retries": -1}, "retries: expected a whole number from 0 on, found -1 (int)"),
        ({"timeout": "5"}, "timeout: expected seconds above 0, found '5' (str)"),
        ({"env": ["A=1"]}, "env: expected names and values"),
        ({"env": {"A": 1}}, "env: expected texts, found str: int"),
        ({"pty": "yes"}, "pty: expected True or False, found 'yes' (str)"),
        ({"wait": 5}, "wait: expected True or False, found 5 (int)"),
        ({"on_result": "tell"}, "on_result: expected something to call, found 'tell' (str)"),
        ({"sinks": None}, "sinks: expected a list of sinks, found None (NoneType)"),
        ({"sinks": ["x"]}, "sinks: expected objects with the methods of a Sink, found 'x' (str)"),
        ({"canary": ()}, "canary: expected at least one number or percentage, found () (tuple)"),
        ({"canary": b"1"}, "canary takes a number or a percentage, not \"b'1'\""),
        ({"canary": (1, None)}, "canary takes a number or a percentage, not 'None'"),
    ],
)
def test_an_option_of_the_wrong_kind_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Fleet("web1,").exec("true", "all", **options)
    assert words in str(caught.value)


def test_a_command_is_text() -> None:
    wrong: Any = b"true"
    with pytest.raises(UsageError, match=r"command: expected text, found b'true' \(bytes\)"):
        Fleet("web1,").exec(wrong, "all")


@pytest.mark.parametrize("hosts", [3, None, b"all", {"web1": 1}, [], ["web1", 2], ["web1", ""]])
@pytest.mark.parametrize("method", ["hosts", "ping"])
def test_hosts_are_patterns(hosts: Any, method: str) -> None:
    with pytest.raises(UsageError, match="hosts: expected"):
        getattr(Fleet("web1,"), method)(hosts)


def test_several_patterns_are_united() -> None:
    fleet = Fleet("web1,web2,web3,::1,")
    assert fleet.hosts(["web1", "web3", "::1"]) == ("web1", "web3", "::1")
    assert fleet.hosts(("web*", "!web2")) == ("web1", "web3")
