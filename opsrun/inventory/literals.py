"""The types of values in INI inventories: Python literals, or else text.

Ansible's documentation promises ``key=value`` text; what it does is `ast.literal_eval` with the
text itself as the way out, which is what people's inventories rely on: ``0x10`` is 16, ``010`` and
``true`` are text, ``5 # five`` in a ``:vars`` section is 5.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_WORD = re.compile(r"[^\W\d][\w ./@:%+~-]*")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_CONSTANT = re.compile(r"True|False|None")


def literal(text: str) -> Any:
    """The value that ``text`` stands for.

    >>> literal("0x10"), literal("010"), literal("yes"), literal("[1, 'a']")
    (16, '010', 'yes', [1, 'a'])
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _WORD.fullmatch(text) and not _CONSTANT.search(text):
        return text
    return _evaluate(text)


def _evaluate(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            # The compiler's remarks about `\d` or `1if` are no business of the operator's.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return text
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
