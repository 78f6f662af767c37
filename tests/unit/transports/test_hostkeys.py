"""Host keys: verdicts, what is recorded, what is said, and what it costs."""

from __future__ import annotations

import base64
import concurrent.futures
import os
import stat
from pathlib import Path

import pytest

from opsrun.errors import HostKeyError
from opsrun.transports.hostkeys import lines as hostkeys_lines
from opsrun.transports.hostkeys.lines import hashed_field
from opsrun.transports.hostkeys.record import append
from opsrun.transports.hostkeys.verify import (
    KnownHosts,
    Status,
    WrongKeyType,
    fingerprint,
    known_key_types,
    verify,
)
from opsrun.transports.targets.target import HostKeyChecking, SSHTarget


def blob(seed: int, kind: str = "ssh-ed25519") -> bytes:
    body = seed.to_bytes(32, "big")
    name = kind.encode()
    return len(name).to_bytes(4, "big") + name + len(body).to_bytes(4, "big") + body


def line(names: str, seed: int = 1, kind: str = "ssh-ed25519", marker: str = "") -> str:
    encoded = base64.b64encode(blob(seed, kind)).decode()
    return f"{marker} {names} {kind} {encoded} a comment\n".lstrip()


def target(path: Path, checking: HostKeyChecking = "strict", **more: object) -> SSHTarget:
    values: dict[str, object] = {"host": "web", "address": "web.invalid", "port": 22, "user": "u"}
    values |= {"known_hosts": (str(path),), "host_key_checking": checking}
    return SSHTarget(**(values | more))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ssh" / "known_hosts"


def known(path: Path, *lines: str) -> KnownHosts:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines))
    return KnownHosts([str(path)])


def status(found: KnownHosts, name: str, seed: int = 1, kind: str = "ssh-ed25519") -> str:
    return str(found.check([name], kind, blob(seed, kind)).status)


VERDICTS = {
    "plain": ([line("a,b")], "b", 1, "ok"),
    "other name": ([line("a,b")], "c", 1, "unknown"),
    "other key": ([line("a")], "a", 2, "changed"),
    "one of several": ([line("a", 1), line("a", 2)], "a", 2, "ok"),
    "upper case in the file": ([line("A.Invalid")], "a.invalid", 1, "ok"),
    "wildcard": ([line("*.invalid")], "x.invalid", 1, "ok"),
    "question mark": ([line("a?")], "ab", 1, "ok"),
    "brackets are literal": ([line("[a]:22")], "a", 1, "unknown"),
    "port": ([line("[a]:2222")], "[a]:2222", 1, "ok"),
    "port wildcard": ([line("[*]:2222")], "[q]:2222", 1, "ok"),
    "negation": ([line("*.invalid,!x.invalid")], "x.invalid", 1, "unknown"),
    "only negation": ([line("!x.invalid")], "y.invalid", 1, "unknown"),
    "hashed": ([line(hashed_field("a"))], "a", 1, "ok"),
    "hashed, other key": ([line(hashed_field("a"))], "a", 2, "changed"),
    "hashed, other name": ([line(hashed_field("a"))], "b", 1, "unknown"),
    "revoked": ([line("*", 1, marker="@revoked"), line("a", 1)], "a", 1, "revoked"),
    "revoked for another": ([line("b", 1, marker="@revoked"), line("a", 1)], "a", 1, "ok"),
    "another revoked": ([line("*", 2, marker="@revoked"), line("a", 1)], "a", 1, "ok"),
    "hashed revoked": (
        [line(hashed_field("a"), 1, marker="@revoked"), line("a", 1)],
        *("a", 1, "revoked"),
    ),
    "authority never fits a plain key": (
        [line("*", 1, marker="@cert-authority")],
        "a",
        1,
        "unknown",
    ),
    "comment and blank": (["# x\n", "\n", "   \n", "  #y\n", line("a")], "a", 1, "ok"),
    "leading blanks": (["  \t" + line("a")], "a", 1, "ok"),
    "no newline at the end": ([line("a").rstrip("\n")], "a", 1, "ok"),
    "carriage returns": ([line("a").replace(" a comment\n", "\r\n")], "a", 1, "ok"),
}


