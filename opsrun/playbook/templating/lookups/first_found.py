"""The first of several files that is there."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import LookupRun, PluginError

_KEYS = ("files", "paths", "skip")
_FOLDERS = ("files", "templates", "vars")


@dataclass(frozen=True, slots=True)
class _Wanted:
    names: tuple[str, ...]
    skip: bool


def first_found(
    terms: list[Any],
    run: LookupRun,
    files: Any = None,
    paths: Any = None,
    skip: Any = False,
    _folder: str | None = None,
) -> list[Any]:
    """The path of the first file that is there.

    Args:
        terms: names of files, lists of them, or dictionaries with ``files``, ``paths``, ``skip``.
        files: names, for terms that have none.
        paths: where they are looked for.
        skip: nothing, rather than an error, where there is none.
        _folder: the one folder of a role to search (``templates`` for a template task); by
            default ``files``, then ``templates``, then ``vars``.
    """
    wanted = list(_wanted(terms, files, paths))
    names = [name for each in wanted for name in each.names]
    for folder in (_folder,) if _folder else _FOLDERS:
        found = (run.context.find(name, folder) for name in names)
        path = next((each for each in found if each is not None), None)
        if path is not None:
            return [os.path.abspath(path)]
    if to_bool(skip) or any(each.skip for each in wanted):
        return []
    raise PluginError(f"there is none of these files: {', '.join(names) or 'no names were given'}")


def _wanted(terms: Sequence[Any], files: Any, paths: Any) -> Iterator[_Wanted]:
    plain: list[str] = []
    for term in terms:
        if isinstance(term, Mapping):
            yield _of_mapping(term)
        elif isinstance(term, list):
            yield from _wanted(term, None, None)
        elif isinstance(term, str):
            plain += _split(term, ",;")
            yield _Wanted(_joined(_split(term, ",;"), paths), False)
        else:
            raise PluginError(f"expected a file's name, or a dictionary, not {kind(term)}")
    if files is not None:
        yield _Wanted(_joined(_split(files, ",;"), paths), False)


def _of_mapping(term: Mapping[Any, Any]) -> _Wanted:
    for key in term:
        if key not in _KEYS:
            raise PluginError(f"unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    names = _joined(_split(term.get("files") or [], ",;"), term.get("paths"))
    return _Wanted(names, bool(to_bool(term.get("skip", False))))


def _joined(files: Sequence[str], paths: Any) -> tuple[str, ...]:
    folders = _split(paths or [], ",:;")
    if not folders:
        return tuple(files)
    return tuple(os.path.join(*each) for each in itertools.product(folders, files))


def _split(value: Any, separators: str) -> list[str]:
    if isinstance(value, str):
        return [each.strip() for each in re.split(f"[{separators}]", value)]
    if isinstance(value, list):
        return [name for each in value for name in _split(each, separators)]
    raise PluginError(f"expected a name or a list of names, not {kind(value)}")


LOOKUPS: dict[str, Callable[..., Any]] = {"first_found": first_found}
