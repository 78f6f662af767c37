"""Records what Ansible makes of the case inventories; the tests compare opsrun with the records.

    python tests/tools/record_inventory.py PATH/TO/ansible-inventory [CASE ...]

A case is a folder in ``tests/unit/inventory/cases`` with a ``case.json``::

    {"sources": ["hosts.ini"],        what to load, seen from the folder
     "options": ["-l", "web"],        further options of ansible-inventory
     "patterns": ["web:!db"],         host patterns to evaluate
     "graph_vars": false,             Ansible itself breaks down on ``--graph --vars``
     "error": "text", "line": 3,      opsrun must refuse it, saying this there
     "stricter": true}                opsrun refuses what Ansible takes

The program reads a copy of the folder with a private HOME, so that no path of this machine gets
into a record, and runs elsewhere, because Ansible takes the working directory for a playbook's.
Records go to the case's ``expected/``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CASES = Path(__file__).parents[1] / "unit" / "inventory" / "cases"


def inside(folder: Path, word: str) -> str:
    """``word`` as a path in the case's folder, if there is such a file."""
    return str(folder / word) if (folder / word).exists() else word


def run(program: Path, args: list[str], home: str) -> tuple[int, str]:
    """Status and standard output of one call, in an empty directory."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CONFIG": f"{home}/empty.cfg",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
    }
    done = subprocess.run(
        [str(program), *args], cwd=home, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def record(program: Path, case: Path) -> None:
    """Write ``expected/`` of one case anew."""
    about = json.loads((case / "case.json").read_text())
    expected = case / "expected"
    shutil.rmtree(expected, ignore_errors=True)
    expected.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "case"
        shutil.copytree(case, folder, ignore=shutil.ignore_patterns("expected", "case.json"))
        home = Path(scratch) / "home"
        home.mkdir()
        (home / "empty.cfg").touch()
        for name, text in outputs(program, about, folder, str(home)).items():
            (expected / name).write_text(text)


def outputs(program: Path, about: dict[str, Any], folder: Path, home: str) -> dict[str, str]:
    """The records of one case by file name."""
    where = [arg for source in about["sources"] for arg in ("-i", inside(folder, source))]
    options = [*where, *(inside(folder, option) for option in about.get("options", []))]
    status, listed = run(program, [*options, "--list"], home)
    should = "error" in about and not about.get("stricter")
    assert bool(status) is should, f"{about}: Ansible ended with {status}"
    if status:
        return {"refused": ""}
    if "error" in about:
        return {"accepted": ""}
    found = {"list.json": listed}
    graphs = {"graph.txt": ["--graph"], "graph_vars.txt": ["--graph", "--vars"]}
    if not about.get("graph_vars", True):
        del graphs["graph_vars.txt"]
    for name, args in graphs.items():
        status, found[name] = run(program, [*options, *args], home)
        assert status == 0, f"{folder}: {name}"
    if patterns := about.get("patterns"):
        table = {pattern: hosts(program, where, pattern, home) for pattern in patterns}
        found["patterns.json"] = json.dumps(table, indent=1) + "\n"
    return found


def hosts(program: Path, where: list[str], pattern: str, home: str) -> list[str]:
    """The hosts that Ansible selects by ``pattern``, in its order."""
    args = [*where, "--list-hosts", "--", pattern]
    _, text = run(program.with_name("ansible"), args, home)
    head, _, rest = text.partition(":\n")
    assert re.fullmatch(r"\s*hosts \(\d+\)", head), text
    return rest.split()


def main() -> None:
    """Record every case, or those that are named."""
    program, *wanted = sys.argv[1:]
    for case in sorted(path.parent for path in CASES.glob("*/case.json")):
        if not wanted or case.name in wanted:
            print(case.name, flush=True)
            record(Path(program).absolute(), case)


if __name__ == "__main__":
    main()
