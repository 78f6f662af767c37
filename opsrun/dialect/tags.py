"""Texts that are more than text: templates, what must never be one, and what is encrypted.

Trust goes with the text and not with its value. A file of the operator's is read into `Template`
wherever a text holds a delimiter of Jinja's; every operation on a `Template` gives a plain ``str``,
and a plain ``str`` is data for good. So what a host returned, a fact, or what is put together from
either can't become a template by any road; to be forgotten, a mark would have to be put on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsrun.dialect.origin import NOWHERE, Origin

_DELIMITER = re.compile(r"\{[{%#]")


class Unsafe(str):
    """A text tagged ``!unsafe``: data, never a template."""

    __slots__ = ()


class Template(str):
    """A text from the operator's own files that Jinja is to read.

    ``==`` and ``hash`` are those of the text. What is sliced, joined or formatted out of it is a
    plain ``str``.

    >>> type(Template("{{ a }}") + "x") is str
    True
    """

    __slots__ = ("origin",)
    origin: Origin

    def __new__(cls, text: str, origin: Origin = NOWHERE) -> Template:
        """``text``, written at ``origin``."""
        made = super().__new__(cls, text)
        made.origin = origin
        return made

    def __reduce__(self) -> tuple[type[Template], tuple[str, Origin]]:
        return Template, (str(self), self.origin)


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A value tagged ``!vault``, still encrypted."""

    text: str
    """The envelope, from ``$ANSIBLE_VAULT`` on."""
    origin: Origin = field(default=NOWHERE, compare=False)


class Opened(Unsafe):
    """What was in a `Vaulted`: data, never a template."""

    __slots__ = ("envelope",)
    envelope: str

    def __new__(cls, text: str, envelope: str = "") -> Opened:
        """``text``, which ``envelope`` held."""
        made = super().__new__(cls, text)
        made.envelope = envelope
        return made


def holds_template(text: str) -> bool:
    """Whether Jinja would find anything in ``text``."""
    return _DELIMITER.search(text) is not None


def trusted(value: Any, origin: Origin) -> Any:
    """``value`` with every text in it that holds a delimiter as a `Template`.

    Only for what the operator wrote. `Unsafe`, and what is a `Template` already, stays as it is;
    containers that hold no template are given back themselves.
    """
    if isinstance(value, (Unsafe, Template)):
        return value
    if isinstance(value, str):
        return Template(value, origin) if holds_template(value) else value
    if isinstance(value, Mapping):
        pairs = {key: trusted(each, origin) for key, each in value.items()}
        return pairs if any(pairs[key] is not value[key] for key in pairs) else value
    if isinstance(value, (list, tuple)):
        items = [trusted(each, origin) for each in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value
