"""Text in other forms: Base64, words for the shell, parts of a text and of a URL."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from opsrun.playbook.templating.filters.values import a_text, kind, one_of, text
from opsrun.playbook.templating.library import PluginError


def b64encode(value: Any, encoding: str = "utf-8") -> str:
    """The text's bytes in ``encoding``, as Base64."""
    try:
        return base64.b64encode(text(value).encode(encoding, "surrogateescape")).decode()
    except (LookupError, UnicodeError) as error:
        raise PluginError(f"b64encode: {error}") from error


def b64decode(value: Any, encoding: str = "utf-8") -> str:
    """The text in ``encoding`` that Base64 stands for. Bytes that are no text in it are kept, see
    `codecs`'s ``surrogateescape``."""
    try:
        data = base64.b64decode(text(value).encode("utf-8", "surrogateescape"))
    except (binascii.Error, ValueError) as error:
        raise PluginError(f"b64decode: this is no Base64: {error}") from error
    try:
        return data.decode(encoding, "surrogateescape")
    except (LookupError, UnicodeError) as error:
        raise PluginError(f"b64decode: {error}") from error


def quote(value: Any) -> str:
    """``value`` as one word of a shell's command line."""
    return shlex.quote("" if value is None else text(value))


def split(value: Any, *args: Any, **options: Any) -> list[str]:
    """`str.split`: the words, or the parts between separators."""
    return a_text(value, "split").split(*args, **options)


def urldecode(value: Any) -> str:
    """The text that a URL's part stands for: ``%20`` and ``+`` are spaces."""
    return unquote_plus(text(value))


_URL_PARTS = (
    "scheme",
    "netloc",
    "path",
    "query",
    "fragment",
    "username",
    "password",
    "hostname",
    "port",
)


def split_url(value: Any, query: str = "") -> Any:
    """The parts of a URL, or the one named ``query``."""
    if not isinstance(value, str):
        raise PluginError(f"urlsplit expects a URL, not {kind(value)}")
    try:
        parts = urlsplit(value)
        found = {name: getattr(parts, name) for name in sorted(_URL_PARTS)}
    except ValueError as error:
        raise PluginError(f"urlsplit: {value!r}: {error}") from error
    return found[one_of(query, _URL_PARTS, "urlsplit's part")] if query else found


FILTERS: dict[str, Callable[..., Any]] = {
    "b64encode": b64encode,
    "b64decode": b64decode,
    "quote": quote,
    "split": split,
    "urldecode": urldecode,
    "urlsplit": split_url,
}
