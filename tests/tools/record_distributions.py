"""Records which distribution the dialect's own engine sees behind files of hosts.

Reads ``tests/cases/setup/distributions.yml``, places the files of each system in a machine that is
thrown away, has the program ``ansible-playbook`` (2.18) gather its facts, and writes them down. A
new system needs its name and files.

    python tests/tools/record_distributions.py [--programs DIR]
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
from support.fact_cases import CLEARED, DISTRIBUTIONS, placing, systems

HEADER = "# Files of real systems, and what the dialect's own engine makes of them.\n"
PREPARE = f"{CLEARED}\nrm -f /usr/bin/lsb_release\n"


def ran(programs: Path, known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The facts of each system, in order."""
    with tempfile.TemporaryDirectory(prefix="machine-") as scratch:
        top = Path(scratch).resolve()
        with disposable.machine(top / "box", PREPARE) as box:
            (top / "systems.json").write_text(json.dumps([placing(each) for each in known]))
            out = top / "results.json"
            tasks: list[dict[str, Any]] = []
            for i in range(len(known)):
                tasks.append({"raw": f"{{{{ systems[{i}] }}}}"})
                subset = ["!all", "!min", "distribution", "lsb", "pkg_mgr"]
                told = {"gather_subset": subset}
                tasks.append({"setup": told, "register": f"told{i}"})
            kept = [f"{{{{ told{i}.ansible_facts }}}}" for i in range(len(known))]
            tasks.append({"set_fact": {"kept": kept}})
            write = {"content": "{{ kept | to_json }}", "dest": str(out)}
            tasks.append({"copy": write, "delegate_to": "localhost"})
            play = {"hosts": "box", "gather_facts": False, "tasks": tasks}
            play["vars"] = {
                "systems": "{{ lookup('file', '" + str(top / "systems.json") + "') | from_json }}"
            }
            (top / "play.yml").write_text(json.dumps([play]))
            environment = {
                **os.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_LOCAL_TEMP": scratch,
                "ANSIBLE_SSH_CONTROL_PATH_DIR": str(top / "cp"),
                "LC_ALL": "C.UTF-8",
            }
            words = ["ansible-playbook", "-i", str(box.inventory()), str(top / "play.yml")]
            ended = subprocess.run(words, env=environment, capture_output=True, check=False)
            if not out.exists():
                raise SystemExit((ended.stdout + ended.stderr).decode()[-3000:])
            found: list[dict[str, Any]] = json.loads(out.read_text())
            return found


def main() -> None:
    """Record all systems anew."""
    parser = argparse.ArgumentParser(description="Record which distributions files make.")
    parser.add_argument(
        "--programs", type=Path, default=Path("/usr/bin"), help="ansible-playbook's"
    )
    parser.add_argument("--new", action="store_true", help="only those without facts")
    options = parser.parse_args()
    made = [each for each in systems() if options.new and "facts" in each]
    known = [each for each in systems() if each not in made]
    for each, facts in zip(known, ran(options.programs, known), strict=True):
        told = {
            name.removeprefix("ansible_"): value
            for name, value in sorted(facts.items())
            if name.startswith(("ansible_distribution", "ansible_os_family", "ansible_lsb"))
        }
        made.append({"name": each["name"], "files": each["files"], "facts": told})
    text = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=200)
    DISTRIBUTIONS.write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
