"""A virtual environment for each peer, made from PyPI once and kept in ``.bench/``."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path


class NoPeer(Exception):
    """A peer can't be installed; the text says why."""


class Peers:
    """Finds the Python that has a peer installed.

    Args:
        root: where environments are made; it gets a ``.gitignore`` for itself.
        given: an interpreter that has all peers already; nothing is made then.
    """

    def __init__(self, root: Path, given: Path | None = None) -> None:
        self._root = root
        self._given = given

    def python(self, requirement: str, *more: str) -> Path:
        """An interpreter with ``requirement`` installed, and ``more`` beside it; made if need be.

        Raises:
            NoPeer: pip could not install it.
        """
        if self._given is not None:
            # Not resolved: a virtual environment's interpreter is a link, and knows it by its path.
            return Path(os.path.abspath(self._given))
        folder = self._root / requirement.split("==")[0].lower()
        python, stamp = folder / "bin" / "python", folder / "requirement"
        wanted = " ".join((requirement, *more))
        if not stamp.is_file() or stamp.read_text() != wanted or not python.exists():
            self._make(folder, python, requirement, *more)
            stamp.write_text(wanted)
        return python

    def _make(self, folder: Path, python: Path, *wanted: str) -> None:
        print(f"Installing {' and '.join(wanted)} into {folder.name} ...", file=sys.stderr)
        self._root.mkdir(exist_ok=True)
        (self._root / ".gitignore").write_text("*\n")
        venv.create(folder, clear=True, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            raise NoPeer(f"{wanted[0]}: {lines[-1]}")


def version_of(python: Path, distribution: str) -> str:
    """The installed version of a distribution; empty if it isn't installed."""
    asked = subprocess.run(
        [python, "-c", f"from importlib.metadata import version; print(version({distribution!r}))"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()
