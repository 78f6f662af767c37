"""All that is below folders of the controller, for copying it elsewhere."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from typing import Any

from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError

_STATES: dict[Callable[[int], bool], str] = {
    stat.S_ISLNK: "link",
    stat.S_ISDIR: "directory",
    stat.S_ISREG: "file",
}


def filetree(terms: list[Any], run: LookupRun, exclude: str | None = None) -> list[Any]:
    """What folders hold, folders before what is in them, in order of names.

    Args:
        terms: folders, searched for in ``files``. Of a path that several have, the first one's
            is taken; folders that aren't there hold nothing.
        exclude: a regular expression; paths below the folder that it is found in are left out.
    """
    pattern = _pattern(exclude)
    made: dict[str, dict[str, Any]] = {}
    for term in terms:
        root = _root(run, a_text(term, "filetree"))
        for path in _below(root) if root is not None else ():
            if path not in made and not (pattern and pattern.search(path)):
                entry = _entry(root or "", path, run)
                made |= {path: entry} if entry is not None else {}
    return list(made.values())


def _pattern(exclude: str | None) -> re.Pattern[str] | None:
    try:
        return None if exclude is None else re.compile(exclude)
    except (re.error, TypeError) as error:
        raise PluginError(f"exclude: {exclude!r} is no regular expression: {error}") from error


def _root(run: LookupRun, name: str) -> str | None:
    found = run.context.find(name, "files")
    if found is None:
        return None
    return os.path.join(found, "") if name.endswith("/") else found


def _below(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in [*folders, *sorted(files)]:
            yield os.path.relpath(os.path.join(folder, name), root)


def _entry(root: str, path: str, run: LookupRun) -> dict[str, Any] | None:
    whole = os.path.join(root, path)
    try:
        found = os.lstat(whole)
        link = os.readlink(whole) if stat.S_ISLNK(found.st_mode) else None
    except OSError as error:
        raise PluginError(f"can't read {whole}: {error.strerror}") from error
    state = next((word for holds, word in _STATES.items() if holds(found.st_mode)), None)
    if state is None:
        run.context.warn(f"filetree passes over {whole}: it is no file, folder or link")
        return None
    source = {"link": link, "file": os.path.abspath(whole)}.get(state)
    return {
        "root": root,
        "path": path,
        "state": state,
        **({} if source is None else {"src": source}),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "owner": _name(lambda: pwd.getpwuid(found.st_uid).pw_name, found.st_uid),
        "group": _name(lambda: grp.getgrgid(found.st_gid).gr_name, found.st_gid),
        "mode": f"0{stat.S_IMODE(found.st_mode):03o}",
        "size": found.st_size,
        "mtime": found.st_mtime,
        "ctime": found.st_ctime,
    }


def _name(ask: Callable[[], str], number: int) -> str | int:
    try:
        return ask()
    except KeyError:
        return number


LOOKUPS: dict[str, Callable[..., Any]] = {"community.general.filetree": filetree}
