"""Accounts and crontabs where the host can't: its own words, and everything as it was before."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import PREPARE, inside
from support.module_host import ModuleHost

pytestmark = pytest.mark.root

ACCOUNTS = "cat /etc/passwd /etc/shadow /etc/group /etc/gshadow"
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
FULL = """
cp -a "$1" /run/copy
mount -t tmpfs -o size=2m none "$1"
cp -a /run/copy/. "$1"
rm -rf /run/copy
dd if=/dev/zero of="$1/.filler" bs=4096 2>/dev/null || :
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL48JLEVO0CAXw2zqz43sWfHVRNbGZB7e82O7/G9PTCn"

CHANGES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "a new user": ("user", {"name": "new"}),
    "another shell": ("user", {"name": "ann", "shell": "/bin/false"}),
    "another password": ("user", {"name": "ann", "password": "$6$salt$new"}),
    "a user that goes": ("user", {"name": "ann", "state": "absent"}),
    "a new group": ("group", {"name": "new"}),
    "a group that goes": ("group", {"name": "aux", "state": "absent"}),
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := disposable.obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    prepare = f"{PREPARE}\nuseradd -m -u 4001 ann; groupadd -g 4100 aux"
    with disposable.machine(tmp_path_factory.mktemp("box") / "m", prepare) as made:
        yield made


