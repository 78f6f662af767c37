"""How a template file is to be read: options of the template module, or ``#jinja2:`` on top."""

from __future__ import annotations

import ast
from typing import Any

from opsrun.errors import TemplateError, did_you_mean

_MARK = "#jinja2:"
_TEXTS = tuple(
    f"{kind}_{end}_string" for kind in ("block", "variable", "comment") for end in ("start", "end")
)
_FLAGS = ("trim_blocks", "lstrip_blocks", "keep_trailing_newline")
OPTIONS = (*_TEXTS, *_FLAGS, "newline_sequence")
"""Those that Jinja itself takes from the template module."""
_PREFIXES = ("line_statement_prefix", "line_comment_prefix")
_NEWLINES = {"\n", "\r\n", "\r"}
_TRUE = {"true", "yes", "on", "1", "y", "t"}
_FALSE = {"false", "no", "off", "0", "n", "f"}


def header(source: str, path: str) -> tuple[str, dict[str, Any]]:
    """The template without its ``#jinja2: name: value, …`` line, and what that says.

    Raises:
        TemplateError: it can't be read.
    """
    if not source.startswith(_MARK):
        return source, {}
    line, _, rest = source.partition("\n")
    return rest, dict(_pair(each, path) for each in line[len(_MARK) :].split(",") if each.strip())


def _pair(text: str, path: str) -> tuple[str, Any]:
    name, colon, value = (each.strip() for each in text.partition(":"))
    known = (*OPTIONS, *_PREFIXES)
    if not colon:
        raise TemplateError(f"#jinja2: expected NAME: VALUE, found {text.strip()!r}", path=path)
    if name not in known:
        raise TemplateError(
            f"#jinja2: there is no option {name!r}{did_you_mean(name, known)}", path=path, line=1
        )
    try:
        return name, option(name, ast.literal_eval(value), path)
    except (ValueError, SyntaxError):
        return name, option(name, value, path)


def option(name: str, value: Any, path: str) -> Any:
    """``value`` as Jinja wants it. TemplateError."""
    if name in _FLAGS:
        return _flag(name, value, path)
    if name == "newline_sequence":
        value = str(value).replace("\\r", "\r").replace("\\n", "\n")
        if value not in _NEWLINES:
            raise TemplateError(
                f"newline_sequence: expected \\n, \\r\\n or \\r, found {value!r}", path=path
            )
        return value
    if value is None or value == "":
        raise TemplateError(f"{name}: expected a delimiter, found nothing", path=path)
    return str(value)


def _flag(name: str, value: Any, path: str) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise TemplateError(f"{name}: expected yes or no, found {value!r}", path=path)
