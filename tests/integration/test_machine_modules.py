"""Modules that change whole machines, each step beside what the dialect's own engine made of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import PREPARE, inside, scenarios, seen, steps, told
from support.module_host import ModuleHost
from support.shells import SHELLS, shared_shells

from opsrun.modules.options import OptionError

pytestmark = pytest.mark.root

NEEDS: Mapping[str, str] = {
    "acl": "setfacl",
    "alternatives": "update-alternatives",
    "cron": "crontab",
    "group": "lgroupadd",
    "iptables": "iptables",
    "locale_gen": "locale-gen",
    "seboolean": "semodule",
}
"""Programs that Debian has in packages of their own."""

DIFFERING: Mapping[tuple[str, str], frozenset[str]] = {
    ("alternatives", "selected that is known"): frozenset({"check"}),
    ("alternatives", "auto"): frozenset({"check"}),
    ("alternatives", "another priority"): frozenset({"check", "after", "again"}),
    ("alternatives", "auto goes to the best"): frozenset({"check"}),
    ("alternatives", "negative priority"): frozenset({"again"}),
    ("group", "a bad name"): frozenset({"check"}),
    ("cron", "lines in a job"): frozenset({"check"}),
    ("authorized_key", "a link is replaced"): frozenset({"after"}),
    ("authorized_key", "the same key twice"): frozenset({"again"}),
    ("acl", "not through a link"): frozenset({"check", "result", "again"}),
    ("known_hosts", "all keys of a host go"): frozenset({"check", "result"}),
    ("known_hosts", "gone among them"): frozenset({"check", "result", "again"}),
    ("known_hosts", "in a file that is a link"): frozenset({"after"}),
    ("cron", "a mark without its job"): frozenset({"check", "result", "after", "again"}),
    ("cron", "variables of a file in order"): frozenset({"check", "result", "again"}),
    ("git", "its own files move"): frozenset({"check"}),
    ("git", "its own files where something is"): frozenset({"check"}),
    ("git", "a version that is not there"): frozenset({"check"}),
    ("git", "changes there thrown away"): frozenset({"check"}),
    ("git", "a bare one moves on"): frozenset({"result"}),
    ("git", "empty"): frozenset({"after"}),
    ("git", "empty and bare"): frozenset({"check"}),
    ("git", "empty and a branch"): frozenset({"check", "after"}),
    ("git", "an empty copy"): frozenset({"check"}),
    ("git", "shallow moves on"): frozenset({"after"}),
    ("git", "shallow and another branch"): frozenset({"after"}),
    ("git", "what a refspec brings"): frozenset({"check"}),
    ("git", "submodules that are followed"): frozenset({"result", "after"}),
    ("hostname", "alpine's"): frozenset({"result", "after", "again"}),
    ("hostname", "another in the kernel only"): frozenset({"check", "result", "after", "again"}),
    ("hostname", "debian's without its tool"): frozenset({"check", "result", "again"}),
    ("hostname", "red hat's without a name"): frozenset({"check", "result", "after", "again"}),
    ("hostname", "no name at all"): frozenset({"check", "result", "after", "again"}),
    ("iptables", "flushed"): frozenset({"again"}),
    ("iptables", "a table flushed"): frozenset({"again"}),
    ("iptables", "a set"): frozenset({"check"}),
    ("iptables", "no such target"): frozenset({"check"}),
    ("locale_gen", "made"): frozenset({"check"}),
    ("locale_gen", "not in the file"): frozenset({"check"}),
    ("locale_gen", "two more"): frozenset({"check"}),
    ("locale_gen", "gone"): frozenset({"check"}),
    ("locale_gen", "gone and none such"): frozenset({"check", "result", "again"}),
    ("locale_gen", "in the file only"): frozenset({"check"}),
    ("modprobe", "no longer"): frozenset({"after"}),
    ("modprobe", "parameters no longer"): frozenset({"after"}),
    ("modprobe", "gone and persistent"): frozenset({"after"}),
    ("modprobe", "options elsewhere"): frozenset({"after"}),
    ("modprobe", "options elsewhere no longer"): frozenset({"after"}),
    ("mount", "remounted and not there"): frozenset({"check"}),
    ("seboolean", "none such"): frozenset({"check"}),
    ("selinux", "another policy"): frozenset({"check"}),
    ("selinux", "none such"): frozenset({"check"}),
    ("selinux", "another file"): frozenset({"check", "after", "again"}),
    ("selinux", "disabled and a policy"): frozenset({"check"}),
    ("timezone", "no link"): frozenset({"result", "after", "again"}),
    ("timezone", "out of the folder"): frozenset({"check", "after"}),
    ("user", "a bad name"): frozenset({"check"}),
    ("user", "inactive"): frozenset({"again"}),
    ("user", "never ends from the beginning"): frozenset({"again"}),
}
"""What of a step is not as recorded: we see before anything is done that it can't be, and that
nothing is left to do; check mode fetches nothing, and a clone that fails leaves nothing; and what a
link that is replaced led to stays as it is. Rows of docs/dialect.md."""


def machine_for(module: str) -> None:
    """Skip, or fail where everything has to be there, without what a module's steps need."""
    reason = disposable.obstacle()
    program = NEEDS.get(module)
    if reason is None and program is not None and shutil.which(program) is None:
        reason = f"there is no {program}"
    if reason is not None:
        pytest.skip(f"no disposable machine: {reason}")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[disposable.Machine]:
    with disposable.machine(tmp_path / "box", PREPARE) as made:
        yield made


