"""What stands for "as if this entry had not been written"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from opsrun.errors import TemplateError


class Omit:
    """The kind of `OMIT`; there is one of it, in copies and pickles too."""

    __slots__ = ()

    def __new__(cls) -> Omit:
        return OMIT

    def __repr__(self) -> str:
        return "omit"

    def __str__(self) -> str:
        raise TemplateError("'omit' can only be a whole value, not a part of text")

    def __reduce__(self) -> str:
        return "OMIT"

    def __copy__(self) -> Omit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Omit:
        return self


OMIT: Final[Omit] = object.__new__(Omit)
"""The value of ``omit`` in templates. Nothing but it is equal to it."""


def without_omitted(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the entries that came to ``omit``, at any depth of mappings and lists."""
    return {key: _pruned(value) for key, value in mapping.items() if value is not OMIT}


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_omitted(value)
    if isinstance(value, list):
        return [_pruned(each) for each in value if each is not OMIT]
    return value
