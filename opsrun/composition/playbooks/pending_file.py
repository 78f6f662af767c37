"""Where pending handlers are kept: a small file for each set of playbooks and inventories."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opsrun.errors import UsageError
from opsrun.folders import state_folder
from opsrun.playbook.pending import PendingPlay, PendingRecord

VERSION = 1


def folder() -> Path:
    """The platform's place for it; on Linux below ``~/.local/state``."""
    return state_folder() / "pending"


class PendingFile:
    """See `opsrun.playbook.pending.PendingStore`.

    Args:
        playbooks: paths, as named.
        sources: of the inventory, as named.
        cwd: what they are seen from.
    """

    def __init__(self, playbooks: Sequence[str], sources: Sequence[str], cwd: str) -> None:
        self._playbooks = [os.path.realpath(os.path.join(cwd, path)) for path in playbooks]
        # A comma list is no file.
        self._sources = [
            source if "," in source else os.path.realpath(os.path.join(cwd, source))
            for source in sources
        ]

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        words = json.dumps([self._playbooks, self._sources])
        return folder() / f"{hashlib.sha256(words.encode()).hexdigest()[:32]}.json"

    def load(self) -> PendingRecord | None:
        """See `PendingStore.load`."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"pending handlers can't be read: {error}") from error
        try:
            return _read(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            words = f"{self.path} is no record of pending handlers that this version can read"
            raise UsageError(f"{words}; remove it to go on without") from error

    def save(self, plays: Sequence[PendingPlay]) -> None:
        """See `PendingStore.save`: in one step, so that no half of it is ever read."""
        path = self.path
        if not plays:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._written(plays), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise

    def _written(self, plays: Sequence[PendingPlay]) -> dict[str, Any]:
        return {
            "version": VERSION,
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "playbooks": self._playbooks,
            "inventory": self._sources,
            "plays": [{"index": each.index, "name": each.name, "due": each.due} for each in plays],
        }


def _read(data: Any) -> PendingRecord:
    if data["version"] != VERSION:
        raise ValueError("another version's")
    plays = []
    for each in data["plays"]:
        due = {
            str(host): {str(task): str(name) for task, name in handlers.items()}
            for host, handlers in each["due"].items()
        }
        plays.append(PendingPlay(int(each["index"]), str(each["name"]), due))
    return PendingRecord(str(data["when"]), tuple(plays))
