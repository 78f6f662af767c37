"""The folder of one call: private, and gone when the call is over, also where we were killed."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opsrun.composition.bridging.program import DROPPED
from opsrun.remote.framing import new_mark

_MARK = "OPSRUN_BRIDGE"
"""In the environment of whatever belongs to a call."""

# The guard reads from a pipe that only we hold open. We write to it when all is over; where it ends
# without that, so have we, and nothing is left to go on without us.
_SCRIPT = """\
folder={folder}
mark={mark}
(
  if read -r word <"$folder/alive"; then exit 0; fi
  for again in 1 2 3 4 5 6 7 8 9; do
    found=$(grep -las "{name}=$mark" /proc/[0-9]*/environ)
    [ -n "$found" ] || break
    for each in $found; do
      each=${{each#/proc/}}
      kill -KILL "${{each%/environ}}"
    done
  done
  rm -rf -- "$folder"
) </dev/null >/dev/null 2>&1 &
unset {dropped}
{name}=$mark
export {name}
{words} </dev/null
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of a call are."""

    path: str
    mark: str
    """Random."""

    def write(self, name: str, text: str) -> str:
        """Make a file that nobody else can read; its path."""
        path = os.path.join(self.path, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def script(self, words: Sequence[str], exported: Collection[str] = ()) -> str:
        """What a shell is to run so that these words are done, and nothing stays behind.

        Args:
            words: of the program.
            exported: names of what is in its environment on purpose.
        """
        return _SCRIPT.format(
            folder=shlex.quote(self.path),
            mark=self.mark,
            name=_MARK,
            dropped=" ".join(name for name in DROPPED if name not in exported),
            words=shlex.join(words),
        )


@contextmanager
def private_folder() -> Iterator[Folder]:
    """A folder for one call. Raises OSError where there can be none."""
    path = tempfile.mkdtemp(prefix="opsrun-bridge-")
    alive: int | None = None
    try:
        pipe = os.path.join(path, "alive")
        os.mkfifo(pipe, 0o600)
        # Both ends: to open one alone would wait for the other.
        alive = os.open(pipe, os.O_RDWR | os.O_CLOEXEC)
        yield Folder(path, new_mark())
    finally:
        if alive is not None:
            os.write(alive, b"over\n")
            os.close(alive)
        shutil.rmtree(path, ignore_errors=True)
