"""Tasks about containers that were done with a real daemon, and a docker(1) that answers as it did.

``tests/cases/docker/recorded.json`` has the calls: words, what was read, what was answered. It was
made by `record` on a machine where Docker 26.1 ran, with docker(1) 28.2; beside each task stands
what the dialect's own module made of the same one, in the same order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.module_cases import CASES

PATH = CASES / "docker" / "recorded.json"

_SHIM = """\
#!{python} -IS
import json, os, subprocess, sys
known, log, real = {known!r}, {log!r}, {real!r}
words = sys.argv[1:]
given = sys.stdin.read() if {{"/dev/stdin", "-"}} & {{*words}} else ""
values = {{name: os.environ[name] for flag, name in zip(words, words[1:])
          if flag == "--env" and "=" not in name}}
key = json.dumps([words, given, values])
if real:
    made = subprocess.run([real, *words], input=given, capture_output=True, text=True)
    answer = [key, made.returncode, made.stdout, made.stderr]
    with open(log, "a") as file:
        file.write(json.dumps(answer) + "\\n")
else:
    with open(log, "a+") as file:
        file.seek(0)
        used = file.read().splitlines().count(key)
        file.write(key + "\\n")
    with open(known) as file:
        answers = [each for each in json.load(file)["calls"] if each[0] == key]
    if used >= len(answers):
        sys.exit("never recorded: " + key)
    answer = answers[used]
sys.stdout.write(answer[2])
sys.stdout.flush()
sys.stderr.write(answer[3])
sys.exit(answer[1])
"""


def shim(log: Path | str, known: Path | str = PATH, *, real: str = "", python: str = "") -> str:
    """A docker(1) that answers as it was recorded, or that records what a ``real`` one answers."""
    program = python or sys.executable
    return _SHIM.format(python=program, known=str(known), log=str(log), real=real)


def recorded() -> Mapping[str, Any]:
    """``tasks``: module, args, check, result, peer; ``calls``."""
    found: Mapping[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


_AA = {"name": "shop", "image": "bb:1", "stop_timeout": 1}
_MANY = {
    **_AA,
    "command": ["sleep", "100"],
    "env": {"SECRET": "a 'b\" $c*", "TEXT": "one\ntwo"},
    "ports": ["8091:80", "127.0.0.1:8092:92/udp"],
    "volumes": ["/srv/shop:/data:ro", "shop:/more"],
    "memory": "32M",
    "restart_policy": "unless-stopped",
    "labels": {"a": "b"},
    "networks": [{"name": "back", "aliases": ["db"], "ipv4_address": "10.9.0.7"}],
    "healthcheck": {"test": ["CMD", "true"], "interval": "1s", "retries": 2},
    "tmpfs": ["/t:size=1m"],
    "ulimits": ["nofile:100:200"],
    "capabilities": ["sys_time"],
    "etc_hosts": {"h": "10.1.1.1"},
    "cpus": 0.5,
}
_BUILT = {"name": "built", "source": "build", "build": {"path": "/srv/b", "args": {"A": "2"}}}
_BACK = {"name": "back", "ipam_config": [{"subnet": "10.9.0.0/24"}], "labels": {"a": "b"}}
TASKS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("network", _BACK),
    ("network", _BACK),
    ("container", _MANY),
    ("container", _MANY),
    ("container", {**_AA, "memory": "64M", "memory_swap": "128M"}),
    ("container", {**_AA, "env": {"OTHER": "1"}, "force_kill": True}),
    ("container", {**_AA, "state": "stopped"}),
    ("container", {**_AA, "restart": True, "state": "started"}),
    ("network", {**_BACK, "connected": ["shop"]}),
    ("network", {**_BACK, "connected": ["shop"]}),
    ("container", {**_AA, "image": "nosuch:1", "pull": "never"}),
    ("container", {"name": "once", "image": "bb:1", "command": "echo hi", "detach": False}),
    ("container", {"name": "once", "state": "absent"}),
    ("container", {"name": "shop", "state": "absent", "force_kill": True}),
    ("container", {"name": "shop", "state": "absent"}),
    ("network", {"name": "back", "state": "absent"}),
    ("network", {"name": "back", "state": "absent"}),
    ("image", {"name": "bb:1", "source": "local", "repository": "r.example/b:2"}),
    ("image", {"name": "bb:1", "source": "local", "repository": "r.example/b:2"}),
    ("image", {"name": "bb:1", "source": "local", "archive_path": "/srv/bb.tar"}),
    ("image", {"name": "r.example/b:2", "state": "absent"}),
    ("image", {"name": "r.example/b:2", "state": "absent"}),
    ("image", {"name": "nosuch", "source": "local"}),
    ("image", _BUILT),
    ("image", _BUILT),
    ("image", {"name": "built", "state": "absent", "force_absent": True}),
    ("image_pull", {"name": "bb", "tag": "1", "pull": "not_present"}),
)


def shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is compared of a result."""
    names = ("changed", "failed", "msg", "diff", "actions", "status")
    found = {name: result[name] for name in names if name in result}
    inside = result.get("container") or {}
    if "Config" in inside:
        found["env"] = sorted(inside["Config"]["Env"])
    return found
