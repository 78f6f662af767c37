"""Makes the recordings that the conformance tests compare with: ``make conformance``.

Every case is run with the real ansible-playbook, named by ``$ANSIBLE_PLAYBOOK`` or taken from an
environment that is made for it, and what it does is written down in ``recordings/``.

    python tests/conformance/record.py [CASE...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.cases import LAB_HOSTS, RECORDINGS, Case, all_cases, lay_out
from conformance.running import check_is_ansible, normal_for, with_ansible

WANTED = "ansible-core==2.18.*"


def find_program(cache: Path) -> str:
    """The real ansible-playbook by its absolute path; installed under ``cache`` if need be."""
    named = os.environ.get("ANSIBLE_PLAYBOOK")
    if named:
        return named
    program = cache / "bin" / "ansible-playbook"
    if not program.exists():
        venv.create(cache, with_pip=True)
        words = [str(cache / "bin" / "python"), "-m", "pip", "install", "-q", WANTED]
        subprocess.run(words, check=True)
    return str(program)


def record(program: str, case: Case, lab: Path | None) -> list[dict[str, Any]]:
    """What the program does in each run of a case."""
    found = []
    for run in case.runs:
        with tempfile.TemporaryDirectory(prefix="conf-") as top:
            place = lay_out(case, run, Path(top).resolve(), lab)
            made = with_ansible(program, place, normal_for(place, lab))
            found.append({"run": list(run), **made})
            if made["status"] == "refused" and "refused" not in case.needs:
                print(case.name, (place.top / "stderr").read_text(), file=sys.stderr)
    return found


def write(case: Case, runs: Sequence[dict[str, Any]]) -> None:
    """Write a recording, if it is another one than there is."""
    text = json.dumps(runs, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if not case.recording.exists() or case.recording.read_text() != text:
        case.recording.write_text(text)


def main() -> int:
    """Record all cases, or those that are named; the exit status."""
    parser = argparse.ArgumentParser(description="Record what ansible-playbook does.")
    parser.add_argument("cases", nargs="*", help="names; all if none")
    parser.add_argument("-j", "--jobs", type=int, default=3, help="cases at a time")
    options = parser.parse_args()
    cases = [case for case in all_cases() if not options.cases or case.name in options.cases]
    missing = set(options.cases) - {case.name for case in cases}
    if missing:
        parser.error(f"there is no case {', '.join(sorted(missing))}")
    program = find_program(Path.home() / ".cache" / "opsrun-conformance")
    print(f"recording {len(cases)} cases with ansible-core {check_is_ansible(program)}")
    RECORDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        return record_all(program, cases, options.jobs, Path(folder).resolve())


def record_all(program: str, cases: Sequence[Case], jobs: int, folder: Path) -> int:
    """Record them, with a lab where one of them needs it; the number that could not be."""
    if not any("lab" in case.needs for case in cases):
        return _record_each(program, cases, jobs, None)
    from opsrun.lab import Lab

    with Lab(folder / "lab", hosts=LAB_HOSTS, server="sshd") as lab:
        return _record_each(program, cases, jobs, Path(lab.inventory))


def _record_each(program: str, cases: Sequence[Case], jobs: int, lab: Path | None) -> int:
    def one(case: Case) -> int:
        try:
            runs = record(program, case, lab)
        except Exception as error:
            print(f"{case.name}: {error!r}", file=sys.stderr)
            return 1
        write(case, runs)
        print(f"{case.name}: {', '.join(run['status'] for run in runs)}", flush=True)
        return 0

    with ThreadPoolExecutor(jobs) as pool:
        return min(1, sum(pool.map(one, cases)))


if __name__ == "__main__":
    sys.exit(main())
