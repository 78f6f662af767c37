"""What ``docker compose --progress plain`` tells of what it does, and what it lists. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import ModuleError

_DRY = re.compile(r"\s*DRY-RUN MODE -\s+")
_BUILD = re.compile(r"\s*build service (?P<id>\S+)\s*\Z")
_LINE = re.compile(
    r"\s*(?:(?P<what>Container|Network|Volume|Image|Service)\s+)?"
    r"(?P<id>\S+)\s+(?P<status>[A-Z][a-z]+)(?:\s+(?P<more>\S.*))?\s*\Z"
)
_LOGGED = re.compile(r'\s*time="[^"]*" level=(?P<level>\w+) msg=(?P<msg>"(?:[^"\\]|\\.)*"|\S+)')
_DOING = frozenset(
    ("Building", "Creating", "Exiting", "Killing", "Pulling", "Recreate", "Recreating",
     "Removing", "Restarting", "Starting", "Stopping")
)  # fmt: skip
_ENDED = frozenset(
    ("Built", "Created", "Error", "Exited", "Healthy", "Interrupted", "Killed", "Pulled",
     "Recreated", "Removed", "Resource", "Restarted", "Running", "Skipped", "Started", "Stopped",
     "Waiting", "Warning")
)  # fmt: skip
_LEFT = "Resource is still in use"


@dataclass(frozen=True, slots=True)
class _Event:
    what: str
    id: str
    status: str
    more: str

    def shown(self) -> dict[str, str]:
        return {"what": self.what, "id": self.id, "status": self.status}

    @property
    def left(self) -> bool:
        """Whether something could not be removed, which is no error of compose's."""
        return f"{self.status} {self.more}" == _LEFT


def _event(line: str) -> _Event | None:
    built = _BUILD.match(line)
    if built is not None:
        return _Event("service", built["id"], "Building", "")
    found = _LINE.match(line)
    if found is None or found["status"] not in _DOING | _ENDED:
        return None
    of_service = found["status"] in ("Pulling", "Building")
    what = found["what"] or ("Service" if of_service else "unknown")
    return _Event(what.lower(), found["id"], found["status"], found["more"] or "")


def _events(progress: str) -> Iterator[_Event]:
    for line in progress.splitlines():
        event = _event(_DRY.sub("", line))
        if event is not None:
            yield event


def actions(
    progress: str, volumes: Container[str] | None = None, *, dry: bool = False
) -> list[dict[str, str]]:
    """What was begun, in order: ``what``, ``id``, ``status``.

    Left out is what compose says of things that it does not remove: those that others use, and
    volumes that are not there. Where nothing is done in earnest all are in use: they count.

    Args:
        progress: what was printed.
        volumes: those that there were before; None where nobody asked.
        dry: whether it was only tried.

    >>> actions(" Container a-b-1  Creating\\n Container a-b-1  Created\\n")
    [{'what': 'container', 'id': 'a-b-1', 'status': 'Creating'}]
    """
    events = list(_events(progress))
    left = set() if dry else {(each.what, each.id) for each in events if each.left}
    return [each.shown() for each in events if each.status in _DOING
            and not (each.status == "Removing" and (each.what, each.id) in left)
            and not (each.what == "volume" and each.status == "Removing"
                     and volumes is not None and each.id not in volumes)]  # fmt: skip


def changes(done: Sequence[Mapping[str, str]], *, builds: bool) -> bool:
    """Whether any of the actions changes what runs: not that images were asked for.

    Args:
        done: the actions.
        builds: whether images that were built count.
    """
    passed = ("Pulling",) if builds else ("Pulling", "Building")
    return any(each["status"] not in passed for each in done)


def warnings(progress: str, *, dry: bool = False) -> Iterator[str]:
    """What compose warns of, each once, and what is still there since others use it."""
    told = [logged for logged in map(_LOGGED.match, progress.splitlines()) if logged is not None]
    yield from dict.fromkeys(_plain(each["msg"]) for each in told if each["level"] == "warning")
    for each in _events(progress) if not dry else ():
        if each.left:
            yield f"{each.what} {each.id}: {_LEFT}"


def complaint(progress: str) -> str:
    """Why it failed, in compose's own words: what is neither an event nor a warning."""
    found = []
    for line in progress.splitlines():
        bare = _DRY.sub("", line).strip()
        event, logged = _event(bare), _LOGGED.match(bare)
        if event is not None and event.status == "Error" and event.more:
            found.append(f"{event.id}: {event.more}")
        elif logged is not None and logged["level"] != "warning":
            found.append(_plain(logged["msg"]))
        elif event is None and logged is None and bare:
            found.append(bare)
    return "\n".join(list(dict.fromkeys(found))[-20:])


def _plain(text: str) -> str:
    try:
        return str(json.loads(text)) if text.startswith('"') else text
    except ValueError:
        return text.strip('"')


def listed(text: str) -> list[Any]:
    """What is listed as JSON: a list, or an object a line, as versions have it.

    Raises:
        ModuleError: it is neither.
    """
    try:
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise ModuleError(f"docker compose printed no JSON: {text[:200]!r}") from error


def container(found: Any) -> Any:
    """A container of ``ps``, its texts of several values taken apart."""
    if not isinstance(found, Mapping):
        return found
    made = dict(found)
    if "Publishers" in made:
        made["Publishers"] = made["Publishers"] or []
    for name in ("Names", "Networks"):
        if isinstance(made.get(name), str):
            made[name] = [each for each in made[name].split(",") if each]
    if isinstance(made.get("Labels"), str):
        parts = (each.partition("=") for each in made["Labels"].split(",") if each)
        made["Labels"] = {key: value for key, _, value in parts}
    return made