@pytest.mark.parametrize("case", VERDICTS.values(), ids=VERDICTS.keys())
def test_verdict(path: Path, case: tuple[list[str], str, int, str]) -> None:
    lines, name, seed, expected = case
    assert status(known(path, *lines), name, seed) == expected


BAD = [
    "a\n",
    "a ssh-ed25519\n",
    "a ssh-ed25519 !!!!\n",
    "a ssh-rsa " + line("a").split()[2] + "\n",
    "@what " + line("a"),
    "|1|xx|yy " + line("a").partition(" ")[2],
    "|2|" + line("a"),
    "a 1024 65537 1234567\n",
    "\x00\xff\n",
]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_passed_over_and_told(path: Path, bad: str) -> None:
    told: list[str] = []
    known(path, line("x"), bad, line("a"))
    found = KnownHosts([str(path)], notify=told.append)
    assert status(found, "a") == "ok"
    assert [one.line for one in found.warnings] == [2]
    assert len(told) == 1
    assert told[0].startswith(f"{path}:2: ")


def test_another_type_is_changed_and_says_which_is_known(path: Path) -> None:
    found = known(path, line("a", 1, "ssh-rsa"), line("a", 2, "ecdsa-sha2-nistp256"))
    verdict = found.check(["a"], "ssh-ed25519", blob(1))
    assert verdict.status is Status.CHANGED
    assert verdict.known_types == ("ssh-rsa", "ecdsa-sha2-nistp256")
    with pytest.raises(WrongKeyType) as caught:
        verify(target(path, address="a"), found, "ssh-ed25519", blob(1))
    assert caught.value.known_types == verdict.known_types


def test_files_count_together(tmp_path: Path) -> None:
    (tmp_path / "1").write_text(line("a", 1))
    (tmp_path / "2").write_text(line("a", 2) + line("b", 3, marker="@revoked"))
    found = KnownHosts([str(tmp_path / "1"), str(tmp_path / "none"), str(tmp_path / "2")])
    assert [status(found, "a", seed) for seed in (1, 2, 3)] == ["ok", "ok", "changed"]
    assert status(found, "b", 3) == "revoked"


def test_a_bare_name_counts_for_another_port_if_it_is_right(path: Path) -> None:
    found = known(path, line("a", 1), line("b", 1, marker="@revoked"))
    assert found.check(["[a]:2222", "a"], "ssh-ed25519", blob(1)).status is Status.OK
    assert found.check(["[a]:2222", "a"], "ssh-ed25519", blob(2)).status is Status.UNKNOWN
    assert found.check(["[b]:2222", "b"], "ssh-ed25519", blob(1)).status is Status.REVOKED


def test_unknown_key_names_type_fingerprint_and_ways_on(path: Path) -> None:
    with pytest.raises(HostKeyError) as caught:
        verify(target(path, port=2222), known(path), "ssh-ed25519", blob(1))
    error = caught.value
    assert (error.host, error.phase, error.transient) == ("web", "hostkey", False)
    assert f"[web.invalid]:2222; it showed ssh-ed25519 {fingerprint(blob(1))}" in error.message
    assert "ssh-keyscan -p 2222 web.invalid" in error.hint
    assert "accept-new" in error.hint


@pytest.mark.parametrize("checking", ["strict", "accept-new"])
def test_changed_key_names_both_and_the_line(path: Path, checking: HostKeyChecking) -> None:
    found = known(path, "# one\n", line("web.invalid", 1))
    with pytest.raises(HostKeyError) as caught:
        verify(target(path, checking), found, "ssh-ed25519", blob(2))
    for part in (fingerprint(blob(1)), fingerprint(blob(2)), f"{path}:2"):
        assert part in caught.value.message
    assert path.read_text().count("\n") == 2


def test_authority_alone_says_so(path: Path) -> None:
    found = known(path, line("*.invalid", 1, marker="@cert-authority"))
    with pytest.raises(HostKeyError, match="certified host keys can't be verified"):
        verify(target(path), found, "ssh-ed25519", blob(2))


