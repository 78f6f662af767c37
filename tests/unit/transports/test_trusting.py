"""Keys that a host showed, judged side by side, and what is written of them."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

import opsrun.transports.hostkeys.trust as trust
from opsrun.errors import RunFailed, UsageError
from opsrun.transports.hostkeys.known import KnownHosts
from opsrun.transports.hostkeys.trust import Accepted, HostKeys, Standing, judge, record
from opsrun.transports.targets.target import SSHTarget


def key(kind: str, seed: str) -> tuple[str, bytes]:
    name = kind.encode()
    return kind, len(name).to_bytes(4, "big") + name + b"\0\0\0\x20" + seed.encode().ljust(32)


def line(names: str, kind: str, blob: bytes) -> str:
    return f"{names} {kind} {base64.b64encode(blob).decode()}\n"


ED, RSA, ECDSA = key("ssh-ed25519", "a"), key("ssh-rsa", "a"), key("ecdsa-sha2-nistp256", "a")
OTHER_ED = key("ssh-ed25519", "b")


def target(known: Path | str, host: str = "web01", **more: Any) -> SSHTarget:
    more = {"address": f"{host}.invalid", "port": 22, **more}
    return SSHTarget(host=host, user="me", known_hosts=(str(known),), **more)


def judged(known: Path, *shown: tuple[str, bytes], **more: Any) -> HostKeys:
    return judge(target(known, **more), KnownHosts(), shown)


def all_new(host: HostKeys) -> Accepted:
    return Accepted(host, host.of(Standing.NEW))


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.mark.parametrize(
    ("lines", "shown", "standings"),
    [
        ([], [ED, RSA], ["new", "new"]),
        ([ED], [ED, RSA], ["known", "new"]),
        ([RSA], [ED, RSA, ECDSA], ["new", "known", "new"]),
        ([OTHER_ED], [ED], ["changed"]),
        ([OTHER_ED], [ED, RSA], ["changed", "changed"]),
        ([OTHER_ED, RSA], [ED, RSA], ["changed", "known"]),
        ([ECDSA], [ED, RSA], ["changed", "changed"]),
        ([OTHER_ED, ED], [ED], ["known"]),
    ],
)
def test_keys_are_judged_side_by_side(
    known: Path, lines: list[Any], shown: list[Any], standings: list[str]
) -> None:
    known.write_text("".join(line("web01.invalid", *one) for one in lines))
    host = judged(known, *shown)
    assert [key.standing for key in host.keys] == standings
    assert host.suspect is ("changed" in standings)


def test_a_revoked_key_is_one_wherever_else_it_stands(known: Path) -> None:
    known.write_text(line("web01.invalid", *ED) + "@revoked " + line("*", *ED))
    host = judged(known, ED)
    assert host.keys[0].to_dict()["recorded"]["place"] == f"{known}:2"
    assert [key.standing for key in host.keys] == ["revoked"]


def test_all_lines_go_into_the_file_in_one_write(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.write_bytes(b"# no newline at the end")
    writes: list[bytes] = []
    write = os.write

    def counted(descriptor: int, data: bytes) -> int:
        writes.append(data)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", counted)
    hosts = [judged(known, ED, RSA, host=f"web0{number}") for number in range(3)]
    assert record([all_new(host) for host in hosts]) == {str(known): 6}
    assert len(writes) == 1
    assert len(known.read_text().splitlines()) == 7


def test_two_names_for_one_server_are_one_line(known: Path) -> None:
    hosts = [judged(known, ED, host=name, address="10.0.0.1") for name in ("web01", "www")]
    assert record([all_new(host) for host in hosts]) == {str(known): 1}
    assert known.read_text() == line("10.0.0.1", *ED)


def test_what_others_have_recorded_meanwhile_is_not_written_again(known: Path) -> None:
    hosts = [judged(known, ED, host=f"web0{number}") for number in range(3)]
    theirs = line("web00.invalid", *ED) + line("web01.invalid", *OTHER_ED)
    known.write_text(theirs)
    assert record([all_new(host) for host in hosts]) == {str(known): 1}
    assert known.read_text() == theirs + line("web02.invalid", *ED)


def test_one_who_writes_just_before_us_is_seen(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = judged(known, ED, RSA)
    append = trust.append
    rivals = [line("web01.invalid", *ED)]

    def beaten(path: str, data: bytes, still_wanted: Any) -> Any:
        if rivals:
            known.write_text(rivals.pop())
        return append(path, data, still_wanted)

    monkeypatch.setattr(trust, "append", beaten)
    assert record([all_new(host)]) == {str(known): 1}
    assert known.read_text() == line("web01.invalid", *ED) + line("web01.invalid", *RSA)


def test_where_nothing_can_be_recorded_that_is_said_first(known: Path, tmp_path: Path) -> None:
    good = all_new(judged(known, ED))
    nowhere = all_new(judge(target(os.devnull), KnownHosts(), [ED]))
    with pytest.raises(UsageError, match="no known_hosts file"):
        record([good, nowhere])
    odd = all_new(judged(known, ED, address="a*b"))
    with pytest.raises(UsageError, match="can't stand in a known_hosts file"):
        record([good, odd])
    assert not known.exists()
    with pytest.raises(RunFailed, match="can't be recorded"):
        record([all_new(judge(target(tmp_path), KnownHosts(), [ED]))])
