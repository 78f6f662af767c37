"""Password files of web servers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.module_host import ModuleHost, module_host
from support.shells import SHELLS, shared_shells

from opsrun.modules.options import OptionError
from opsrun.modules.passwords.schemes import matches

BEFORE = "# remark\n\nno entry\na:{SHA}x\nu:first\r\nb:c:comment\nu:second\nlast:p"
# Apache's htpasswd made the hash; the password is "x".
APACHE = "u:$apr1$YRTrWY0j$92Czaz6jER0dd5b7wGWLO.\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "passwords"


def _args(file: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(file), "name": "u", "password": "se cret", **more}


def _hash(file: Path, user: str) -> str:
    [found] = [line for line in file.read_text().splitlines() if line.startswith(f"{user}:")]
    return found.partition(":")[2]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_every_shell(shell: str, userland: str, tmp_path: Path) -> None:
    file = tmp_path / "d 'e" / "f"
    under = shared_shells(shell, userland)
    with module_host(tmp_path, under.words, under.prefix) as host:
        made = host.run("htpasswd", _args(file, mode="0640"))
        words = "and ownership, perms or SE linux context changed"
        assert made == {"changed": True, "msg": f"Created {file} and added u {words}"}
        assert matches("se cret", _hash(file, "u"))
        assert file.stat().st_mode & 0o777 == 0o640
        again = host.run("htpasswd", _args(file))
        assert again == {"changed": False, "msg": "u already present"}
        other = host.run("htpasswd", _args(file, password="other", hash_scheme="ldap_sha1"))
        assert other == {"changed": True, "msg": "Add/update u"}
        assert matches("other", _hash(file, "u"))
        gone = {"path": str(file), "name": "u", "state": "absent"}
        assert host.run("htpasswd", gone) == {"changed": True, "msg": "Remove u"}
        assert host.run("htpasswd", gone) == {"changed": False, "msg": "u not present"}
        assert file.read_text() == ""
        assert file.stat().st_mode & 0o777 == 0o640


def test_check_mode(host: ModuleHost, file: Path) -> None:
    told = host.run("htpasswd", _args(file), check=True)
    assert told == {"changed": True, "msg": f"Create {file}"}
    assert not file.exists()


def test_what_is_not_there(host: ModuleHost, file: Path) -> None:
    told = host.run("htpasswd", {"path": str(file), "name": "u", "state": "absent"})
    assert not told["changed"]
    assert told["warnings"] == [f"{file} does not exist"]
    told = host.run("htpasswd", _args(file, create=False))
    assert (told["failed"], told["msg"]) == (True, f"Destination {file} does not exist")
    assert not file.exists()


def test_all_else_stays(host: ModuleHost, file: Path) -> None:
    file.write_bytes(BEFORE.encode() + b"\xff")
    host.run("htpasswd", _args(file, hash_scheme="plaintext"))
    changed = BEFORE.replace("u:first", "u:se cret").replace("u:second\n", "").encode() + b"\xff"
    assert file.read_bytes() == changed
    host.run("htpasswd", _args(file, name="é", hash_scheme="plaintext"))
    assert file.read_bytes() == changed + "\né:se cret\n".encode()
    host.run("htpasswd", {"path": str(file), "name": "b", "state": "absent"})
    assert b"b:c:comment" not in file.read_bytes()


def test_what_another_program_made_stays(host: ModuleHost, file: Path) -> None:
    file.write_text(APACHE)
    assert not host.run("htpasswd", _args(file, password="x", hash_scheme="bcrypt"))["changed"]
    without = {"path": str(file), "name": "u"}
    assert not host.run("htpasswd", without)["changed"]
    assert host.run("htpasswd", {**without, "mode": "0600"})["changed"]
    assert file.read_text() == APACHE


def test_a_link_stays_one(host: ModuleHost, file: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("a:b\n")
    file.symlink_to("target")
    assert host.run("htpasswd", _args(file, backup=True))["backup_file"].startswith(f"{file}.")
    assert file.is_symlink()
    assert (tmp_path / "target").read_text().startswith("a:b\nu:$apr1$")


@pytest.mark.parametrize("check", [True, False])
def test_nothing_of_a_password_is_shown(host: ModuleHost, file: Path, check: bool) -> None:
    file.write_text(BEFORE)
    told = host.run("htpasswd", _args(file, hash_scheme="plaintext"), check=check, diff=True)
    [shown, *_] = told["diff"] if isinstance(told["diff"], list) else [told["diff"]]
    kept = "# remark\n\n********\na:********\n"
    assert shown["before"] == (f"{kept}u:********\nb:********\nu:********\nlast:********\n")
    assert shown["after"] == f"{kept}u:******** (new)\nb:********\nlast:********\n"
    for word in ("se cret", "first", "second", "{SHA}", "comment", "no entry"):
        assert word not in str(told)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "a:b"}, "without colons"),
        ({"name": "a\nb"}, "without colons"),
        ({"name": ""}, "without colons"),
        ({"name": "#a"}, "begins with no #"),
        ({"name": "é" * 128}, "at most 255 bytes, found 256"),
        ({"password": "a\0b"}, "no such file can hold"),
        ({"password": "a\nb", "hash_scheme": "plaintext"}, "no such file can hold"),
        ({"name": "new", "password": None}, "password is needed: new is not there yet"),
        ({"name": "dear"}, "it asks for a cost of 31"),
    ],
)
def test_bad_input(host: ModuleHost, file: Path, more: dict[str, Any], why: str) -> None:
    before = f"{BEFORE}\ndear:$2y$31${'a' * 53}\n"
    file.write_bytes(before.encode())
    told = host.run("htpasswd", _args(file, **more))
    assert told["failed"]
    assert why in told["msg"]
    assert file.read_bytes() == before.encode()
    assert os.listdir(file.parent) == [file.name]


def test_a_scheme_that_there_is_not(host: ModuleHost, file: Path) -> None:
    with pytest.raises(OptionError, match="apr_md5_crypt"):
        host.run("htpasswd", _args(file, hash_scheme="apr_md5"))


LINES = st.lists(
    st.sampled_from(["u:x", "u:{SHA}x", "v:y", "# u:x", "", "u", APACHE.strip()]), max_size=5
)
WISHES = st.sampled_from(
    [
        {"password": "x", "hash_scheme": "plaintext"},
        {"password": "x", "hash_scheme": "ldap_sha1"},
        {"password": "", "hash_scheme": "apr_md5_crypt"},
        {"password": "y", "hash_scheme": "md5_crypt", "mode": "0600"},
        {"state": "absent"},
    ]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.sampled_from(["\n", "\r\n"]), WISHES)
def test_what_was_done_is_done(
    host: ModuleHost, tmp_path: Path, lines: list[str], end: str, wish: dict[str, Any]
) -> None:
    folder = tmp_path / "law"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = folder / "f"
    file.write_bytes(end.join(lines).encode())
    args = {"path": str(file), "name": "u", **wish}
    foreseen = host.run("htpasswd", args, check=True)
    told = host.run("htpasswd", args)
    assert told == foreseen
    after = file.read_bytes()
    assert not host.run("htpasswd", args)["changed"]
    assert file.read_bytes() == after
