"""Facts in files: a folder with one JSON file a host, as ansible-core's ``jsonfile`` cache has it.

Both programs read what the other one has written. A file is replaced in one step and readable by
its owner alone; one that is too old, or makes no sense, counts as none.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opsrun.errors import UsageError

LIFETIME = 86400
"""Seconds that facts are good for, unless somebody says otherwise."""
_GATHERED = "_ansible_facts_gathered"
_LONGEST = 255
"""Bytes of a file's name; see NAME_MAX in limits.h(0p)."""


class FactCache:
    """See `opsrun.playbook.fact_store.FactStore`.

    Args:
        folder: made when the first facts are written.
        lifetime: seconds; 0 for no end.
        prefix: of all files' names.
        warn: told once of each kind of trouble.
        now: the clock, seconds since the epoch.

    Raises:
        UsageError: the folder is none, or everybody may write to it.
    """

    def __init__(
        self,
        folder: str,
        lifetime: float = LIFETIME,
        prefix: str = "",
        warn: Callable[[str], None] = lambda words: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = Path(folder).expanduser()
        self._lifetime = lifetime
        self._prefix = prefix
        self._warn = warn
        self._now = now
        self._told: set[str] = set()
        self._look()

    def _look(self) -> None:
        try:
            mode = self.folder.stat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(f"fact cache {self.folder}: {error.strerror}") from error
        if not stat.S_ISDIR(mode):
            raise UsageError(f"fact cache {self.folder}: expected a folder, found a file")
        if mode & stat.S_IWOTH:
            words = "everybody may write to it, and facts become variables"
            raise UsageError(f"fact cache {self.folder}: {words}; chmod o-w it")

    def path(self, host: str) -> Path:
        """The file of a host, whether it is there or not. A name that no file can have is
        quoted, as in URLs."""
        name = self._prefix + host
        if "/" in name or name in (".", "..") or len(os.fsencode(name)) > _LONGEST:
            name = quote(name, safe="").replace(".", "%2E")
        return self.folder / name

    def load(self, host: str) -> Mapping[str, Any]:
        """See `FactStore.load`."""
        path = self.path(host)
        try:
            with open(path, "rb") as file:
                told = os.fstat(file.fileno())
                if self._lifetime and self._now() - told.st_mtime > self._lifetime:
                    return {}
                facts = json.loads(file.read())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            self._tell("read", f"{path} can't be read: {error.strerror}; the host is asked anew")
            return {}
        except (ValueError, RecursionError):
            self._tell("sense", f"{path} makes no sense as JSON; the host is asked anew")
            return {}
        if not isinstance(facts, dict):
            self._tell("sense", f"{path} holds no facts; the host is asked anew")
            return {}
        gathered = facts.pop(_GATHERED, False)
        return {**facts, "module_setup": True} if gathered else facts

    def save(self, host: str, facts: Mapping[str, Any]) -> None:
        """See `FactStore.save`: in one step, so that no half of it is ever read."""
        written = {**facts, **({_GATHERED: True} if facts.get("module_setup") else {})}
        path = self.path(host)
        beside = path.with_name(f".{os.getpid()}-{id(self):x}.tmp")
        try:
            text = json.dumps(written, indent=4, sort_keys=True, default=str)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with open(os.open(beside, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(beside, path)
        except (OSError, ValueError, TypeError) as error:
            with suppress(OSError):
                beside.unlink()
            reason = getattr(error, "strerror", None) or str(error)
            self._tell("write", f"facts can't be kept in {self.folder}: {reason}")

    def forget(self, host: str) -> None:
        """See `FactStore.forget`."""
        try:
            self.path(host).unlink(missing_ok=True)
        except OSError as error:
            self._tell("forget", f"{self.path(host)} can't be removed: {error.strerror}")

    def _tell(self, kind: str, words: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._warn(f"warning: {words}")
