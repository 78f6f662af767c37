"""The header of a shell module: what it is for, and which options it takes.

It is the first run of comment lines that begins with ``# opsrun module``; what follows on its lines
is YAML, once their ``#`` is taken away::

    #!/bin/sh
    # opsrun module
    # description: Says something to whoever logs in.
    # options:
    #   text: {type: str, required: true, description: What is said.}
    #   state: {choices: [present, absent], default: present}
    # required_if:
    #   - [state, present, [text]]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from opsrun.dialect.yaml_data import Document, parse
from opsrun.errors import InputError, did_you_mean
from opsrun.modules.coercion import BadValue, coerced
from opsrun.modules.declaring import KINDS, Kind, Option, Rules

_BEGIN = re.compile(r"#[ \t]*opsrun module[ \t]*\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_KEYS = (
    *("description", "options", "check_mode", "returns"),
    *("mutually_exclusive", "required_together", "required_one_of", "required_if"),
)
_OPTION_KEYS = (
    *("type", "description", "required", "default", "choices", "elements", "aliases", "no_log"),
)
_TAKEN = frozenset({"apply", "inspect", "changed", "diff", "fact", "fail", "result", "warn"})


class HeaderError(InputError):
    """The header of a shell module can't be used."""


@dataclass(frozen=True, slots=True)
class Header:
    """What it says."""

    description: str = ""
    options: tuple[Option, ...] = ()
    rules: Rules = field(default_factory=Rules)
    check_mode: bool = False
    """Whether the file can be run in check mode; of those that have no `inspect` of their own."""
    returns: Mapping[str, Any] = field(default_factory=dict)
    """By key of the result, what it is."""


def header_of(text: str, path: str) -> Header:
    """Read the header.

    Args:
        text: of the file.
        path: the file, for messages.

    Raises:
        HeaderError: with line and column.
    """
    document = parse(_as_yaml(text), path, error=HeaderError)
    if document.data is None:
        return Header()
    if not isinstance(document.data, Mapping):
        raise HeaderError("expected the header's keys, description first", path=path)
    return _Reader(document, path).header()


def _as_yaml(text: str) -> str:
    """The header alone, each line in its place, and a blank where its ``#`` was."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if _BEGIN.match(line)), len(lines))
    kept = takewhile(lambda line: line.startswith("#"), lines[first + 1 :])
    return "\n" * (first + 1) + "".join(f" {line[1:]}\n" for line in kept)


class _Reader:
    def __init__(self, document: Document, path: str) -> None:
        self._document = document
        self._data: Mapping[str, Any] = document.data
        self._path = path

    def header(self) -> Header:
        self._known(self._data, _KEYS, "a module's header")
        return Header(
            str(self._data.get("description") or ""),
            tuple(self._options()),
            self._rules(),
            bool(self._data.get("check_mode", False)),
            self._mapping("returns"),
        )

    def _fail(self, message: str, container: Any, key: Any) -> HeaderError:
        error = self._document.error(message, container, key)
        assert isinstance(error, HeaderError)
        return error

    def _known(self, found: Mapping[str, Any], names: Sequence[str], what: str) -> None:
        for key in found:
            if key not in names:
                guess = did_you_mean(str(key), names)
                raise self._fail(f"{what} has no {key!r}{guess}", found, key)

    def _mapping(self, key: str) -> Mapping[str, Any]:
        found = self._data.get(key) or {}
        if not isinstance(found, Mapping):
            raise self._fail(f"{key}: expected names, each with what it is", self._data, key)
        return found

    def _options(self) -> list[Option]:
        named = self._mapping("options")
        return [self._option(named, str(name), told) for name, told in named.items()]

    def _option(self, named: Mapping[str, Any], name: str, told: Any) -> Option:
        if not _NAME.match(name) or name in _TAKEN:
            words = "small letters, digits and _, as a variable of the shell has, and no function's"
            raise self._fail(f"{name!r} can be no option: expected {words}", named, name)
        if told is not None and not isinstance(told, Mapping):
            raise self._fail(f"{name}: expected a mapping with type and so on", named, name)
        told = told or {}
        self._known(told, _OPTION_KEYS, f"option {name!r}")
        elements = self._kind(name, told, "elements")
        kind = self._kind(name, told, "type") or ("list" if elements else "str")
        choices = told.get("choices") or []
        if not isinstance(choices, list):
            raise self._fail(f"{name}: choices: expected a list", told, "choices")
        option = Option(
            name=name,
            # Of no name that the class has itself.
            attribute=f"given_{name}",
            kind=kind,
            default=told.get("default"),
            required=bool(told.get("required", False)),
            elements=elements,
            # YAML reads ``yes`` as a truth value; the shell is to see what is written.
            choices=tuple(map(str, choices)) if kind == "str" else tuple(choices),
            aliases=tuple(map(str, told.get("aliases") or ())),
            secret=bool(told.get("no_log", False)),
            doc=str(told.get("description") or ""),
        )
        return self._with_default(option, told)

    def _kind(self, name: str, told: Mapping[str, Any], key: str) -> Kind | None:
        wanted = told.get(key)
        found = next((each for each in KINDS if each == wanted), None)
        if found is None and wanted is not None:
            guess = did_you_mean(str(wanted), KINDS)
            words = f"expected one of {', '.join(KINDS)}, found {wanted!r}{guess}"
            raise self._fail(f"{name}: {key}: {words}", told, key)
        return found

    def _with_default(self, option: Option, told: Mapping[str, Any]) -> Option:
        if option.default is None:
            return option
        try:
            default = coerced(option.kind, option.default)
        except BadValue as bad:
            raise self._fail(f"{option.name}: default: {bad}", told, "default") from bad
        if option.choices and option.kind != "list" and default not in option.choices:
            words = f"{option.name}: its default {default!r} is none of its choices"
            raise self._fail(words, told, "default")
        return replace(option, default=tuple(default) if option.kind == "list" else default)

    def _rules(self) -> Rules:
        return Rules(
            self._groups("mutually_exclusive"),
            self._groups("required_together"),
            self._groups("required_one_of"),
            self._required_if(),
        )

    def _groups(self, key: str) -> tuple[tuple[str, ...], ...]:
        found = self._data.get(key) or []
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            found = [found] if found else []
        if not isinstance(found, list) or not all(isinstance(each, list) for each in found):
            raise self._fail(f"{key}: expected a list of lists of options", self._data, key)
        for name in (name for group in found for name in group):
            self._is_option(name, key)
        return tuple(tuple(group) for group in found)

    def _required_if(self) -> tuple[tuple[str, Any, tuple[str, ...]], ...]:
        key = "required_if"
        found = self._data.get(key) or []
        rows = found if isinstance(found, list) else [found]
        for row in rows:
            if not isinstance(row, list) or len(row) != 3 or not isinstance(row[2], list):
                words = f"{key}: expected rows of an option, its value, and a list of options"
                raise self._fail(words, self._data, key)
            for name in (row[0], *row[2]):
                self._is_option(name, key)
        return tuple((row[0], row[1], tuple(row[2])) for row in rows)

    def _is_option(self, name: Any, key: str) -> None:
        names = list(self._mapping("options"))
        if name not in names:
            guess = did_you_mean(str(name), names)
            raise self._fail(f"{key}: there is no option {name!r}{guess}", self._data, key)
