"""Runs a case with the real program, or with opsrun, and says what came of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.cases import HERE, Place
from conformance.kept import Programs, Wish
from conformance.normal import Normal, of_ansible, of_opsrun, tree

LIMIT = 600.0
"""Seconds after which a program that hangs is given up."""
STATUS = {0: "ok", 2: "failed", 3: "failed", 4: "unreachable", 6: "unreachable", 8: "failed"}
"""Words for Ansible's exit statuses."""
OWN_STATUS = {0: "ok", 1: "failed", 3: "unreachable", 4: "unreachable"}
"""Words for opsrun's."""


def environment(place: Place) -> dict[str, str]:
    """Nothing of the operator's world but where programs are."""
    keep = {name: os.environ[name] for name in ("PATH", "OPSRUN_LAB") if name in os.environ}
    keep["PATH"] += ":/usr/sbin:/sbin"
    return keep | {
        "HOME": str(place.top / "home"),
        "LC_ALL": "C.UTF-8",
        "CASE_WORD": "from the environment",
    }


def check_is_ansible(program: str) -> str:
    """The version of a real ansible-playbook.

    Raises:
        ValueError: it is something else.
    """
    if not os.path.isabs(program):
        raise ValueError(f"give ansible-playbook by its absolute path, not as {program!r}")
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    first = found.stdout.partition("\n")[0]
    if (
        not first.startswith("ansible-playbook [core 2.")
        or "ansible python module" not in found.stdout
    ):
        raise ValueError(f"{program} is not ansible-playbook: {first or found.stderr.strip()!r}")
    return first.partition("core ")[2].rstrip("]")


def with_ansible(program: str, place: Place, normal: Normal) -> dict[str, Any]:
    """What the real program makes of it."""
    lines = place.top / "outcomes.jsonl"
    more = {
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_STDOUT_CALLBACK": "outcomes",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_JINJA2_NATIVE": "0" if "texts" in place.case.needs else "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_REMOTE_TEMP": str(place.top / "home" / "tmp"),
        "OUTCOMES_FILE": str(lines),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "1",
    }
    words = [program, *place.words]
    if place.case.inventory is not None:
        words += ["-e", "ansible_python_interpreter=/usr/bin/python3"]
    done = _run(words, place, more)
    found = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    return _whole(of_ansible(found, normal), STATUS.get(done.returncode, "refused"), place, normal)


def with_opsrun(place: Place, normal: Normal, programs: Programs) -> dict[str, Any]:
    """What opsrun makes of it. Raises AssertionError if it shows a traceback."""
    out, error = place.top / "stdout", place.top / "stderr"
    words = ("playbook", *place.words, "-o", "jsonl", "--engine", "threads")
    wish = Wish(words, str(place.cwd), environment(place), str(out), str(error))
    ended = programs.run(wish, LIMIT)
    err = error.read_text(errors="replace")
    assert "Traceback" not in err, err
    found = [json.loads(line) for line in out.read_text().splitlines()]
    for line in found:
        if line["type"] == "notice" and "a bug in opsrun" in line["message"]:
            raise AssertionError(line["message"])
    status = OWN_STATUS.get(ended, "refused")
    return _whole(of_opsrun(found, normal), status, place, normal) | {"err": err}


def _run(
    words: list[str], place: Place, more: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        words,
        cwd=place.cwd,
        env=environment(place) | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    (place.top / "stdout").write_bytes(done.stdout)
    (place.top / "stderr").write_bytes(done.stderr)
    return done


def _whole(found: dict[str, Any], status: str, place: Place, normal: Normal) -> dict[str, Any]:
    if status != "ok" and not found["hosts"] and not found["recap"]:
        status = "refused"
    if status == "refused":
        found["plays"] = []
    return {"status": status, **found, "tree": tree(normal, place.out)}


def normal_for(place: Place, lab: Path | None) -> Normal:
    """See `Normal`; the lab's folder is no part of a recording either."""
    return Normal(place.top, {} if lab is None else {str(lab.parent): "$LAB"})
