"""PostgreSQL's SQL, put together so that no text can become anything but what it stands for.

Texts go to psql(1) on its standard input. Within quotes psql replaces nothing and knows no commands
of its own; control characters and backslashes are written as escapes, which mean the same whatever
``standard_conforming_strings`` is.
See https://www.postgresql.org/docs/current/sql-syntax-lexical.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsrun.errors import UsageError

_ESCAPED = re.compile(r"[\\\x00-\x1f\x7f]")
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLACE = re.compile(r"%(?:%|s|\((?P<name>[^)]*)\)s|(?P<bad>.?))", re.DOTALL)


def literal(text: str) -> str:
    r"""A text as a constant.

    >>> print(literal("it's"), literal("a\\b"))
    'it''s' E'a\\b'

    Raises:
        UsageError: it holds a NUL, which no text of PostgreSQL's can, or bytes that are no UTF-8.
    """
    _fit(text)
    quoted = _ESCAPED.sub(_escape, text.replace("'", "''"))
    return f"E'{quoted}'" if "\\" in quoted else f"'{quoted}'"


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\x{ord(found[0]):02x}"


def identifier(name: str) -> str:
    """A name, as it is written: nothing in it is folded to lower case.

    >>> print(identifier('a"b'))
    "a""b"
    """
    _fit(name)
    if not name:
        raise UsageError("a name is empty")
    quoted = name.replace('"', '""')
    if re.search(r"[\x00-\x1f\x7f]", name):
        # psql reads lines; a name can hold a newline all the same, as an escape.
        escaped = re.sub(r"[\\\x00-\x1f\x7f]", _by_number, quoted)
        return f'U&"{escaped}"'
    return f'"{quoted}"'


def _by_number(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]):04x}"


def _fit(text: str) -> None:
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL: PostgreSQL knows no such text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{text!r} holds bytes that are no UTF-8") from None


def adapted(value: Any) -> str:
    """A value of a playbook's as it stands in SQL.

    Raises:
        UsageError: a mapping, or something else that SQL has no constant for.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, Sequence):
        return literal(array(value))
    raise UsageError(
        f"a {type(value).__name__} can't be given to a query: make it text, as with to_json"
    )


def _number(value: int | float) -> str:
    if not math.isfinite(value):
        return (
            f"'{'NaN' if math.isnan(value) else 'Infinity' if value > 0 else '-Infinity'}'::float"
        )
    # Behind a minus sign another one would begin a comment.
    return f" {value!r}" if value < 0 else repr(value)


def array(values: Sequence[Any]) -> str:
    """A list in the words of an array's input: ``{1,"a b",NULL}``."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, Sequence):
        return array(value)
    raise UsageError(f"a {type(value).__name__} can't be in an array")


def filled(query: str, positional: Sequence[Any] | None, named: Mapping[str, Any] | None) -> str:
    """A query with its arguments in the places of ``%s`` or ``%(name)s``; ``%%`` is ``%``.

    Without arguments it is left as it is.

    Raises:
        UsageError: there are too few, too many, or none of that name.
    """
    return put_in(query, positional, named, adapted)


def put_in(
    query: str,
    positional: Sequence[Any] | None,
    named: Mapping[str, Any] | None,
    adapted: Callable[[Any], str],
) -> str:
    """The same, for any server's constants."""
    if not positional and not named:
        return query
    left = [adapted(each) for each in positional or ()]
    left.reverse()
    known = {name: adapted(each) for name, each in (named or {}).items()}

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if found[0] == "%%":
            return "%"
        if name is not None and named is not None:
            if name not in known:
                raise UsageError(f"the query wants {name!r}, which named_args has not")
            return known[name]
        if found[0] == "%s" and positional is not None:
            if not left:
                raise UsageError("the query has more places (%s) than there are positional_args")
            return left.pop()
        raise UsageError(
            f"{found[0]!r} in a query with arguments is none of their places: %% stands for a %"
        )

    made = _PLACE.sub(put, query)
    if left:
        raise UsageError("there are more positional_args than places (%s) in the query")
    return made