def ran(host: ModuleHost, module: str, step: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    try:
        result = host.run(module, step.get("args", {}), check=check, diff=check)
    except OptionError as error:
        result = {"changed": False, "failed": True, "msg": str(error)}
    return told(result)


def differing(value: Any, wanted: Any) -> str:
    """What there is and shouldn't be, and what isn't."""
    if isinstance(value, Mapping):
        value, wanted = ([f"{k}: {v}" for k, v in each.items()] for each in (value, wanted))
    more, less = ([x for x in a if x not in b] for a, b in ((value, wanted), (wanted, value)))
    return f"\n  is     {more}\n  wanted {less}"


@pytest.mark.parametrize("module", scenarios())
def test_the_steps(module: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    machine_for(module)
    box: disposable.Machine = request.getfixturevalue("box")
    wrong = []
    with inside(box, tmp_path) as host:
        before: list[str] = []
        for step in steps(module):
            if "before" in step:
                box.sh(step["before"])
            # What was idle left all as it was seen last.
            if "before" in step or not before:
                before = seen(box, module)
            got: dict[str, Any] = {"check": ran(host, module, step, check=True)}
            assert seen(box, module) == before, f"{step['name']}: check mode changed something"
            got["result"] = ran(host, module, step, check=False)
            got["after"] = seen(box, module)
            got["again"] = ran(host, module, step, check=False)
            before = [] if got["again"]["changed"] else got["after"]
            apart = DIFFERING.get((module, step["name"]), frozenset())
            for what, value in got.items():
                if what not in apart and value != step[what]:
                    wrong.append(f"{step['name']}: {what}: {differing(value, step[what])}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell(shell: str, tmp_path: Path) -> None:
    """The same few tasks, with names that are hard on shells."""
    machine_for("cron")
    words = shared_shells(shell, "system").words
    with (
        disposable.machine(tmp_path / "box", PREPARE) as box,
        inside(box, tmp_path, words) as host,
    ):
        assert host.run("group", {"name": "us", "gid": 4000})["gid"] == 4000
        args: dict[str, Any] = {"name": "me", "uid": 4001, "group": "us", "comment": "a 'b\" $c*"}
        secrets = {"password": "$6$a$b", "ssh_key_passphrase": "it's \\n hush"}
        made = host.run("user", {**args, "generate_ssh_key": True, **secrets})
        assert (made["changed"], made["comment"]) == (True, args["comment"])
        assert not host.run("user", {**args, "generate_ssh_key": True, **secrets})["changed"]
        assert box.sh("getent shadow me").startswith("me:$6$a$b:")
        opened = ("ssh-keygen", "-y", "-P", secrets["ssh_key_passphrase"], "-f")
        told = box.run(*opened, made["ssh_key_file"]).stdout.decode()
        assert told.split()[:2] == made["ssh_public_key"].split()[:2]
        facts = host.run("getent", {"database": "passwd", "key": "me"})["ansible_facts"]
        assert facts["getent_passwd"]["me"][3] == args["comment"]
        job = {"name": "a 'b\" $c*", "job": "echo 'x' \\% \"$y\"", "user": "me"}
        assert host.run("cron", job)["changed"]
        assert not host.run("cron", job)["changed"]
        assert job["job"] in box.sh("crontab -u me -l")
        key = f"{made['ssh_public_key'].split(' ansible')[0]} a 'b\" $c*"
        assert host.run("authorized_key", {"user": "me", "key": key})["changed"]
        assert not host.run("authorized_key", {"user": "me", "key": key})["changed"]
        entry = {"path": "/srv", "etype": "user", "entity": "me", "permissions": "rx"}
        assert host.run("acl", {**entry, "state": "present"})["changed"]
        assert not host.run("acl", {**entry, "state": "present"})["changed"]
        assert host.run("user", {"name": "me", "state": "absent", "remove": True})["changed"]
        assert host.run("group", {"name": "us", "state": "absent"})["changed"]


def test_without_the_tools(box: disposable.Machine, tmp_path: Path) -> None:
    """What can be read is read, and the rest says what is missing."""
    path = "/run/applets"
    box.sh(f"mkdir {path} && busybox --install -s {path}; useradd -u 4001 me")
    # Sessions look for tools of the system's in its usual directories, too.
    names = "useradd usermod groupadd adduser addgroup getent setfacl crontab"
    box.sh(f"for name in {names}; do rm -f /usr/*bin/$name {path}/$name; done")
    words = shared_shells("busybox ash", "system").words
    with inside(box, tmp_path, words, path) as host:
        facts = host.run("getent", {"database": "passwd", "key": "4001"})["ansible_facts"]
        assert facts["getent_passwd"]["me"][:3] == ["x", "4001", "4001"]
        assert host.run("getent", {"database": "passwd", "key": "nobody at all"})["failed"]
        assert not host.run("user", {"name": "me", "uid": 4001, "create_home": False})["changed"]
        for module, args, packages in (
            ("group", {"name": "us"}, "groupadd on this host (it is usually in the package passwd"),
            ("user", {"name": "you"}, "useradd on this host (it is usually in the package passwd"),
            ("user", {"name": "me", "shell": "/bin/false"}, "usermod on this host (it is"),
            (
                "group",
                {"name": "us", "local": True},
                "lgroupadd on this host (it is usually in the package libuser)",
            ),
            ("acl", {"path": "/srv"}, "setfacl on this host (it is usually in the package acl)"),
            (
                "cron",
                {"name": "a", "job": "b"},
                "crontab on this host (it is usually in the package cron (Debian)",
            ),
        ):
            box.sh("rm -f /usr/*bin/lgroupadd")
            told = host.run(module, args)
            assert told["failed"]
            assert f"there is no {packages}" in told["msg"]
    assert "/bin/false" not in box.sh("grep ^me: /etc/passwd")


def test_a_password_is_in_no_command(box: disposable.Machine, tmp_path: Path) -> None:
    """Each program that an account is made with writes down its words."""
    if reason := disposable.obstacle():
        pytest.skip(reason)
    box.sh("""
        mkdir /run/spies
        for name in useradd usermod chpasswd ssh-keygen chage; do
            real=$(command -v $name)
            printf '#!/bin/sh\\necho "%s $*" >>/run/words\\nexec %s "$@"\\n' $name "$real" \\
                >/run/spies/$name
            chmod 755 /run/spies/$name
        done
    """)
    path = "/run/spies:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    secrets = {"password": "$6$a$seen", "ssh_key_passphrase": "hush hush"}
    with inside(box, tmp_path, "sh", path) as host:
        made = host.run("user", {"name": "me", "generate_ssh_key": True, **secrets})
        assert made["changed"]
        changed = {**secrets, "password": "$6$b$seen"}
        assert host.run("user", {"name": "me", **changed})["changed"]
    words = box.sh("cat /run/words")
    assert "useradd" in words
    assert "chpasswd" in words
    assert "ssh-keygen" in words
    assert "seen" not in words
    assert "hush" not in words
    assert "seen" not in str(made)
    assert box.sh("ls -A /home/me/.ssh").split() == ["id_rsa", "id_rsa.pub"]
