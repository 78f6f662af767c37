"""Record what ansible-playbook prints for the playbooks of tests/cases/output.

Usage: record_ansible_output.py /absolute/path/of/ansible-playbook
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.ansible_output import CASES, FOLDER, RECORDED, Case, normal, words


def main(program: str) -> None:
    """Record every case."""
    if not os.path.isabs(program):
        sys.exit("name ansible-playbook by its absolute path")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if not version.stdout.startswith("ansible-playbook [core 2.18."):
        sys.exit(f"{program} is not ansible-playbook 2.18: {version.stdout.splitlines()[:1]}")
    RECORDED.mkdir(exist_ok=True)
    for case in CASES:
        case.recording.write_text(_recorded(program, case))
        print(case.name)


def _recorded(program: str, case: Case) -> str:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment["ANSIBLE_FORCE_COLOR" if case.color else "ANSIBLE_NOCOLOR"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program, *words(case, Path(folder))],
            cwd=FOLDER,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if "PLAY RECAP" not in done.stdout.decode():
            sys.exit(f"{case.name}: {done.stderr.decode()}")
        return normal(done.stdout.decode(), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
