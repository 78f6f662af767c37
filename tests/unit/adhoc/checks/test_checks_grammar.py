"""How checks are written: each kind, and one clear error for what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.adhoc.checks import KINDS, parse, parse_all
from opsrun.adhoc.checks.base import Check
from opsrun.adhoc.checks.group import GroupCheck
from opsrun.adhoc.checks.http import PageCheck
from opsrun.adhoc.checks.http_answer import Statuses
from opsrun.adhoc.checks.log import LogCheck
from opsrun.adhoc.checks.login import LoginCheck
from opsrun.adhoc.checks.ports import AddressCheck, PortCheck, PortFreeCheck
from opsrun.adhoc.checks.shell import CommandCheck, FileCheck, UnitCheck
from opsrun.adhoc.lookout import Wanted
from opsrun.errors import OpsrunError, UsageError

GOOD = [
    ("ssh", LoginCheck()),
    ("tcp:1", PortCheck(1)),
    ("tcp:65535", PortCheck(65535)),
    ("tcp:db.example.org:5432", AddressCheck("db.example.org", 5432)),
    ("tcp:10.0.0.1:5432", AddressCheck("10.0.0.1", 5432)),
    ("tcp:[::1]:443", AddressCheck("::1", 443)),
    ("tcp:[fe80::1%eth0]:443", AddressCheck("fe80::1%eth0", 443)),
    ("port-free:8080", PortFreeCheck(8080)),
    ("cmd:test -e /x && echo a:b", CommandCheck("test -e /x && echo a:b")),
    ("file:/var/run/app pid", FileCheck("/var/run/app pid")),
    ("systemd:nginx", UnitCheck("nginx")),
    ("systemd:getty@tty1.service", UnitCheck("getty@tty1.service")),
    ("log:/var/log/app.log:ready: [0-9]+$", LogCheck("/var/log/app.log", "ready: [0-9]+$")),
    ("all(db) ssh", GroupCheck("db", LoginCheck())),
    ("any 2 of(web:&prod) tcp:80", GroupCheck("web:&prod", PortCheck(80), 2)),
    ("all(~web(a|b)) cmd:(true)", GroupCheck("~web(a|b)", CommandCheck("(true)"))),
]


@pytest.mark.parametrize(("text", "expected"), GOOD, ids=[text for text, _ in GOOD])
def test_every_kind(text: str, expected: Check) -> None:
    assert parse(text) == expected
    assert str(expected) == text


def test_spaces_around_and_within_a_group() -> None:
    assert parse("  any  2  of ( web )  ssh ") == GroupCheck("web", LoginCheck(), 2)
    assert parse("all (web) ssh") == GroupCheck("web", LoginCheck())


def test_pages() -> None:
    text = r"https://{host}:8443/health?x=1 status=200,5xx body=^ok\s insecure from=host"
    check = parse(text)
    assert isinstance(check, PageCheck)
    assert check.url == "https://{host}:8443/health?x=1"
    assert (check.statuses, check.body) == (Statuses(("200", "5xx")), r"^ok\s")
    assert (check.insecure, check.from_host, str(check)) == (True, True, text)
    assert [status for status in (199, 200, 201, 404, 503) if check.statuses.take(status)] == [
        200, 503,
    ]  # fmt: skip
    usual = parse("http://web")
    assert isinstance(usual, PageCheck)
    assert [status for status in (200, 204, 301, 404, 500) if usual.statuses.take(status)] == [
        200, 204, 301,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shared", "shell"),
    [
        ("ssh", False, False),
        ("tcp:1", False, False),
        ("tcp:lb:1", True, False),
        ("port-free:1", False, False),
        ("http://lb/", True, False),
        ("http://{host}/", False, False),
        ("http://localhost/ from=host", False, True),
        ("cmd:true", False, True),
        ("file:/x", False, True),
        ("systemd:x", False, True),
        ("log:/x:y", False, True),
        ("all(web) cmd:true", True, True),
        ("all(web) ssh", True, False),
    ],
)
def test_whose_question_it_is_and_whose_shell_answers(text: str, shared: bool, shell: bool) -> None:
    check = parse(text)
    assert check.is_shared is shared
    assert Wanted((check,)).needs_shell is shell


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected ssh, tcp:PORT"),
        ("sssh", "did you mean 'ssh'?"),
        ("ssh:22", "expected ssh alone; a port is waited for with tcp:PORT"),
        ("ssh:", "expected ssh alone"),
        ("tpc:22", "did you mean 'tcp'?"),
        ("TCP:22", "did you mean 'tcp'?"),
        ("tcp", "a port is a number from 1 to 65535"),
        ("tcp:", "a port is a number"),
        ("tcp:0", "a port is a number"),
        ("tcp:65536", "a port is a number"),
        ("tcp:²", "a port is a number"),
        ("tcp:99999999999999999999999", "a port is a number"),
        ("tcp:db:", "a port is a number"),
        ("tcp::22", "expected tcp:PORT or tcp:HOST:PORT"),
        ("tcp:::1:443", "an IPv6 address stands in brackets, as in tcp:[::1]:443"),
        ("tcp:[x]:443", "expected tcp:PORT or tcp:HOST:PORT"),
        ("tcp:a b:443", "expected tcp:PORT or tcp:HOST:PORT"),
        ("tcp:-x:443", "expected tcp:PORT or tcp:HOST:PORT"),
        ("port_free:80", "did you mean 'port-free'?"),
        ("port-free:x", "a port is a number"),
        ("cmd:", "expected a command behind cmd:"),
        ("cmd: ", "expected a command behind cmd:"),
        ("comand:true", "did you mean 'cmd'?"),
        ("file:", "expected a path behind file:"),
        ("file:~/app/ready", "~ is not expanded, but app/ready begins in the login directory"),
        ("log:~/app.log:x", "~ is not expanded, but app.log begins in the login directory"),
        ("systemd:", "expected the name of a unit"),
        ("systemd:a b", "expected the name of a unit"),
        ("sytemd:nginx", "did you mean 'systemd'?"),
        ("log:/var/log/x", "expected log:PATH:REGEX"),
        ("log::x", "expected log:PATH:REGEX"),
        ("log:/x:", "expected log:PATH:REGEX"),
        ("http:web", "expected http://HOST"),
        ("http://", "expected a host"),
        ("http:///path", "expected a host"),
        ("http://web:x/", "can't wait for 'http://web:x/'"),
        ("http://web:0/", "expected a host"),
        ("htp://web", "did you mean 'http'?"),
        ("http://web/ü", "write other than ASCII characters as %XX"),
        ("http://web status=20", "expected status=200"),
        ("http://web status=", "expected status=200"),
        ("http://web status=2xx,", "expected status=200"),
        ("http://web stauts=200", "did you mean 'status'?"),
        ("http://web body=(", "body=("),
        ("http://web body=", "expected a regular expression behind body="),
        ("http://{hots}:80/", "in the name of its host only {host} is filled in"),
        ("http://web insecure", "only https has a certificate"),
        ("https://web insecure=yes", "expected insecure without a value"),
        ("http://web from=here", "expected from=host"),
        ("http://web from", "expected from=host"),
        ("http://web body=a b", "no option 'b'"),
        ("http://web status=200 status=204", "status is given twice"),
        ("all", "expected all(PATTERN) CHECK"),
        ("all ssh", "expected all(PATTERN) CHECK"),
        ("all() ssh", "expected all(PATTERN) CHECK"),
        ("all(web)", "expected all(PATTERN) CHECK"),
        ("all(web ssh", "expected all(PATTERN) CHECK"),
        ("any of(web) ssh", "expected all(PATTERN) CHECK or any N of(PATTERN) CHECK"),
        ("any 0 of(web) ssh", "a number of hosts from 1 on"),
        ("any two of(web) ssh", "a number of hosts from 1 on"),
        (f"any {'9' * 5000} of(web) ssh", "a number of hosts from 1 on"),
        ("all(web) shs", "did you mean 'ssh'?"),
        ("all(web) all(db) ssh", "a group's check is about one host each"),
        ("al(web) ssh", "did you mean 'all'?"),
    ],
)
def test_what_is_none_is_one_clear_error(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("can't wait for ")
    assert "\n" not in str(caught.value)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="a URL here takes no password") as caught:
        parse("https://me:s3cret@web/")
    assert "s3cret" not in str(caught.value)


@given(st.text())
def test_no_text_is_more_than_a_check_or_an_error(text: str) -> None:
    for kind in ("", *(f"{kind}:" for kind in KINDS), "http://", "all(", "any 1 of(x) "):
        try:
            check = parse(kind + text)
        except OpsrunError:
            continue
        assert parse(str(check)) == check


def test_what_is_waited_for_twice() -> None:
    with pytest.raises(UsageError, match="'tcp:1' is to be waited for twice"):
        parse_all(["tcp:1", "ssh", " tcp:1"])


def test_how_many_are_enough() -> None:
    checks = parse_all(["ssh", "tcp:1"])
    assert str(Wanted(checks)) == "ssh, tcp:1"
    assert str(Wanted(checks, any_of=1)) == "any 1 of: ssh, tcp:1"
    for any_of in (0, 3):
        with pytest.raises(UsageError, match=f"any {any_of} of 2 checks can't be waited for"):
            Wanted(checks, any_of=any_of)
    with pytest.raises(UsageError, match="nothing to wait for"):
        Wanted(())
