"""What dnf tells of packages and repositories, and changes nothing."""

from __future__ import annotations

from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.packages.dnf_options import DnfOptions
from opsrun.modules.packages.dnf_table import why
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_FORMAT = r"%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{repoid}"
_ALL = {
    "installed": "--installed",
    "available": "--available",
    "updates": "--upgrades",
    "upgrades": "--upgrades",
}

_ASK = r"""
ask() {
  k=$1
  shift
  out=$("$tool" -q "$@" 2>/dev/null </dev/null)
  rc=$?
  e=
  # Its words are among what it tells; those of a failure are asked for apart.
  [ "$rc" -eq 0 ] || e=$("$tool" -q "$@" 2>&1 </dev/null)
  say "$k" "$out" rc "$rc" why "$e"
  [ "$rc" -eq 0 ] || exit 0
}
"""


def script_for_list(module: DnfOptions, tool: str) -> str:
    """What asks for it; wants ``say``."""
    options = " ".join(module.places())
    asked = module.listed or ""
    lines = [f"tool={tool}\n{_ASK}"]
    if asked == "repos":
        lines.append(f"ask repos {options} repolist --enabled\n")
        return "".join(lines)
    query = f"{options} repoquery --qf {word(_FORMAT)}"
    if asked in _ALL:
        state = "installed" if asked == "installed" else "available"
        lines.append(f"ask {state} {query} {_ALL[asked]}\n")
        return "".join(lines)
    for state in ("installed", "available"):
        lines.append(f"ask {state} {query} --{state} {word(asked)}\n")
    return "".join(lines)


def read_list(asked: str, answer: CommandResult) -> list[dict[str, Any]]:
    """What came of it, as ``results``. ModuleError: dnf could not tell."""
    answers = Answers(answer)
    for rc, words in zip(answers.every("rc"), answers.every("why"), strict=True):
        if int(rc):
            raise ModuleError(why(words), rc=int(rc), results=[])
    if asked == "repos":
        rows = [each.split() for each in answers.text("repos").splitlines()[1:]]
        return [{"repoid": row[0], "state": "enabled"} for row in rows if row]
    return [
        _package(line.split("|"), state)
        for state in ("installed", "available")
        for line in answers.text(state).splitlines()
        if line.count("|") == 5
    ]


def _package(fields: list[str], state: str) -> dict[str, Any]:
    name, epoch, version, release, arch, repo = fields
    whole = f"{epoch}:{name}-{version}-{release}.{arch}"
    return {
        "name": name,
        "arch": arch,
        "epoch": epoch,
        "release": release,
        "version": version,
        "repo": "@System" if state == "installed" else repo,
        "envra": whole,
        "nevra": whole,
        "yumstate": state,
    }
