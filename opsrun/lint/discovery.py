"""Which files there are to read, and what each of them is, by the conventions of layout."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["playbook", "tasks", "handlers", "vars", "meta", "template", "inventory", "other"]

YAML = (".yml", ".yaml")
_TEMPLATES = (".j2", ".jinja2", ".jinja")
_SKIPPED = frozenset(
    {"__pycache__", "node_modules", "venv", "ansible_collections", "site-packages", "build", "dist"}
)
_ROLE_PARTS = frozenset({"tasks", "handlers", "defaults", "vars", "meta", "templates", "files"})
_MARKS = ("ansible.cfg", ".git", "galaxy.yml", "group_vars", "roles", "opsrun.toml")
_PLAY = re.compile(
    r"^(-\s+|\s+|-\s+.*\{\s*)(hosts|(ansible\.builtin\.)?(import_playbook|include))\s*:", re.M
)
_TASK = re.compile(r"^-\s+(name|block|when|[a-z_]+(\.[a-z_]+\.[a-z_]+)?)\s*:", re.M)
_LEVELS = 6
_MOST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read."""

    path: str
    kind: Kind
    role: str = ""
    """The directory of the role that it is a part of."""


_ASIDE = frozenset({"molecule", "tests", "test", "examples", "example", "docs", "doc"})


def is_aside(path: str, root: str) -> bool:
    """Whether a file is for tests or reading: what it needs is elsewhere, its secrets are none."""
    return bool(_ASIDE & set(os.path.relpath(os.path.abspath(path), root).split(os.sep)))


def walk(top: str) -> Iterator[Found]:
    """The files below a directory, in order."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(each for each in folders if _wanted(each))
        for name in sorted(names):
            path = os.path.normpath(os.path.join(folder, name))
            # A pipe would be waited for until somebody writes to it.
            piped = os.path.exists(path) and not os.path.isfile(path)
            found = None if piped else classified(path)
            if found is not None:
                yield found


def _wanted(folder: str) -> bool:
    return not folder.startswith(".") and folder not in _SKIPPED


def named(path: str) -> Found:
    """A file that was named by the operator: it is read, whatever it looks like."""
    found = classified(path)
    if found is not None and found.kind != "other":
        return found
    text = _text(path)
    if os.path.splitext(path)[1] not in (*YAML, ".json"):
        return Found(path, "template")
    if _PLAY.search(text):
        return Found(path, "playbook")
    return Found(
        path,
        "tasks"
        if text.lstrip("-\n\r ").startswith(("name:", "block:")) or _TASK.search(text)
        else "vars",
    )


def classified(path: str) -> Found | None:
    """What a file is; None for what lint doesn't read."""
    parts = path.split(os.sep)
    name, folders = parts[-1], parts[:-1]
    role, part = _role(path)
    ending = os.path.splitext(name)[1]
    if role:
        return _of_role(path, role, part, ending)
    if ending in _TEMPLATES:
        return Found(path, "template")
    if "group_vars" in folders or "host_vars" in folders:
        is_vars = ending in ("", *YAML, ".json") and not name.startswith((".", "README"))
        return Found(path, "vars") if is_vars else None
    if ending not in YAML or name.startswith("."):
        return _inventory(path, name, folders)
    return Found(path, _by_content(path, folders))


def _of_role(path: str, role: str, part: str, ending: str) -> Found | None:
    if part == "templates":
        return Found(path, "template", role) if _is_text(path) else None
    if ending in _TEMPLATES:
        return Found(path, "template", role)
    if part == "files" or ending not in YAML:
        is_data = part in ("defaults", "vars") and ending in ("", ".json")
        return Found(path, "vars", role) if is_data and _is_text(path) else None
    kinds: dict[str, Kind] = {"tasks": "tasks", "handlers": "handlers"}
    if part == "meta":
        return Found(path, "meta", role)
    if part in ("defaults", "vars"):
        return Found(path, "vars", role)
    return Found(path, kinds[part], role) if part in kinds else None


def _role(path: str) -> tuple[str, str]:
    """The role that a file belongs to, and which part of it; empty texts where to none."""
    parts = os.path.abspath(path).split(os.sep)
    for at in range(len(parts) - 2, 0, -1):
        if parts[at] in _ROLE_PARTS and _is_role(os.sep.join(parts[:at]), parts, at):
            return os.sep.join(parts[:at]), parts[at]
    return "", ""


def _is_role(folder: str, parts: list[str], at: int) -> bool:
    if at >= 2 and parts[at - 2] == "roles":
        return True
    main = ("tasks/main.yml", "tasks/main.yaml", "meta/main.yml", "meta/main.yaml")
    return any(os.path.exists(os.path.join(folder, each)) for each in main)


def _inventory(path: str, name: str, folders: list[str]) -> Found | None:
    if name.endswith(".ini") or name == "hosts" or {"inventory", "inventories"} & set(folders):
        return Found(path, "inventory") if _is_text(path) else None
    return None


def _by_content(path: str, folders: list[str]) -> Kind:
    text = _text(path)
    if {"inventory", "inventories"} & set(folders):
        return "inventory"
    if folders and folders[-1] == "vars":
        return "vars"
    if _is_list(text) and _PLAY.search(text) and "apiVersion:" not in text:
        return "playbook"
    part = next((each for each in reversed(folders) if each in ("tasks", "handlers")), None)
    if part and _is_list(text):
        return "tasks" if part == "tasks" else "handlers"
    return "other"


def _is_list(text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and line[0] not in "#%")
    first = next((line for line in lines if not line.startswith("---")), "")
    return first.lstrip().startswith(("- ", "[")) or first.strip() == "-"


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""


def _is_text(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return os.path.getsize(path) <= _MOST and b"\0" not in file.read(8192)
    except OSError:
        return False


def root_of(paths: Iterable[str]) -> tuple[str, bool]:
    """The folder of the project that ``paths`` are in, and whether it looks like one: nobody
    outside of it defines anything."""
    given = list(paths)
    folders = [
        os.path.abspath(each if os.path.isdir(each) else os.path.dirname(each) or ".")
        for each in given
    ]
    start = os.path.commonpath(folders) if folders else os.getcwd()
    outside = {"/", os.path.expanduser("~")}
    folder, found = start, ""
    for _ in range(_LEVELS):
        if folder in outside:
            break
        if any(os.path.exists(os.path.join(folder, mark)) for mark in _MARKS):
            found = folder
        if os.path.exists(os.path.join(folder, ".git")):
            break
        folder = os.path.dirname(folder)
    return found or start, bool(found) or any(map(os.path.isdir, given))


def around(root: str, is_project: bool) -> Iterator[Found]:
    """The files that may define what others use."""
    if is_project:
        yield from walk(root)
        return
    for name in sorted(os.listdir(root)):
        path = os.path.join(root, name)
        found = classified(path) if os.path.isfile(path) else None
        if found is not None:
            yield found
