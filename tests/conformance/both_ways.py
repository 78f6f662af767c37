"""What opsrun did is idle under ansible-playbook, and the other way round: on whole machines.

The same tasks about accounts, crontabs, keys, access lists and working copies, by one program and
then by the other, on machines that are thrown away; and in the end, what the machines differ in.
``ansible-playbook`` needs the collection ansible.posix.

    python tests/conformance/both_ways.py [--programs DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import disposable
from support.machine_cases import PREPARE, inside, seen

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL48JLEVO0CAXw2zqz43sWfHVRNbGZB7e82O7/G9PTCn"
FAR = """
git config --global user.name a
git config --global user.email a@example.org
git init -q -b main /run/far
cd /run/far
export GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
for each in 1 2; do
    echo "$each" >file
    git add file
    git commit -q -m "$each"
    git tag "v$each"
done
"""
_ANN = {"name": "ann", "uid": 4001, "group": "us", "groups": ["more"], "shell": "/bin/bash"}
_AGES = {"password": "$6$a$b", "password_expire_max": 90, "expires": 2000000000}
_JOB = {"name": "a job", "job": "echo 5 \\% >/dev/null", "minute": "*/5", "user": "ann"}
_FILE = {"name": "in a file", "job": "true", "cron_file": "x", "special_time": "reboot"}
_ACCESS = {"path": "/srv", "state": "present", "permissions": "rx"}
TASKS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("group", {"name": "us", "gid": 4000}),
    ("group", {"name": "more", "system": True}),
    ("user", {**_ANN, **_AGES, "comment": "A 'b' é"}),
    ("user", {"name": "ben", "generate_ssh_key": True, "ssh_key_type": "ed25519"}),
    ("user", {"name": "sys", "system": True, "home": "/nonexistent", "create_home": False}),
    ("cron", _JOB),
    ("cron", {"name": "PATH", "job": "/bin:/usr/bin", "env": True, "user": "ann"}),
    ("cron", {**_FILE, "user": "ann", "disabled": True}),
    (
        "ansible.posix.authorized_key",
        {"user": "ann", "key": f"{KEY} a  b", "key_options": "no-pty"},
    ),
    ("ansible.posix.authorized_key", {"user": "ben", "key": KEY, "exclusive": True}),
    ("known_hosts", {"name": "h", "key": f"h {KEY}", "path": "/srv/known", "hash_host": True}),
    ("known_hosts", {"name": "[p]:22", "key": f"[p]:22 {KEY}", "path": "/srv/known"}),
    ("known_hosts", {"name": "*.x", "key": f"@cert-authority *.x {KEY}", "path": "/srv/known"}),
    ("ansible.posix.acl", {**_ACCESS, "etype": "user", "entity": "ann"}),
    ("ansible.posix.acl", {**_ACCESS, "etype": "group", "entity": "us", "default": True}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/a"}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/b", "version": "v1"}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/c", "bare": True}),
    ("git", {"repo": "file:///run/far", "dest": "/run/copies/d", "depth": 1}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/e", "separate_git_dir": "/run/copies/own"}),
)


def theirs(box: disposable.Machine, top: Path, programs: Path) -> list[dict[str, Any]]:
    """The results of ansible-playbook."""
    tasks = [{"name": module, module: args} for module, args in TASKS]
    (top / "play.yml").write_text(
        json.dumps([{"hosts": "box", "gather_facts": False, "tasks": tasks}])
    )
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_STDOUT_CALLBACK": "json",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(top / "cp"),
        "LC_ALL": "C.UTF-8",
    }
    words = ["ansible-playbook", "-i", str(box.inventory()), str(top / "play.yml")]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    told = json.loads(ended.stdout[ended.stdout.index("{") :])
    return [task["hosts"]["box"] for task in told["plays"][0]["tasks"]]


def ours(box: disposable.Machine, top: Path) -> list[dict[str, Any]]:
    """The results of opsrun's modules."""
    with inside(box, top) as host:
        return [host.run(module, args) for module, args in TASKS]


def main() -> int:
    """Run both ways; 1 if anything is not idle."""
    parser = argparse.ArgumentParser(description="opsrun behind ansible-playbook, and before it.")
    parser.add_argument("--programs", type=Path, default=Path("/usr/bin"), help="where that is")
    programs = parser.parse_args().programs
    looks, wrong = [], 0
    with tempfile.TemporaryDirectory(prefix="both-") as scratch:
        for first in ("opsrun", "ansible-playbook"):
            top = Path(scratch).resolve() / first
            top.mkdir()
            with disposable.machine(top / "box", PREPARE + FAR) as box:
                for program in sorted(("opsrun", "ansible-playbook"), key=lambda x: x != first):
                    mine = program == "opsrun"
                    results = ours(box, top) if mine else theirs(box, top, programs)
                    if program == first:
                        looks.append(seen(box))
                    for (module, args), result in zip(TASKS, results, strict=True):
                        if result.get("failed") or result["changed"] != (program == first):
                            wrong += 1
                            print(f"{program} behind {first}: {module} {args}: {result}")
    for name, one, other in (("opsrun", *looks), ("ansible-playbook", *looks[::-1])):
        print(f"{name} alone left:", *(line for line in one if line not in other), sep="\n  ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
