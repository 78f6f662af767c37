"""shellcheck over scripts that have most of their functions in common."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

FEW = "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154"
"""Functions and names that one of several scripts has no use for are meant; so are quotes, options
that are split, and names that get their value elsewhere."""
QUIET = f"{FEW},SC1091,SC2089,SC2090"
"""And scripts in quotes, and files that are read where they run."""

_FUNCTION = re.compile(r"^(\w+)\(\) \{\n.*?^\}$", re.MULTILINE | re.DOTALL)


@cache
def program() -> str:
    """The one beside our Python, or the system's; the test is skipped if there is none."""
    beside = Path(sys.executable).with_name("shellcheck")
    found = str(beside) if beside.exists() else shutil.which("shellcheck")
    if found is None:
        pytest.skip("there is no shellcheck (Debian: apt-get install shellcheck)")
    return found


def once(scripts: Iterable[str]) -> list[str]:
    """The scripts, each function with its text in the first that has it, and empty in others."""
    seen: set[str] = set()

    def first(found: re.Match[str]) -> str:
        if found[0] in seen:
            return f"{found[1]}() {{ :; }}"
        seen.add(found[0])
        return found[0]

    return [_FUNCTION.sub(first, each) for each in scripts]


def findings(scripts: Iterable[str], directory: Path, quiet: str = QUIET) -> str:
    """What it says of them as scripts of POSIX's shell; nothing if all is well.

    Args:
        scripts: whose text is read, no function twice.
        directory: that is made, for files to be read.
        quiet: the numbers of what is meant.
    """
    directory.mkdir()
    for number, script in enumerate(once(scripts)):
        path = directory / f"{number}.sh"
        path.write_text(script, encoding="utf-8", errors="surrogateescape")
    ended = subprocess.run(
        [program(), "-f", "gcc", "-s", "sh", "-e", quiet, *map(str, sorted(directory.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    return ended.stdout + ended.stderr
