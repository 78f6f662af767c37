"""One dictionary of a document: its keys, with their places."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opsrun.dialect.origin import Origin
from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError, did_you_mean
from opsrun.playbook.model.nodes import VarsLayer
from opsrun.playbook.parse.checks import Unfit, checked, is_name, shown
from opsrun.playbook.parse.names import GONE, Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spot:
    """A dictionary where it is written. All errors are PlaybookErrors."""

    document: Document
    data: Mapping[Any, Any]
    origin: Origin
    """Where it begins."""
    what: str
    """``play``, ``task``, ``block`` …, for messages."""

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def get(self, key: str, kind: Kind = "any") -> Any:
        """The value of ``key`` as ``kind`` has it; None where there is none."""
        return self.convert(key, lambda value: checked(value, kind))

    def convert(self, key: str, how: Callable[[Any], Any]) -> Any:
        """``how`` of the value of ``key``; what it raises as Unfit is told with the place."""
        try:
            return how(self.data.get(key))
        except Unfit as error:
            self.tell(self.value_error(f"{key}: {error}", key), "keyword-value")
        try:
            return how(None)
        except Unfit:
            return None

    def tell(self, error: InputError, rule: str = "") -> None:
        """Raises ``error``, unless all problems are wanted."""
        error.rule = error.rule or rule
        self.document.recover(error)

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        """What ``read`` gives; ``otherwise`` where it raises and all problems are wanted."""
        try:
            return read()
        except InputError as error:
            self.document.recover(error)
            return otherwise

    def place(self, key: str) -> Origin:
        """Where ``key`` is written."""
        return self.document.origin(self.data, key)

    def places(self) -> dict[str, Origin]:
        """Where each key is written."""
        return {key: self.place(key) for key in self.data if isinstance(key, str)}

    def error(self, message: str, key: Any = None) -> InputError:
        """An error that points at ``key``, or at where it all begins."""
        if key is not None and key in self.data:
            place = self.document.origin(self.data, key)
            if place.line is not None:
                return self.document.error_at(message, place)
        return self.document.error_at(message, self.origin)

    def value_error(self, message: str, key: Any) -> InputError:
        """An error that points at the value of ``key``."""
        return self.document.error_at(message, self.document.value_origin(self.data, key))

    def texts(self) -> None:
        """Raises unless every key is a text."""
        for key in self.data:
            if not isinstance(key, str):
                raise self.error(f"a {self.what}'s keywords are texts, not {shown(key)}", key)

    def known(self, names: Collection[str], also: str = "") -> None:
        """Raises for the first key that is not in ``names``, nor begins with ``also``."""
        self.texts()
        for key in self.data:
            if key not in names and not (also and key.startswith(also)):
                self.tell(self.unknown(key, names))

    def unknown(self, key: str, names: Collection[str]) -> InputError:
        """The error for a keyword that there is not."""
        if key in GONE:
            error = self.error(f"{key!r} is no longer a keyword; {GONE[key]}", key)
            error.rule = "removed-keyword"
            return error
        hint = did_you_mean(key, names)
        error = self.error(f"{key!r} is not a keyword of a {self.what}{hint}", key)
        error.rule = "unknown-keyword"
        return error

    def inner(self, key: str, what: str) -> Spot:
        """The dictionary that is the value of ``key``; raises if it is none."""
        value = self.data[key]
        if not isinstance(value, dict):
            raise self.value_error(f"{key}: expected a dictionary, found {shown(value)}", key)
        return Spot(self.document, value, self.document.value_origin(self.data, key), what)

    def vars(self, key: str = "vars") -> VarsLayer | None:
        """The variables under ``key``; None where there are none."""
        if self.data.get(key) is None:
            return None
        return self.inner(key, "set of variables").layer()

    def layer(self) -> VarsLayer:
        """All of it, as variables."""
        for name in self.data:
            if not is_name(name):
                words = "letters, digits and underscores, not beginning with a digit"
                message = f"{shown(name)} can't name a variable: {words}, and no word of Python's"
                self.tell(self.error(message, name), "variable-name")
        return VarsLayer(dict(self.data), self.origin, self.places())


def spot_at(document: Document, container: Any, key: Any, what: str) -> Spot:
    """The dictionary at ``container[key]``, a list's item or a dictionary's value.

    Raises:
        PlaybookError: it is none.
    """
    value = container[key]
    origin = document.value_origin(container, key)
    if not isinstance(value, dict):
        raise document.error_at(
            f"a {what} is a dictionary (`name: value` lines), found {shown(value)}", origin
        )
    return Spot(document, value, origin, what)
