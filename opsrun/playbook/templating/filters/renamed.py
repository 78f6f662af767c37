"""Filters that have become tests (Ansible 2.9 dropped them): each says what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from opsrun.playbook.templating.library import PluginError, accepts_undefined, lazy

_WORDS = """change changed directory exists failed failure file finished is_abs is_dir is_file
is_link is_mount is_same_file issubset issuperset link link_exists mount reachable search skip
skipped started subset succeeded success superset unreachable version"""
_TESTS = _WORDS.split()
_WITH_ARGUMENTS = {
    "version_compare": "version",
    "match": "match",
    "regex": "regex",
    **{each: each for each in ("search", "subset", "superset", "issubset", "issuperset")},
    **{each: each for each in ("is_same_file", "version")},
}


def _became(name: str, test: str) -> Callable[..., Any]:
    example = f"x is {test}" + ("(…)" if name in _WITH_ARGUMENTS else "")

    @lazy
    @accepts_undefined
    def fail(*args: Any, **kwargs: Any) -> NoReturn:
        raise PluginError(f"{name!r} is no filter but a test: write '{example}', not 'x | {name}'")

    fail.__name__ = name
    return fail


FILTERS: dict[str, Callable[..., Any]] = {
    name: _became(name, test)
    for name, test in {**{each: each for each in _TESTS}, **_WITH_ARGUMENTS}.items()
}
