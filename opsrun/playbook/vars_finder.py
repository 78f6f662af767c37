"""Finds the files of ``vars_files`` and ``include_vars``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class VarsFinder:
    """Finds and reads the files of ``vars_files`` and ``include_vars``.

    Args:
        read: a file's variables, with templates in it. PlaybookError.
        cwd: what playbooks' paths are seen from.
    """

    def __init__(self, read: Callable[[str], Mapping[str, Any]], cwd: str) -> None:
        self._read = read
        self._cwd = cwd

    def __call__(self, paths: Sequence[Any], playbook: str) -> Mapping[str, Any] | None:
        """See `opsrun.playbook.variables.playscope.FindVars`."""
        folder = os.path.dirname(os.path.join(self._cwd, playbook))
        for each in paths:
            name = os.path.expanduser(str(each))
            for path in (os.path.join(folder, "vars", name), os.path.join(folder, name)):
                if os.path.isfile(path):
                    return self._read(path)
        return None
