"""filetree, dig and config. What dig gives is what community.general gave of the same server with
ansible-core 2.18, in order."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from opsrun.dialect.origin import NOWHERE
from opsrun.dialect.tags import Template, trusted
from opsrun.errors import TemplateError
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar

ZONE = {
    ("web.test.", "A"): ["192.0.2.2", "192.0.2.1"],
    ("web.test.", "AAAA"): ["2001:db8::1"],
    ("web.test.", "MX"): ["10 mail.test.", "20 b.test."],
    ("web.test.", "TXT"): ['"v=spf1 {{ x }}"', '"two" "parts"'],
    ("www.test.", "CNAME"): ["web.test."],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["web.test."],
    ("_x._tcp.web.test.", "SRV"): ["1 2 80 web.test."],
    ("web.test.", "SOA"): ["ns.test. root.test. 1 2 3 4 5"],
    ("web.test.", "CAA"): ['0 issue "ca.test"'],
}


def _reply(wire: bytes) -> bytes:
    question = dns.message.from_wire(wire)
    answer = dns.message.make_response(question)
    name = question.question[0].name.to_text()
    kind = dns.rdatatype.to_text(question.question[0].rdtype)
    if name == "fail.test.":
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif (name, kind) in ZONE:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
    elif name not in {known for known, _ in ZONE}:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return bytes(answer.to_wire())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a name server; an empty datagram ends it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        number: int = server.getsockname()[1]

        def serve() -> None:
            while True:
                wire, asker = server.recvfrom(4096)
                if not wire:
                    return
                server.sendto(_reply(wire), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield number
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", number))
        thread.join()


def evaluate(expression: str, run: LookupContext | None = None, **known: Any) -> Any:
    variables = {name: trusted(value, NOWHERE) for name, value in known.items()}
    templar = Templar(variables, Library.standard(), run or LookupContext())
    return templar.render(Template("{{ " + expression + " }}"))


@pytest.fixture
def dig(port: int) -> Callable[[str], Any]:
    def asked(arguments: str) -> Any:
        terms, _, options = arguments.partition(" ; ")
        more = f", {options}" if options else ""
        return evaluate(f"query('dig', {terms}, '@127.0.0.1', port={port}{more})")

    return asked


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("'web.test'", ["192.0.2.1", "192.0.2.2"]),
        ("'web.test./A'", ["192.0.2.1", "192.0.2.2"]),
        ("'web.test/mx'", ["10 mail.test.", "20 b.test."]),
        ("'web.test', 'qtype=TXT'", ['two" "parts', "v=spf1 {{ x }}"]),
        ("'web.test' ; qtype='AAAA'", ["2001:db8::1"]),
        ("'192.0.2.1/PTR'", ["web.test."]),
        ("'_x._tcp.web.test/SRV'", ["1 2 80 web.test."]),
        ("'web.test/CAA'", ['0 issue "ca.test"']),
        ("'nosuch.test'", ["NXDOMAIN"]),
        ("'web.test/SRV'", [""]),
        ("'fail.test'", [""]),
        ("'nosuch.test' ; real_empty=true", []),
        ("'web.test', 'www.test/CNAME'", ["web.test."]),
        (
            "'web.test/MX' ; flat=0",
            [
                {"preference": 10, "exchange": "mail.test."},
                {"preference": 20, "exchange": "b.test."},
            ],
        ),
        ("'web.test/AAAA' ; flat=0", [{"address": "2001:db8::1"}]),
        ("'192.0.2.1/PTR' ; flat=0", [{"target": "web.test."}]),
        ("'web.test/CAA' ; flat=0", [{"flags": 0, "tag": "issue", "value": "ca.test"}]),
        (
            "'web.test/SOA' ; flat=0",
            [
                {
                    "mname": "ns.test.",
                    "rname": "root.test.",
                    "serial": 1,
                    "refresh": 2,
                    "retry": 3,
                    "expire": 4,
                    "minimum": 5,
                }
            ],
        ),
    ],
)
def test_dig_gives_what_servers_answer(
    dig: Callable[[str], Any], arguments: str, expected: Any
) -> None:
    found = dig(arguments)
    for each in found:
        if isinstance(each, dict):
            assert (each.pop("ttl"), each.pop("class")) == (60, "IN")
            assert each.pop("type") in arguments
            assert each.pop("owner").endswith(".")
    assert found == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("'fail.test' ; fail_on_error=true", "SERVFAIL"),
        ("'nosuch.test' ; fail_on_error=true", "nosuch.test"),
        ("'web.test/NOSUCH'", "NOSUCH"),
        ("'web.test' ; flatt=0", "flat"),
        ("'qtype=A'", "expected a name"),
        ("'web.test', 'port=x'", "port is a number"),
    ],
)
def test_dig_says_what_was_expected(dig: Callable[[str], Any], arguments: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        dig(arguments)


def test_dig_names_the_package_that_it_needs(
    dig: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    with pytest.raises(TemplateError, match="pip install dnspython"):
        dig("'web.test'")


@pytest.fixture
def tree(tmp_path: Path) -> LookupContext:
    for name in ("web/etc/sub/deep", "web/etc/a.conf", "web/b.txt", "db/b.txt", "db/c.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{{ x }}")
    (tmp_path / "web/etc/l").symlink_to("sub")
    (tmp_path / "web/b.txt").chmod(0o640)

    def find(name: str, folder: str) -> str | None:
        path = tmp_path / name
        return str(path) if folder == "files" and path.exists() else None

    return LookupContext(find=find)


def test_filetree_lists_all_below_folders(tree: LookupContext, tmp_path: Path) -> None:
    found = evaluate("query('filetree', 'web')", tree)
    assert [(each["path"], each["state"], each.get("src")) for each in found] == [
        ("etc", "directory", None),
        ("b.txt", "file", f"{tmp_path}/web/b.txt"),
        ("etc/l", "link", "sub"),
        ("etc/sub", "directory", None),
        ("etc/a.conf", "file", f"{tmp_path}/web/etc/a.conf"),
        ("etc/sub/deep", "file", f"{tmp_path}/web/etc/sub/deep"),
    ]
    assert {each["root"] for each in found} == {f"{tmp_path}/web"}
    file = found[1]
    assert (file["mode"], file["size"], file["uid"]) == ("0640", 7, os.getuid())


def test_of_a_path_in_several_folders_filetree_takes_the_first(
    tree: LookupContext, tmp_path: Path
) -> None:
    found = evaluate("query('filetree', 'nosuch', 'db/', 'web/')", tree)
    sources = {each["path"]: each.get("src") for each in found}
    assert sources["b.txt"] == f"{tmp_path}/db/b.txt"
    assert sources["etc/a.conf"] == f"{tmp_path}/web/etc/a.conf"


def test_filetree_leaves_out_what_it_is_told_to(tree: LookupContext) -> None:
    found = evaluate("query('filetree', 'web', exclude='conf$|^etc/sub')", tree)
    assert [each["path"] for each in found] == ["etc", "b.txt", "etc/l"]
    with pytest.raises(TemplateError, match="no regular expression"):
        evaluate("query('filetree', 'web', exclude='(')", tree)


def test_config_knows_the_settings_that_a_run_has() -> None:
    assert evaluate("lookup('config', 'DEFAULT_FORKS')", ansible_forks=7) == 7
    assert evaluate("query('config', 'TAGS_RUN')") == [[]]
    managed = LookupContext(managed="by us")
    assert evaluate("lookup('config', 'DEFAULT_MANAGED_STR')", managed) == "by us"


def test_config_says_which_settings_it_does_not_know() -> None:
    with pytest.raises(TemplateError, match="DEFAULT_FORKS"):
        evaluate("lookup('config', 'DEFAULT_FORK')")
    assert evaluate("query('config', 'NOSUCH', on_missing='skip')") == []
    warnings: list[str] = []
    run = LookupContext(warn=warnings.append)
    assert evaluate("query('config', 'NOSUCH', on_missing='warn')", run) == []
    assert "NOSUCH" in warnings[0]
