"""What is left to a host, and how it is known again."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.modules.requests import Run

FOLDER = "~/.opsrun/async"
"""Where jobs are kept on a host unless ``ansible_async_dir`` says otherwise."""

PROGRAM = "program"
"""Key of a recipe: a program that no list of modules has, whose output is its result; its name."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class Job:
    """What remains of a module: a script that needs nobody, and how to read what it came to."""

    request: Run | None
    """None where nothing is left to be done: ``recipe`` has the result already."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fit for JSON, kept on the host, and read as data when the job has ended: ``result``, if that
    is known beforehand, or what `opsrun.modules.base.Module.concluded` of ``module`` wants."""

    @classmethod
    def done(cls, result: Mapping[str, Any]) -> Job:
        """One that has ended before it began."""
        return cls(None, {"result": dict(result)})


def new_id() -> str:
    """Of a job: ``j`` and digits, as Ansible's are."""
    return f"j{secrets.randbelow(10**15):015d}.{secrets.randbelow(10**5)}"


def is_id(text: str) -> bool:
    """Whether a job may be called so: it is the name of a folder, and of no other place."""
    return _ID.match(text) is not None


def whole_seconds(limit: float) -> int:
    """A limit as ``sleep`` takes it everywhere; at least one."""
    return max(1, math.ceil(limit))


def marks(jid: str, folder: str, *, finished: bool) -> dict[str, Any]:
    """The keys that playbooks test of a job. Numbers, as Ansible has them."""
    return {
        "ansible_job_id": jid,
        "results_file": folder,
        "started": 1,
        "finished": int(finished),
    }
