"""Zones of firewalld, in machines that are thrown away; and what its programs answered there.

What they answered to each call of each step is kept in ``tests/cases/firewalld``, so that the steps
are also carried out where there is no firewalld: then programs of the same names answer from that.
Written anew by ``python -m support.firewalld`` in ``tests``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support import disposable
from support.machine_cases import inside
from support.module_cases import CASES
from support.module_host import ModuleHost

from opsrun.modules.options import OptionError

TOP = CASES / "firewalld"
ANSWERS = TOP / "answers.json"
RUNS = ("check", "result", "again")
USUAL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = ("firewall-cmd", "firewall-offline-cmd")

_SPY = """\
#!/usr/bin/python3
import json, os, subprocess, sys
name = os.path.basename(sys.argv[0])
words = ["/usr/bin/" + name, *sys.argv[1:]]
ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
sys.stdout.write(ended.stdout)
sys.stderr.write(ended.stderr)
told = {"words": [name, *sys.argv[1:]], "rc": ended.returncode}
with open("/run/calls", "a") as file:
    print(json.dumps({**told, "stdout": ended.stdout, "stderr": ended.stderr}), file=file)
sys.exit(ended.returncode)
"""
_SPYING = """
mkdir /run/spies
cat >/run/spies/firewall-cmd
cp /run/spies/firewall-cmd /run/spies/firewall-offline-cmd
chmod 755 /run/spies/*
"""
_ACTOR = """\
#!/bin/sh
cd "TOP" || exit
read -r n <next
echo "$((n + 1))" >next
printf '%s\\n' "${0##*/}" "$@" >"words.$n"
umask >"umask.$n"
while IFS= read -r l; do printf '%s\\n' "$l"; done <"stdout.$n"
while IFS= read -r l; do printf '%s\\n' "$l"; done <"stderr.$n" >&2
read -r rc <"rc.$n"
exit "$rc"
"""


def groups() -> list[dict[str, Any]]:
    """Each on a machine of its own: its name, whether firewalld runs there, its steps."""
    found: list[dict[str, Any]] = yaml.safe_load((TOP / "steps.yml").read_text(encoding="utf-8"))
    return found


def obstacle() -> str | None:
    """Why there is no firewalld; None when nothing is in the way."""
    if shutil.which("firewall-offline-cmd") is None:
        return "there is no firewalld: its answers are replayed (Debian: firewalld)"
    reason = disposable.no_systemd()
    return reason and f"no disposable machine: {reason}"


@contextmanager
def machine(directory: Path, *, booted: bool) -> Iterator[disposable.Machine]:
    """One with firewalld, as it comes; booted, it runs."""
    start = "systemctl start dbus && systemctl start firewalld" if booted else ""
    with disposable.machine(directory, start, booted=booted) as box:
        yield box


def done(host: ModuleHost, args: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    """The result of a task."""
    try:
        return host.run("firewalld", args, check=check, diff=True)
    except OptionError as error:
        return {"changed": False, "failed": True, "msg": str(error)}


def told(result: Mapping[str, Any]) -> str:
    """In one word."""
    return "failed" if result.get("failed") else "changed" if result["changed"] else "ok"


def recorded(box: disposable.Machine, directory: Path, group: Mapping[str, Any]) -> list[Any]:
    """Each step, run by run: the calls of the programs, what they answered, the result."""
    box.run("sh", "-c", _SPYING, stdin=_SPY.encode())
    made = []
    with inside(box, directory, "sh", f"/run/spies:{USUAL}") as host:
        for step in group["steps"]:
            ran = {}
            for run in RUNS:
                box.sh(": >/run/calls")
                result = done(host, step["args"], check=run == "check")
                calls = [json.loads(each) for each in box.sh("cat /run/calls").splitlines()]
                ran[run] = {"calls": calls, "result": result}
            made.append({"args": step["args"], **ran})
    return made


def kept() -> dict[str, list[dict[str, Any]]]:
    """What was recorded, by the name of its group."""
    found: dict[str, list[dict[str, Any]]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def actors(top: Path) -> None:
    """Programs that answer from `staged`."""
    top.mkdir()
    for name in PROGRAMS:
        (top / name).write_text(_ACTOR.replace("TOP", str(top)))
        (top / name).chmod(0o755)


def staged(top: Path, calls: Sequence[Mapping[str, Any]]) -> None:
    """Have the programs give these answers, one after the other."""
    for old in top.glob("*.*"):
        old.unlink()
    (top / "next").write_text("0\n")
    for number, call in enumerate(calls):
        for name in ("rc", "stdout", "stderr"):
            text = str(call[name])
            end = "" if not text or text.endswith("\n") else "\n"
            (top / f"{name}.{number}").write_text(text + end)


def heard(top: Path) -> list[list[str]]:
    """The words of each call that there was."""
    files = sorted(top.glob("words.*"), key=lambda each: int(each.suffix[1:]))
    return [each.read_text().splitlines() for each in files]


def main() -> None:
    """Record all groups anew."""
    made = {}
    for group in groups():
        with tempfile.TemporaryDirectory(prefix="firewalld-") as scratch:
            top = Path(scratch).resolve()
            with machine(top / "box", booted=group["booted"]) as box:
                made[group["name"]] = recorded(box, top, group)
    text = json.dumps(made, indent=1, ensure_ascii=False)
    ANSWERS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
