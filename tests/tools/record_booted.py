"""Records what the dialect's own engine makes of services, on a machine booted with systemd.

Reads ``tests/cases/systemd_service/booted.yml``, runs its steps with the program
``ansible-playbook`` (2.18) on a machine that is thrown away, and writes down what each came to. A
new step needs its module and parameters.

    python tests/tools/record_booted.py [--programs DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import booted, disposable


def main() -> None:
    """Run all steps in one play."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--programs", type=Path, default=Path("/usr/bin"))
    programs = reader.parse_args().programs
    steps = booted.steps()
    tasks = []
    for number, step in enumerate(steps):
        task = {step["module"]: step["args"], "register": f"r{number}", "ignore_errors": True}
        tasks.append(task | ({"check_mode": True} if step.get("check") else {}))
    every = ", ".join(f"r{number}" for number in range(len(steps)))
    with tempfile.TemporaryDirectory(prefix="booted-") as scratch:
        top = Path(scratch)
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        write = {"content": f"{{{{ [{every}] | to_json }}}}", "dest": str(top / "out")}
        tasks.append({"copy": write, "delegate_to": "localhost", "vars": here})
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (top / "play.yml").write_text(json.dumps(play))
        with disposable.machine(top / "box", booted.PREPARE, booted=True) as box:
            words = [str(programs / "ansible-playbook"), "-i", str(box.inventory()), "play.yml"]
            own = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(top / "control")}
            env = {**os.environ, **disposable.environment(), **own}
            subprocess.run(words, cwd=top, env=env, check=False)
        for step, result in zip(steps, json.loads((top / "out").read_text()), strict=True):
            step["result"] = booted.told(result)
    text = yaml.safe_dump(steps, sort_keys=False, width=100)
    head = "# What the dialect's own engine made of each step, on a machine booted with systemd.\n"
    booted.FILE.write_text(head + text, encoding="utf-8")


if __name__ == "__main__":
    main()
