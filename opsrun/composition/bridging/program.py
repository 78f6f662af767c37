"""ansible-core as it is installed on this machine: which version, and which modules it knows."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsrun.compat.settings import HONOURED
from opsrun.errors import UsageError
from opsrun.spawning import spawn

PROGRAM = "ansible-playbook"
LEAST = (2, 12)
"""The oldest version that is called."""
_VERSION = re.compile(r"\A\S+ \[core (\d+)\.(\d+)[^\]]*\]")
_OURS = re.compile(r"^\s*opsrun version = ", re.MULTILINE)
_PATIENCE = 120.0
"""Seconds for a question that is answered on this machine alone."""
_MOST = 64 * 1024 * 1024
"""Bytes of an answer."""

DROPPED = tuple(
    sorted(
        {place for places in HONOURED.values() for place in places if place.startswith("ANSIBLE_")}
        | {"ANSIBLE_LOG_PATH", "ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_CALLBACK_WHITELIST"}
        | {"ANSIBLE_NO_LOG", "ANSIBLE_KEEP_REMOTE_FILES", "ANSIBLE_DEBUG", "ANSIBLE_DEBUGGER"}
        | {"ANSIBLE_ENABLE_TASK_DEBUGGER", "ANSIBLE_RUN_VARS_PLUGINS", "ANSIBLE_VARS_ENABLED"}
    )
)
"""Variables of the operator's that are opsrun's to heed: ansible-core is told what came of them."""


def settings(folder: str) -> dict[str, str]:
    """Variables of the environment that have ansible-core do what it is told, and no more.

    Args:
        folder: private, for what it keeps meanwhile; it may hold ``ansible.cfg``.
    """
    language = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG", "")
    utf8 = "utf-8" in language.lower() or "utf8" in language.lower()
    return {
        "ANSIBLE_CONFIG": os.path.join(folder, "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": os.path.join(folder, "tmp"),
        "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_DEVEL_WARNING": "0",
        # opsrun says itself how keys are checked, see `opsrun.composition.bridging.reaching`.
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_PIPELINING": "1",
        "PYTHONUNBUFFERED": "1",
        **({} if utf8 else {"LC_ALL": "C.UTF-8"}),
    }


class AnsibleCore:
    """See the module.

    Args:
        program: of ``ansible-playbook``: a path, or a name that PATH has.
        collections: bases of collections (folders with ``ansible_collections``) that a name's
            collection may be in, beside ansible-core's own.
        cwd: what a path is seen from.
    """

    def __init__(
        self,
        program: str = PROGRAM,
        collections: Callable[[str], Sequence[str]] = lambda name: (),
        cwd: str = ".",
    ) -> None:
        self._named = program
        self._cwd = cwd
        self._path: str | None = None
        self._known: dict[str, bool] = {}
        self.bases = collections
        self.offload: Callable[..., Any] = lambda call, *words: call(*words)
        """Makes calls that take their time; a run has its engine do it."""

    def path(self) -> str:
        """The program, looked at once.

        Raises:
            UsageError: it is not there, is none of ansible-core's, or is too old.
        """
        if self._path is None:
            self._path = self.offload(self._looked_at)
        return self._path

    def _looked_at(self) -> str:
        named = os.path.expanduser(self._named)
        found = os.path.join(self._cwd, named) if os.sep in named else shutil.which(named)
        hint = "install ansible-core, or name the program with --bridge-program"
        if found is None or not os.access(found, os.X_OK) or os.path.isdir(found):
            raise UsageError(f"--bridge: there is no program {self._named}: {hint}")
        found = os.path.abspath(found)
        said = _asked([found, "--version"])
        if _OURS.search(said):
            words = "is opsrun under the name of Ansible's"
            raise UsageError(
                f"--bridge: {found} {words}: name ansible-core's own with --bridge-program"
            )
        version = _VERSION.match(said)
        if version is None or (int(version[1]), int(version[2])) < LEAST:
            first = said.strip().partition("\n")[0][:80] or "nothing"
            least = ".".join(map(str, LEAST))
            words = f"expected ansible-core {least} or newer, and --version says {first!r}"
            raise UsageError(f"--bridge: {found}: {words}")
        return found

    def knows(self, name: str) -> bool:
        """Whether it has a module of this name. UsageError."""
        self.ask([name])
        return self._known.get(name, False)

    def ask(self, names: Iterable[str]) -> None:
        """Find out which names it knows, all at once: a question takes it about a second.

        Raises:
            UsageError: see `path`.
        """
        new = [name for name in dict.fromkeys(names) if name not in self._known]
        if not new:
            return
        program = os.path.join(os.path.dirname(self.path()), "ansible-doc")
        if not os.access(program, os.X_OK):
            raise UsageError(f"--bridge: there is no {program}, which tells what modules there are")
        bases = dict.fromkeys(base for name in new for base in self.bases(name))
        words = [program, "--json", "-t", "module", "--", *new]
        said = self.offload(_asked, words, bases)
        told = _document(said)
        self._known |= {name: name in told for name in new}


def _asked(argv: Sequence[str], bases: Iterable[str] = ()) -> str:
    """What a program of ansible-core's prints, with no settings of a file's. UsageError."""
    with tempfile.TemporaryDirectory(prefix="opsrun-bridge-") as folder:
        Path(folder, "ansible.cfg").touch(0o600)
        kept = {name: os.environ[name] for name in os.environ if name not in DROPPED}
        environment = {**kept, **settings(folder)}
        if several := list(bases):
            environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(several)
        return _printed(argv, environment)


def _document(said: str) -> Mapping[str, Any]:
    start = said.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(said, start) if start >= 0 else ({}, 0)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _printed(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a program prints, until it ends.

    Raises:
        UsageError: it can't be started, or takes too long.
    """
    try:
        process = spawn(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"--bridge: {argv[0]}: {error.strerror}") from error
    with process:
        try:
            return _read(process).decode("utf-8", "replace")
        except TimeoutError:
            process.kill()
            words = f"gave no answer within {_PATIENCE:g} s"
            raise UsageError(f"--bridge: {' '.join(argv[:2])} {words}") from None


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    output, poll, ends = bytearray(), select.poll(), time.monotonic() + _PATIENCE
    poll.register(process.stdout.fileno(), select.POLLIN | select.POLLHUP)
    while len(output) <= _MOST:
        if not poll.poll(max(0.0, ends - time.monotonic()) * 1000):
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), 1 << 16)
        if not piece:
            break
        output += piece
    return bytes(output)
