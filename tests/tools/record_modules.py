"""Records what the dialect's own engine makes of cases of a module.

Reads ``tests/cases/<module>/recorded.yaml``, runs every case with the program ``ansible-playbook``
(2.18) on a tree of its own, in check mode, in earnest and once more, and writes down what came of
it. A new case needs only its name, its parameters and the tree that it starts from.

    python tests/tools/record_modules.py lineinfile [--only NEW] [--programs DIR] [--called NAME]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.module_cases import CASES, load, make, placed, tree, usual

HEADER = "# What the dialect's own engine made of each case; the texts of messages are left out.\n"


def ran(
    programs: Path,
    module: str,
    cases: Sequence[Mapping[str, Any]],
    top: Path,
    *,
    check: bool = False,
    diff: bool = False,
) -> list[dict[str, Any]]:
    """The result of each case, ``top/NUMBER`` being its tree, in one run: of a task for each, since
    what some modules refuse ends a whole loop."""
    items = [placed(each.get("args", {}), str(top / str(i))) for i, each in enumerate(cases)]
    shared = {"ignore_errors": True, "check_mode": check, "diff": diff}
    tasks = [
        {module: f"{{{{ cases[{i}] }}}}", "register": f"told_{i}", **shared}
        for i in range(len(cases))
    ]
    every = ", ".join(f"told_{i}" for i in range(len(cases)))
    with tempfile.TemporaryDirectory() as scratch:
        playbook, given = Path(scratch, "play.yml"), Path(scratch, "cases.json")
        results_file = Path(scratch, "results.json")
        kept = {"copy": {"content": f"{{{{ [{every}] | to_json }}}}", "dest": str(results_file)}}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [*tasks, kept]}
        playbook.write_text(json.dumps([play]))
        given.write_text(json.dumps({"cases": items}))
        words = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{given}"]
        words += ["-e", "ansible_python_interpreter=/usr/bin/python3", str(playbook)]
        environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_LOCAL_TEMP": scratch,
            "LC_ALL": "C.UTF-8",
        }
        ended = subprocess.run(words, env=environment, capture_output=True, check=False)
        if not results_file.exists():
            raise SystemExit((ended.stdout + ended.stderr).decode()[-2000:])
        results: list[dict[str, Any]] = json.loads(results_file.read_text())
    assert len(results) == len(cases)
    return [_told(each) for each in results]


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "_ansible_no_log"}


def recorded(
    programs: Path, module: str, cases: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The cases with what came of them."""
    with tempfile.TemporaryDirectory(prefix="cases-") as scratch:
        top = Path(scratch).resolve()
        for number, case in enumerate(cases):
            make(case.get("before", {}), top / str(number))
        checked = ran(programs, module, cases, top, check=True, diff=True)
        results = ran(programs, module, cases, top)
        after = [tree(top / str(number)) for number in range(len(cases))]
        again = ran(programs, module, cases, top)
        told = []
        for number, case in enumerate(cases):
            where = str(top / str(number))
            given = {key: case[key] for key in ("name", "args", "before", "needs") if key in case}
            came = {
                "check": usual(checked[number], where),
                "result": usual(results[number], where),
                "after": after[number],
                "again": usual(again[number], where),
            }
            told.append({**given, **came})
    return told


def main() -> None:
    """Record the cases of one module."""
    parser = argparse.ArgumentParser(description="Record cases of a module.")
    parser.add_argument("module", help="its folder below tests/cases")
    parser.add_argument("--called", help="its full name, where it is another")
    parser.add_argument(
        "--programs", type=Path, default=Path("/usr/bin"), help="ansible-playbook's"
    )
    parser.add_argument("--only", choices=("new",), help="keep what is recorded already")
    options = parser.parse_args()
    cases = load(options.module)
    wanted = [each for each in cases if options.only is None or "result" not in each]
    fresh = recorded(options.programs, options.called or options.module, wanted)
    by_name = {each["name"]: each for each in fresh}
    text = yaml.safe_dump(
        [by_name.get(each["name"], each) for each in cases], sort_keys=False, allow_unicode=True
    )
    (CASES / options.module / "recorded.yaml").write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
