"""Records what the dialect's own engine does to a whole machine, step by step.

Reads ``tests/cases/<module>/machine.yml``, runs its steps with the program ``ansible-playbook``
(2.18) on a machine that is thrown away, each in check mode, in earnest and once more, and writes
down the results and what the machine looks like. A new step needs its name and parameters.

    python tests/tools/record_machines.py user [--called ansible.builtin.user] [--programs DIR]
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

from support import disposable
from support.machine_cases import PREPARE, plain, sight, steps, told
from support.module_cases import CASES

HEADER = "# What the dialect's own engine made of each step; the texts of messages are left out.\n"
_OURS = ("_ansible_no_log", "_ansible_item_label", "invocation")


def _tasks(module: str, number: int, step: Mapping[str, Any], look: str) -> list[dict[str, Any]]:
    def ran(register: str, **more: Any) -> dict[str, Any]:
        task = {"name": str(step["name"]), module: step.get("args", {}), "ignore_errors": True}
        return {**task, "register": f"{register}{number}", **more}

    tasks = []
    if "before" in step:
        tasks.append({"raw": step["before"]})
    tasks += [ran("check", check_mode=True, diff=True), ran("result")]
    tasks.append({"raw": f"{{% raw %}}{look}{{% endraw %}}", "register": f"after{number}"})
    return [*tasks, ran("again")]


def ran(
    programs: Path, module: str, known: Sequence[Mapping[str, Any]]
) -> list[dict[str, dict[str, Any]]]:
    """What each step came to, in order."""
    with tempfile.TemporaryDirectory(prefix="machine-") as scratch:
        top = Path(scratch).resolve()
        with disposable.machine(top / "box", PREPARE) as box:
            look = sight(module.rpartition(".")[2])
            tasks = [task for i, step in enumerate(known) for task in _tasks(module, i, step, look)]
            names = ("check", "result", "after", "again")
            kept = [{each: f"{{{{ {each}{i} }}}}" for each in names} for i in range(len(known))]
            out = top / "results.json"
            tasks.append({"set_fact": {"kept": kept}})
            write = {"content": "{{ kept | to_json }}", "dest": str(out)}
            tasks.append({"copy": write, "delegate_to": "localhost"})
            play = {"hosts": "box", "gather_facts": False, "tasks": tasks}
            (top / "play.yml").write_text(json.dumps([play]))
            environment = {
                **os.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_LOCAL_TEMP": scratch,
                # One machine is called as the next: none may be taken for another.
                "ANSIBLE_SSH_CONTROL_PATH_DIR": str(top / "cp"),
                "LC_ALL": "C.UTF-8",
            }
            words = ["ansible-playbook", "-i", str(box.inventory()), str(top / "play.yml")]
            ended = subprocess.run(words, env=environment, capture_output=True, check=False)
            if not out.exists():
                raise SystemExit((ended.stdout + ended.stderr).decode()[-3000:])
            found: list[dict[str, dict[str, Any]]] = json.loads(out.read_text())
            return found


def recorded(
    programs: Path, module: str, known: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The steps with what came of them."""
    made = []
    for step, came in zip(known, ran(programs, module, known), strict=True):
        results = {
            each: told({name: value for name, value in came[each].items() if name not in _OURS})
            for each in ("check", "result", "again")
        }
        after = plain(came["after"]["stdout"]).replace("\r", "").splitlines()
        given = {key: step[key] for key in ("name", "before", "args") if key in step}
        made.append({**given, **results, "after": after})
    return made


def main() -> None:
    """Record the steps of one module."""
    parser = argparse.ArgumentParser(description="Record the steps of a module on a machine.")
    parser.add_argument("module", help="its folder below tests/cases")
    parser.add_argument("--called", help="its full name, where it is another")
    parser.add_argument(
        "--programs", type=Path, default=Path("/usr/bin"), help="ansible-playbook's"
    )
    options = parser.parse_args()
    fresh = recorded(options.programs, options.called or options.module, steps(options.module))
    text = yaml.safe_dump(fresh, sort_keys=False, allow_unicode=True)
    (CASES / options.module / "machine.yml").write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
