"""SQL of MySQL and MariaDB, put together so that no text becomes anything but what it stands for.

How a constant is written depends on the session's ``sql_mode``: with ``NO_BACKSLASH_ESCAPES`` a
backslash is a letter as any other. See https://mariadb.com/kb/en/string-literals/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.errors import UsageError
from opsrun.modules.databases.quoting import put_in

_SHORT = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\0": "\\0",
    "\n": "\\n",
    "\r": "\\r",
    "\x1a": "\\Z",
}
_SPECIAL = re.compile(r"[\\'\"\0\n\r\x1a]")
_IN_FILES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}


def literal(text: str, backslashes: bool = True) -> str:
    r"""A text as a constant.

    >>> print(literal("it's a\\b"), literal("it's a\\b", backslashes=False))
    'it\'s a\\b' 'it''s a\b'

    Args:
        text: any.
        backslashes: whether they escape, in the session that reads it.

    Raises:
        UsageError: it holds bytes that are no UTF-8, or what can't be said without a backslash.
    """
    _fit(text)
    if backslashes:
        return "'" + _SPECIAL.sub(lambda found: _SHORT[found[0]], text) + "'"
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL, which the session's sql_mode has no word for")
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as it is written.

    >>> print(identifier("a`b"))
    `a``b`
    """
    _fit(name)
    if not name:
        raise UsageError("a name is empty")
    if "\0" in name:
        raise UsageError(f"{name!r} holds a NUL: no name can")
    return "`" + name.replace("`", "``") + "`"


def setting(text: str) -> str:
    r"""A value of an option file.

    >>> print(setting('a "b" # \\'))
    "a \"b\" # \\"

    Raises:
        UsageError: it holds a NUL.
    """
    if "\0" in text:
        raise UsageError("a value of the login holds a NUL")
    return '"' + "".join(_IN_FILES.get(each, each) for each in text) + '"'


def _fit(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{text!r} holds bytes that are no UTF-8") from None


def adapted(value: Any, backslashes: bool = True) -> str:
    """A value of a playbook's as it stands in SQL.

    Raises:
        UsageError: SQL has no constant for it.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise UsageError(f"{value} is no number of the server's")
        # Behind a minus sign another one would begin a comment.
        return f" {value!r}" if value < 0 else repr(value)
    if isinstance(value, str):
        return literal(value, backslashes)
    if isinstance(value, Sequence):
        if not value:
            raise UsageError("an empty list can't be given to a query")
        return "(" + ",".join(adapted(each, backslashes) for each in value) + ")"
    raise UsageError(
        f"a {type(value).__name__} can't be given to a query: make it text, as with to_json"
    )


def filled(
    query: str,
    positional: Sequence[Any] | None,
    named: Mapping[str, Any] | None,
    backslashes: bool = True,
) -> str:
    """A query with its arguments in the places of ``%s`` or ``%(name)s``; ``%%`` is ``%``.

    Raises:
        UsageError: there are too few, too many, or none of that name.
    """
    return put_in(query, positional, named, lambda each: adapted(each, backslashes))
