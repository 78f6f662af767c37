"""What programs on the controller print: data, never templates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError
from opsrun.spawning import spawn


def _printed(command: Any, run: LookupRun) -> str:
    written = a_text(command, "a command")
    try:
        process = spawn(
            ["/bin/sh", "-c", written],
            cwd=run.context.basedir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise PluginError(f"can't run {written!r}: {error}") from error
    out, err = process.communicate()
    if process.returncode:
        words = err.decode("utf-8", "replace").strip() or "it says nothing"
        raise PluginError(f"{written!r} ends with status {process.returncode}: {words}")
    return out.decode("utf-8", "surrogateescape")


def pipe(terms: list[Any], run: LookupRun) -> list[Any]:
    """What shell commands print, run beside the playbook; white space at the end is cut off."""
    return [_printed(term, run).rstrip() for term in terms]


def lines(terms: list[Any], run: LookupRun) -> list[Any]:
    """As `pipe`, line by line."""
    return [line for term in terms for line in _printed(term, run).splitlines()]


LOOKUPS: dict[str, Callable[..., Any]] = {"pipe": pipe, "lines": lines}
