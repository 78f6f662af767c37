"""End what a lab started, and clear its folder."""

from __future__ import annotations

import re
import shutil

from opsrun.errors import LabError
from opsrun.lab import process
from opsrun.lab.folder import Folder
from opsrun.lab.signals import undisturbed
from opsrun.lab.state import LabState


def marks(folder: Folder, state: LabState) -> process.Marks:
    """What the processes of this lab are known by, written down or not.

    A server's command line names its configuration, after words that no pager or editor has
    there; sshd later writes it with blanks for NULs.
    """
    configs = re.escape(bytes(folder.config("x").parent)) + rb"/[a-z0-9-]+\.conf"
    starts = rb"(?:-D[\0 ]-e[\0 ]-f|-m[\0 ]opsrun\.lab\.mock)[\0 ]"
    return process.Marks(
        servers=tuple(server.process for server in state.servers),
        command=re.compile(starts + configs + rb"(?:[\0 ]|\Z)"),
        lab_id=state.id,
    )


def clear(folder: Folder, state: LabState) -> None:
    """End the lab, and empty its folder; what the folder remembers goes last.

    Raises:
        LabError: something could not be ended, or removed.
    """
    with undisturbed():
        if left := process.end(marks(folder, state)):
            pids = ", ".join(str(each.pid) for each in sorted(left, key=lambda each: each.pid))
            raise LabError(
                f"these processes of the lab would not end: {pids}"
                " (another user's? end them, then: opsrun lab down)"
            )
        _empty(folder)


def _empty(folder: Folder) -> None:
    try:
        for path in folder.root.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != folder.state:
                path.unlink()
        folder.state.unlink(missing_ok=True)
    except OSError as error:
        raise LabError(f"can't remove {error.filename}: {error.strerror}") from error
