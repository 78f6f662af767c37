"""Values in files of keys: ``ini`` and ``csvfile``."""

from __future__ import annotations

import configparser
import csv
import io
import re
from collections.abc import Callable
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import one_of
from opsrun.playbook.templating.library import LookupRun, PluginError
from opsrun.playbook.templating.lookups.files import found_file
from opsrun.playbook.templating.lookups.written import split_term

_INI = {
    "type": "ini",
    "file": "ansible.ini",
    "section": "global",
    "re": False,
    "default": "",
    "encoding": "utf-8",
    "case_sensitive": False,
    "allow_no_value": False,
    "interpolation": True,
}
_CSV = {
    "file": "ansible.csv",
    "delimiter": "TAB",
    "col": "1",
    "keycol": "0",
    "default": None,
    "encoding": "utf-8",
}


def _options(known: dict[str, Any], given: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(known)
    if unknown:
        raise PluginError(f"unknown option {min(unknown)!r}: there are {', '.join(known)}")
    return {**known, **given, **own}


def _text(run: LookupRun, name: Any, encoding: str) -> str:
    path = found_file(run, name)
    try:
        return run.context.read(path).decode(encoding)
    except (OSError, LookupError, UnicodeError) as error:
        raise PluginError(f"can't read {path}: {error}") from error


def ini(terms: list[Any], run: LookupRun, **given: Any) -> list[Any]:
    """The values of keys in a section of an INI file, or in a properties file.

    Options, here or in the term: ``file``, ``section``, ``type`` (ini, properties), ``re`` (the
    key is a regular expression), ``default``, ``encoding``, ``case_sensitive``,
    ``allow_no_value`` and ``interpolation``.
    """
    made: list[Any] = []
    for term in terms:
        key, own = split_term(term, tuple(_INI))
        options = _options(_INI, given, own)
        kind = one_of(options["type"], ("ini", "properties"), "ini's type")
        section = "java_properties" if kind == "properties" else options["section"]
        parser = _parsed(_text(run, options["file"], options["encoding"]), options, kind)
        made += _values(parser, key, section, options)
    return made


def _parsed(text: str, options: dict[str, Any], kind: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        allow_no_value=bool(to_bool(options["allow_no_value"])),
        interpolation=configparser.BasicInterpolation()
        if to_bool(options["interpolation"])
        else None,
    )
    if to_bool(options["case_sensitive"]):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string("[java_properties]\n" + text if kind == "properties" else text)
    except configparser.Error as error:
        raise PluginError(f"{options['file']}: {error}") from error
    return parser


def _values(
    parser: configparser.ConfigParser, key: str, section: str, options: dict[str, Any]
) -> list[Any]:
    if not parser.has_section(section):
        hint = did_you_mean(section, parser.sections())
        raise PluginError(f"{options['file']} has no section {section!r}{hint}")
    try:
        if to_bool(options["re"]):
            items = parser.items(section)
            return [value for name, value in items if re.match(key, name)]
        found: Any = parser.get(section, key, fallback=options["default"])
    except (configparser.Error, re.error) as error:
        raise PluginError(f"{options['file']}: {error}") from error
    return found if isinstance(found, list) else [found]


def csvfile(terms: list[Any], run: LookupRun, **given: Any) -> list[Any]:
    """The entries of a table: the column ``col`` of the first row that has the key in the column
    ``keycol``. Options, here or in the term: ``file``, ``delimiter`` (TAB), ``default``,
    ``encoding``."""
    made: list[Any] = []
    for term in terms:
        key, own = split_term(term, tuple(_CSV))
        options = _options(_CSV, given, own)
        found = _cell(_text(run, options["file"], options["encoding"]), key, options)
        if found is not None:
            made += found if isinstance(found, list) else [found]
    return made


def _cell(text: str, key: str, options: dict[str, Any]) -> Any:
    delimiter = "\t" if options["delimiter"] in ("TAB", "t", "\\t") else str(options["delimiter"])
    try:
        column, key_column = int(options["col"]), int(options["keycol"])
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            if len(row) > key_column and row[key_column] == key:
                return row[column]
    except (csv.Error, TypeError, ValueError, IndexError) as error:
        raise PluginError(f"{options['file']}: {error}") from error
    return options["default"]


LOOKUPS: dict[str, Callable[..., Any]] = {"ini": ini, "csvfile": csvfile}
