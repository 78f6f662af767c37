"""opsrun, with a look every few milliseconds of processor time at what it is doing.

``python -m harness.where_client FILE WORDS...`` runs ``opsrun WORDS...`` in this process and writes
to FILE, as JSON, the processor time by what it went for, and the hottest functions. A timer
of the process's own time (ITIMER_PROF, setitimer(2)) interrupts it; with greenlets that is more
truthful than counting calls, for each of them has a stack of its own.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

_EVERY = 0.001
_TOP = Path(__file__).resolve().parents[2]

KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("templating, variables", ("jinja2/", "markupsafe/", "playbook/templating/")),
    ("templating, variables", ("playbook/variables/", "composition/playbooks/templars")),
    ("SSH: packets, ciphers, handshake", ("paramiko/", "cryptography/", "opsrun/transports/")),
    ("sessions and frames", ("opsrun/remote/",)),
    ("modules", ("opsrun/modules/",)),
    ("reading files", ("yaml/", "opsrun/dialect/", "playbook/parse/", "opsrun/inventory/")),
    ("output", ("opsrun/sinks/", "opsrun/events", "opsrun/report", "engine/collector", "json/")),
    ("scheduler and runner", ("opsrun/playbook/", "opsrun/composition/")),
    ("engine", ("gevent/", "opsrun/engine/")),
    ("command line", ("click/", "opsrun/cli/")),
)
"""What a function's time went for, by parts of its file's path; the first that fits, and of a
stack the innermost function that fits any."""
IMPORTS, OTHER, START = "imports", "other", "Python's own start"


class Sampler:
    """Counts what is under way."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal handler."""
        if frame is None:
            return
        code = frame.f_code
        self.functions[f"{_short(code.co_filename)}:{code.co_qualname}"] += 1
        found = None
        while frame is not None:
            name = frame.f_code.co_filename
            if "importlib._bootstrap" in name:
                found = IMPORTS
                break
            if found is None:
                found = self._kind(name)
            frame = frame.f_back
        self.kinds[found or OTHER] += 1

    def _kind(self, path: str) -> str | None:
        if path not in self._known:
            fits = (kind for kind, parts in KINDS if any(part in path for part in parts))
            self._known[path] = next(fits, None)
        return self._known[path]


def _short(path: str) -> str:
    for mark in ("site-packages/", f"{_TOP}/", "/lib/python3"):
        if mark in path:
            return path.rpartition(mark)[2]
    return path


def main() -> None:
    begun = time.process_time()
    out, *words = sys.argv[1:]
    sys.argv = ["opsrun", *words]
    sampler = Sampler()
    signal.signal(signal.SIGPROF, sampler)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    from opsrun.cli.main import entry_point

    try:
        entry_point()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        spent = time.process_time() - begun
        looks = sampler.kinds.total() or 1
        kinds = {kind: count * spent / looks for kind, count in sampler.kinds.items()}
        functions = {
            name: count * spent / looks for name, count in sampler.functions.most_common(60)
        }
        answer = {"kinds": kinds | {START: begun}, "functions": functions, "looks": looks}
        Path(out).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
