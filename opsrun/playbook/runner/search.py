"""Where files that a task names are looked for on this machine.

In the role, in the roles that led to it, beside the task's own file, beside the playbook; in each
first below the folder for that kind of file (``files``, ``templates``, ``vars``, ``tasks``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from opsrun.playbook.model.nodes import Task


class Search:
    """See the module's docstring.

    Args:
        task: who asks; None for the play itself.
        playbook: the playbook's file.
        cwd: what relative names of those files are seen from.
    """

    def __init__(self, task: Task | None, playbook: str, cwd: str = ".") -> None:
        self._bases = _bases(task, playbook, cwd)

    @property
    def bases(self) -> Sequence[str]:
        """``ansible_search_path``."""
        return self._bases

    def searched(self, name: str, folder: str) -> Sequence[str]:
        """Every path that ``name`` may stand for, in the order in which they are tried."""
        name = os.path.expanduser(name)
        if os.path.isabs(name):
            return [name]
        found: dict[str, None] = {}
        for base in self._bases:
            if folder and name.split("/", 1)[0] != folder:
                found[os.path.normpath(os.path.join(base, folder, name))] = None
            found[os.path.normpath(os.path.join(base, name))] = None
        return _with_slash(name, list(found))

    def find(self, name: str, folder: str) -> str | None:
        """The first of those that exists."""
        return next((path for path in self.searched(name, folder) if os.path.exists(path)), None)


def _with_slash(name: str, paths: list[str]) -> list[str]:
    """A slash at the end means something to copy: what is in the directory, not the directory."""
    return [path + "/" for path in paths] if name.endswith("/") else paths


def _bases(task: Task | None, playbook: str, cwd: str) -> list[str]:
    found: dict[str, None] = {}
    role = task.role if task is not None else None
    if role is not None:
        found[role.path] = None
        for parent in reversed(role.parents):
            found[parent.path] = None
    if task is not None and task.origin.line is not None:
        beside = os.path.dirname(os.path.join(cwd, task.origin.path))
        found[beside] = None
        if role is not None and os.path.basename(beside) in ("tasks", "handlers"):
            found.pop(beside)
            found[beside] = None
    found[os.path.dirname(os.path.join(cwd, playbook))] = None
    return [os.path.abspath(path) for path in found]
