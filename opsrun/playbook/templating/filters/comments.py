"""Text as a comment in a configuration file or program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.values import one_of, text
from opsrun.playbook.templating.library import PluginError


@dataclass(frozen=True, slots=True)
class Style:
    """How a comment is drawn."""

    decoration: str = ""
    """Before every line."""
    beginning: str = ""
    """The comment's first line."""
    end: str = ""
    """Its last one."""
    newline: str = "\n"
    prefix: str | None = None
    """A line before the text, ``prefix_count`` times; None for the bare decoration."""
    prefix_count: int = 1
    postfix: str | None = None
    postfix_count: int = 1


_STYLES = {
    "plain": Style("# "),
    "erlang": Style("% "),
    "c": Style("// "),
    "cblock": Style(" * ", "/*", " */"),
    "xml": Style(" - ", "<!--", "-->"),
}
_OPTIONS = tuple(field.name for field in fields(Style))


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """``value`` as a comment.

    Args:
        style: plain (``#``), erlang, c, cblock or xml.
        options: what is to differ from the style: the fields of `Style`.
    """
    for name in options:
        if name not in _OPTIONS:
            raise PluginError(f"comment has no option {name!r}{did_you_mean(name, _OPTIONS)}")
    drawn = replace(_STYLES[one_of(style, tuple(_STYLES), "comment's style")], **options)
    if not drawn.newline:
        raise PluginError("comment's newline can't be empty")
    return _draw(text(value), drawn)


def _draw(value: str, style: Style) -> str:
    newline, bare = style.newline, style.decoration.rstrip()
    prefix = bare if style.prefix is None else style.prefix
    postfix = newline + (bare if style.postfix is None else style.postfix)
    head = style.beginning + newline if style.beginning else ""
    above = prefix if prefix in ("", newline) else prefix + newline
    before = above * style.prefix_count
    *lines, last = value.split(newline)
    decorated = [f"{style.decoration}{line}" if line else bare for line in lines]
    body = newline.join([*decorated, style.decoration + last])
    tail = newline + style.end if style.end else ""
    return head + before + body + postfix * style.postfix_count + tail


FILTERS: dict[str, Callable[..., Any]] = {"comment": comment}