def test_revoked_never_passes(path: Path) -> None:
    found = known(path, line("*", 1, marker="@revoked"))
    with pytest.raises(HostKeyError, match=r"known_hosts:1 marks as revoked"):
        verify(target(path, "accept-new"), found, "ssh-ed25519", blob(1))


def test_off_records_nothing_and_says_so_once(path: Path) -> None:
    told: list[str] = []
    path.parent.mkdir()
    found = KnownHosts([], notify=told.append)
    for _ in range(3):
        verify(target(path, "off"), found, "ssh-ed25519", blob(1))
    assert len(told) == 1
    assert not path.exists()
    assert known_key_types(target(path, "off"), found) == ()


def test_accept_new_records_and_then_holds_to_it(path: Path) -> None:
    accepting = target(path, "accept-new", port=2222, address="Web.Invalid")
    found = KnownHosts()
    verify(accepting, found, "ssh-ed25519", blob(1))
    verify(accepting, found, "ssh-ed25519", blob(1))
    encoded = base64.b64encode(blob(1)).decode()
    assert path.read_text() == f"[web.invalid]:2222 ssh-ed25519 {encoded}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(HostKeyError, match=r"known_hosts:1 has"):
        verify(accepting, found, "ssh-ed25519", blob(2))
    verify(target(path, port=2222), KnownHosts(), "ssh-ed25519", blob(1))


def test_accept_new_hashes_when_asked_to(path: Path) -> None:
    verify(target(path, "accept-new", hash_known_hosts=True), KnownHosts(), "ssh-ed25519", blob(1))
    assert path.read_text().startswith("|1|")
    assert "web" not in path.read_text()
    verify(target(path), KnownHosts(), "ssh-ed25519", blob(1))


def test_a_last_line_without_newline_stays_whole(path: Path) -> None:
    found = known(path, line("old").rstrip("\n"))
    verify(target(path, "accept-new"), found, "ssh-ed25519", blob(2))
    assert status(KnownHosts([str(path)]), "old") == "ok"
    verdict = found.check(["web.invalid"], "ssh-ed25519", blob(2))
    assert verdict.entry is not None
    assert verdict.entry.line == 2


def test_what_another_process_recorded_meanwhile_counts(path: Path) -> None:
    found = known(path)
    assert status(found, "web.invalid") == "unknown"
    with path.open("a") as other:
        other.write(line("web.invalid", 7))
    with pytest.raises(HostKeyError, match="has changed"):
        verify(target(path, "accept-new"), found, "ssh-ed25519", blob(1))
    verify(target(path, "accept-new"), found, "ssh-ed25519", blob(7))
    assert path.read_text().count("\n") == 1


def test_one_index_serves_targets_with_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "1").write_text(line("web.invalid", 1))
    (tmp_path / "2").write_text(line("web.invalid", 2, "ssh-rsa"))
    told: list[str] = []
    shared = KnownHosts(notify=told.append)
    verify(target(tmp_path / "1"), shared, "ssh-ed25519", blob(1))
    verify(target(tmp_path / "2"), shared, "ssh-rsa", blob(2, "ssh-rsa"))
    verify(target(tmp_path / "3", "accept-new"), shared, "ssh-ed25519", blob(3))
    with pytest.raises(HostKeyError):
        verify(target(tmp_path / "1"), shared, "ssh-ed25519", blob(2))
    assert known_key_types(target(tmp_path / "2"), shared)[-1] == "ssh-rsa"
    assert known_key_types(target(tmp_path / "3"), shared) == ("ssh-ed25519",)
    verify(target(tmp_path / "1", "off"), shared, "ssh-ed25519", blob(9))
    assert len(told) == 1