@pytest.fixture(scope="module")
def host(box: disposable.Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    with inside(box, tmp_path_factory.mktemp("session")) as found:
        yield found


def _refused(host: ModuleHost, module: str, args: Mapping[str, Any]) -> str:
    told = host.run(module, args)
    assert told.get("failed"), f"{module} {args}: {told}"
    assert not told["changed"]
    return str(told["msg"])


@pytest.mark.parametrize(
    ("obstacle", "words"), [(READ_ONLY, "cannot (lock|open)"), (FULL, "cannot|No space|failure")]
)
def test_an_etc_that_nothing_can_be_written_to(
    box: disposable.Machine, host: ModuleHost, obstacle: str, words: str
) -> None:
    before = box.sh(ACCOUNTS)
    box.sh(obstacle, "/etc")
    try:
        for what, (module, args) in CHANGES.items():
            assert re.search(words, _refused(host, module, args)), what
            assert box.sh(ACCOUNTS) == before, what
    finally:
        box.sh("umount -l /etc")
    assert box.sh(ACCOUNTS) == before
    assert box.sh("ls /home").split() == ["ann"]


@pytest.mark.parametrize("obstacle", [READ_ONLY, FULL])
def test_crontabs_and_keys_where_nothing_can_be_written(
    box: disposable.Machine, host: ModuleHost, obstacle: str
) -> None:
    box.sh("""
        printf '1 2 * * * mine\n' | crontab -u ann -
        mkdir -p /etc/cron.d /home/ann/.ssh
        printf '1 2 * * * ann theirs\n' >/etc/cron.d/theirs
        printf '# mine\n' | tee /home/ann/.ssh/authorized_keys >/home/ann/.ssh/known_hosts
        chown -R ann:ann /home/ann/.ssh
    """)
    tops = ("/var/spool/cron", "/etc/cron.d", "/home/ann")
    look = (
        f"cd / && find {' '.join(tops)} -type f ! -name .filler -exec ls -l {{}} + -exec cat {{}} +"
    )
    before = box.sh(look)
    for top in tops:
        box.sh(obstacle, top)
    job = {"name": "a job", "job": "true " + "x" * 9000}
    hosts = "/home/ann/.ssh/known_hosts"
    changes = (
        ("cron", {**job, "user": "ann"}),
        ("cron", {**job, "user": "ann", "cron_file": "theirs"}),
        ("authorized_key", {"user": "ann", "key": f"{KEY} {'x' * 9000}"}),
        ("known_hosts", {"name": "a", "path": hosts, "key": f"a {KEY} {'x' * 9000}"}),
    )
    try:
        for module, args in changes:
            words = _refused(host, module, args)
            assert re.search("Read-only file system|No space left", words), words
            assert box.sh(look) == before, module
    finally:
        for top in tops:
            box.sh('umount -l "$1"', top)
    assert box.sh(look) == before


def test_a_lock_that_another_process_holds(box: disposable.Machine, host: ModuleHost) -> None:
    before = box.sh(ACCOUNTS)
    box.sh("for name in passwd group; do echo 1 >/etc/$name.lock; done")
    try:
        for what, (module, args) in CHANGES.items():
            assert "cannot lock" in _refused(host, module, args), what
            assert box.sh(ACCOUNTS) == before, what
    finally:
        box.sh("rm -f /etc/passwd.lock /etc/group.lock")
    assert host.run("user", {"name": "ann", "comment": "free"})["changed"]
    host.run("user", {"name": "ann", "comment": ""})


SPIED = "useradd usermod chpasswd ssh-keygen chage luseradd lpasswd lusermod lchage crontab git ssh"


def test_no_secret_is_a_word_of_a_program_or_told(box: disposable.Machine, tmp_path: Path) -> None:
    """Each program writes down its words; results, differences and messages are looked through."""
    box.sh(
        """
        mkdir -p /run/spies
        for name in $1; do
            real=$(command -v "$name") || continue
            printf '#!/bin/sh\\necho "%s $*" >>/run/words\\nexec %s "$@"\\n' "$name" "$real" \\
                >"/run/spies/$name"
            chmod 755 "/run/spies/$name"
        done
        """,
        SPIED,
    )
    path = "/run/spies:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    key = {"generate_ssh_key": True, "ssh_key_type": "ed25519"}
    secrets = {"password": "$6$salt$unseen", "ssh_key_passphrase": "hushhush"}
    other = {**secrets, "password": "$6$salt$unseentoo"}
    told = []
    with inside(box, tmp_path, "sh", path) as host:
        for local in (False, True):
            name = {"name": f"spied{local}".lower(), "local": local}
            steps = (
                {**name, **key, **secrets},
                {**name, **key, **secrets},
                {**name, **other},
                {**name, **other, "password_lock": True},
                {**name, **key, **other, "force": True},
                # One that can't be: it has a password as a group.
                {**name, **secrets, "groups": ["no-such"]},
                {"name": name["name"], "state": "absent", "local": local, "remove": True},
            )
            for args in steps:
                for check in (True, False):
                    told.append(host.run("user", args, check=check, diff=True))
        git = {"repo": "https://joe:hushhush@127.0.0.1:9/x.git", "dest": "/run/copy"}
        told.append(host.run("git", git))
    words = box.sh("cat /run/words")
    assert {"useradd", "chpasswd", "ssh-keygen", "git"} <= {
        each.split()[0] for each in words.splitlines()
    }
    assert sum(each["changed"] for each in told) > 8
    for each in (words.replace(git["repo"], ""), str(told)):
        assert "unseen" not in each
        assert "hushhush" not in each


@pytest.mark.parametrize("output", ["ansible", "jsonl"])
def test_no_secret_is_in_what_a_run_tells(
    box: disposable.Machine, tmp_path: Path, output: str
) -> None:
    """However much it tells; also where the task fails, and where its result is shown."""
    name = f"told{output}"
    user = {"name": name, "password": "$6$salt$unseen", "ssh_key_passphrase": "hushhush"}
    tasks = [
        {"user": {**user, "generate_ssh_key": True, "ssh_key_type": "ed25519"}, "register": "made"},
        {"debug": {"var": "made"}},
        {"user": {**user, "groups": ["no-such"]}, "ignore_errors": True},
        {"user": {**user, "password": "$6$salt$unseentoo", "comment": "changed"}},
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    words = ("-m", "opsrun", "playbook", "/dev/stdin", "-i", "localhost,", "-D", "-vvv")
    root = str(Path(__file__).resolve().parents[2])
    command = (sys.executable, *words, "-o", output)
    ended = box.run(
        "env",
        "--chdir=/",
        f"PYTHONPATH={root}",
        *command,
        check=False,
        stdin=json.dumps([play]).encode(),
    )
    told = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 0, told
    assert told.count(name) > 3
    assert "no-such" in told
    assert "unseen" not in told
    assert "hushhush" not in told
    assert "$6$salt$unseentoo" in box.sh('getent shadow "$1"', name)
