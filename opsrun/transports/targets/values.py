"""Values of connection variables: read with the type rules of Ansible, refused where hostile."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from opsrun.dialect.tags import Unsafe
from opsrun.errors import NotBuiltError, UsageError
from opsrun.secret import Secret

_TRUE = frozenset({"yes", "y", "on", "1", "true", "t"})
_FALSE = frozenset({"no", "n", "off", "0", "false", "f", ""})
_HOSTILE_IN_ADDRESS = frozenset("'`\"$\\;&<>|(){}/,*?!#@=[]")
_HOSTILE_IN_ALIAS = frozenset(",*?!|#@")
_HOSTILE_IN_USER = frozenset("'`\";&<>|(){}")


class Variables:
    """The variables of one host, each error naming the variable and where it comes from.

    Args:
        values: by name.
        origin: says where a variable was written; may give an empty text.
    """

    def __init__(
        self, host: str, values: Mapping[str, Any], origin: Callable[[str], str] | None
    ) -> None:
        self.host = host
        self._values = values
        self._origin = origin

    def place(self, name: str) -> str:
        """``inventory.yml:12: ansible_port``, for messages."""
        where = self._origin(name) if self._origin and name in self._values else ""
        return f"{where}: {name}" if where else f"{self.host}: {name}"

    def last(self, *names: str) -> str | None:
        """The last of ``names`` that has a value: where several mean the same, Ansible takes it."""
        found = [name for name in names if self._values.get(name) is not None]
        return found[-1] if found else None

    def starting_with(self, prefix: str) -> list[str]:
        """Names that have a value, in their order."""
        found = (name for name, value in self._values.items() if value is not None)
        return [name for name in found if name.startswith(prefix)]

    def raw(self, name: str) -> Any:
        """The value as it is, without a template.

        Raises:
            NotBuiltError: it is a template.
        """
        value = self._values[name]
        is_data = isinstance(value, Unsafe)
        if isinstance(value, str) and not is_data and ("{{" in value or "{%" in value):
            raise NotBuiltError(
                f"{self.place(name)}: templates in connection variables are not built yet"
            )
        return value

    def text(self, name: str) -> str:
        """A string that isn't empty and has no control characters.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "expected a text")
        if not value.isprintable():
            raise self.wrong(name, "it holds a control character")
        return value

    def line(self, name: str) -> str:
        """A text that may be empty and go over several lines.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        if not isinstance(value, str) or "\0" in value:
            raise self.wrong(name, "expected a text")
        return value

    def word(self, name: str) -> str:
        """A text, or a number that YAML or INI made of one.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def secret(self, name: str) -> Secret:
        """A password; numbers are taken for texts.

        Raises:
            UsageError: it is something else. The value is not in the message.
        """
        value = self.raw(name)
        if isinstance(value, Secret):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise UsageError(f"{self.place(name)}: expected a text, found {_kind(value)}")
        return Secret.noted(str(value))

    def port(self, name: str) -> int:
        """A port from 1 to 65535.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value)
        number = int(value) if digits else value
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 65536:
            raise self.wrong(name, "expected a port from 1 to 65535")
        return number

    def seconds(self, name: str) -> float:
        """A positive number of seconds.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        try:
            number = float(value) if not isinstance(value, bool) else 0.0
        except (TypeError, ValueError):
            number = 0.0
        if not 0 < number < 1e6:
            raise self.wrong(name, "expected a number of seconds")
        return number

    def truth(self, name: str) -> bool:
        """A boolean, in any of Ansible's spellings.

        Raises:
            UsageError: it is something else.
        """
        value = self.raw(name)
        if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
            return bool(value)
        if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
            return value.strip().lower() in _TRUE
        raise self.wrong(name, "expected yes or no")

    def wrong(self, name: str, expected: str) -> UsageError:
        """The error for a value that doesn't do."""
        value = self._values[name]
        shown = repr(value) if isinstance(value, str | int | float) else _kind(value)
        return UsageError(f"{self.place(name)}: {expected}, found {shown}")


def _kind(value: object) -> str:
    names = {list: "a list", dict: "a mapping", bool: "a boolean", str: "an empty text"}
    return names.get(type(value), type(value).__name__)


def checked_address(text: str, place: str) -> str:
    """A name or address that is safe to dial; brackets around an IPv6 address are dropped.

    Stricter than OpenSSH's own check: nothing that a shell, a pattern or a known_hosts line would
    read as more than a name.

    Raises:
        UsageError: ``place`` is in the message.
    """
    address = text
    if text.startswith("[") and text.endswith("]") and ":" in text:
        address = text[1:-1]
    if ":" in address:
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            hint = " (a port goes into ansible_port)" if address.count(":") == 1 else ""
            raise UsageError(f"{place}: {text!r} is no host name or address{hint}") from None
    _refuse(address, _HOSTILE_IN_ADDRESS, f"{place}: {text!r} is no host name or address")
    return address


def checked_user(text: str, place: str) -> str:
    """A user name that is safe to send.

    Raises:
        UsageError: ``place`` is in the message.
    """
    _refuse(text, _HOSTILE_IN_USER, f"{place}: {text!r} is no user name")
    return text


def checked_alias(text: str, place: str) -> str:
    """A name under which a key may stand in known_hosts; ``[name]:port`` is one.

    Raises:
        UsageError: ``place`` is in the message.
    """
    _refuse(text, _HOSTILE_IN_ALIAS, f"{place}: {text!r} is no name for a known_hosts line")
    return text


def _refuse(text: str, hostile: frozenset[str], message: str) -> None:
    if not text:
        raise UsageError(f"{message}: it is empty")
    if text.startswith("-"):
        raise UsageError(f"{message}: it begins with '-'")
    for char in text:
        if char in hostile or char.isspace() or not char.isprintable():
            raise UsageError(f"{message}: it holds {char!r}")