def test_concurrent_adders_lose_nothing(path: Path) -> None:
    shared = KnownHosts()

    def add(number: int) -> None:
        one = target(path, "accept-new", host=f"h{number}", address=f"h{number % 20}.invalid")
        verify(one, shared if number % 2 else KnownHosts(), "ssh-ed25519", blob(number % 20))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    lines = path.read_text().splitlines()
    assert len(lines) == 20
    assert {one.split()[0] for one in lines} == {f"h{n}.invalid" for n in range(20)}


def test_a_file_that_cannot_be_written_is_told_and_the_key_held_to(path: Path) -> None:
    told: list[str] = []
    path.parent.write_text("a file where the directory should be")
    found = KnownHosts(notify=told.append)
    verify(target(path, "accept-new"), found, "ssh-ed25519", blob(1))
    assert "can't be recorded" in told[0]
    with pytest.raises(HostKeyError, match="has changed"):
        verify(target(path, "accept-new"), found, "ssh-ed25519", blob(2))


def test_dev_null_takes_keys_for_the_run(path: Path) -> None:
    one = target(path, "accept-new", known_hosts=("/dev/null",))
    found = KnownHosts()
    verify(one, found, "ssh-ed25519", blob(1))
    with pytest.raises(HostKeyError):
        verify(one, found, "ssh-ed25519", blob(2))


@pytest.mark.parametrize("alias", ["*", "a,b", "!a", "|1|x", "@revoked", "a b", "#a", "a\nb"])
def test_no_name_is_recorded_that_reads_as_something_else(path: Path, alias: str) -> None:
    with pytest.raises(HostKeyError, match="can't stand in a known_hosts file"):
        verify(
            target(path, "accept-new", host_key_alias=alias), KnownHosts(), "ssh-ed25519", blob(1)
        )
    assert not path.exists() or path.read_text() == ""


def test_key_types_for_the_preference_order(path: Path) -> None:
    found = known(
        path,
        line("web.invalid", 1, "ssh-rsa"),
        line(hashed_field("web.invalid"), 2),
        line("web.invalid", 3, "ssh-dss", "@revoked"),
        line("*", 4, "ecdsa-sha2-nistp256", "@cert-authority"),
    )
    rsa = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
    assert known_key_types(target(path), found) == (*rsa, "ssh-ed25519")
    assert known_key_types(target(path, port=2222), found) == (*rsa, "ssh-ed25519")
    assert known_key_types(target(path, address="other"), found) == ()


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    found = KnownHosts([str(tmp_path)], notify=told.append)
    assert status(found, "a") == "unknown"
    assert told == [f"{tmp_path}: can't be read: {os.strerror(21)}"]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    plain = hostkeys_lines.hash_name

    def counting(name: str, salt: bytes) -> bytes:
        asked.append(name)
        return plain(name, salt)

    monkeypatch.setattr(hostkeys_lines, "hash_name", counting)
    return asked


def test_cost_of_hashed_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = known(path, *(line(hashed_field(f"h{n}"), n) for n in range(3000)))
    hmacs = counted(monkeypatch)
    for number in range(1000):
        assert found.key_types([f"h{number}"]) == ()
        assert status(found, f"h{number}", number) == "ok"
    assert len(hmacs) == 1000
    assert status(found, "h5", 6) == "changed"
    assert len(hmacs) == 1000 + 1 + 3000
    assert status(found, "h5", 7) == "changed"
    assert found.key_types(["h5"]) == ("ssh-ed25519",)
    assert len(hmacs) == 1000 + 1 + 3000 + 1


def test_plain_lines_cost_no_hmac_and_each_file_is_read_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = known(path, *(line(f"h{n},10.0.{n // 256}.{n % 256}", n) for n in range(2000)))
    hmacs = counted(monkeypatch)
    assert all(status(base, f"h{n}", n) == "ok" for n in range(2000))
    path.unlink()
    assert status(base.for_files([str(path), "/nonexistent"]), "10.0.1.1", 257) == "ok"
    assert hmacs == []


def test_a_file_named_without_a_directory_stands_in_the_working_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert append("known", b"web ssh-ed25519 AAAA\n", lambda stamp: True) is not None
    assert (tmp_path / "known").read_bytes() == b"web ssh-ed25519 AAAA\n"
