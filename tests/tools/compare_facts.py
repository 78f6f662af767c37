"""Compares the facts that the dialect's own engine finds with ours, key by key.

For each machine of ``tests/cases/setup/machines.yml``: prepares one that is thrown away, has
``ansible`` (2.18) and our own ``setup`` look at it, and prints what differs. With ``--record``
what that engine found is written down, as far as it is the same on any host.

    python tests/tools/compare_facts.py [--record] [--programs DIR] [NAME …]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import disposable
from support.fact_cases import MACHINES, chosen, machines, ordered
from support.machine_cases import inside

HEADER = "# Machines, and what the dialect's own engine finds on them.\n"
_PASSING = (
    "date_time",
    "env",
    "loadavg",
    "memfree_mb",
    "memory_mb",
    "uptime_seconds",
    "swapfree_mb",
)


def theirs(programs: Path, box: disposable.Machine, scratch: Path) -> dict[str, Any]:
    """What that engine finds."""
    environment = {
        **os.environ,
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_LOCAL_TEMP": str(scratch),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "cp"),
        "LC_ALL": "C.UTF-8",
    }
    words = [str(programs / "ansible"), "box", "-i", str(box.inventory()), "-m", "setup"]
    ended = subprocess.run(words, env=environment, capture_output=True, check=False)
    text = ended.stdout.decode()
    try:
        found: dict[str, Any] = json.loads(text[text.index("{") :])["ansible_facts"]
    except (ValueError, KeyError):
        raise SystemExit((text + ended.stderr.decode())[-3000:]) from None
    return _plain(found)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("ansible_"): value for name, value in facts.items()}


def differences(where: str, one: Any, other: Any) -> Iterator[str]:
    """Each key that differs, with both values."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            if key not in one:
                yield f"{where}.{key}: only here: {json.dumps(other[key]):.200}"
            elif key not in other:
                yield f"{where}.{key}: only there: {json.dumps(one[key]):.200}"
            else:
                yield from differences(f"{where}.{key}", one[key], other[key])
    elif type(one) is not type(other) or one != other:
        yield f"{where}: {json.dumps(one):.300} there, {json.dumps(other):.300} here"


def main() -> None:
    """Compare, and record if that is wanted."""
    parser = argparse.ArgumentParser(description="Compare facts with those of ansible.")
    parser.add_argument("names", nargs="*", help="of machines; all of them")
    parser.add_argument("--record", action="store_true", help="write down what was found there")
    parser.add_argument("--programs", type=Path, default=Path("/usr/bin"), help="ansible's")
    options = parser.parse_args()
    made = []
    for case in machines():
        made.append(case)
        if options.names and case["name"] not in options.names:
            continue
        with tempfile.TemporaryDirectory(prefix="machine-") as name:
            scratch = Path(name).resolve()
            with disposable.machine(scratch / "box") as box:
                box.sh("umask 022; " + case["prepare"])
                there = theirs(options.programs, box, scratch)
                with inside(box, scratch) as host:
                    here = _plain(host.run("setup", {})["ansible_facts"])
        print(f"== {case['name']}")
        for line in differences("", ordered(there), ordered(here)):
            if not line[1:].startswith(_PASSING):
                print(line)
        if options.record:
            case["facts"] = chosen(there, case["compared"])
    if options.record:
        text = yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=120)
        MACHINES.write_text(HEADER + text, encoding="utf-8")


if __name__ == "__main__":
    main()
