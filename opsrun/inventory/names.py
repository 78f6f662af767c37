"""Names of hosts and groups: which are refused, and how a port is told from a name."""

from __future__ import annotations

import re

_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
_WITH_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])+):([0-9]+)")
_MAX_NAME = 255
_MAX_PORT = 65535


def name_fault(name: object, what: str = "host") -> str | None:
    """Why ``name`` can't name a host (or ``what`` else), or None if it can.

    A leading dash could become an option of some program's; control and formatting characters
    could forge lines of output. The names come from scripts as well as from files.
    """
    if not isinstance(name, str):
        return f"a {what}'s name must be text, not {name!r}; put it in quotation marks"
    if not name:
        return f"a {what}'s name must not be empty"
    if name.startswith("-"):
        return f"a {what}'s name must not begin with a dash: {name!r}"
    if not name.isprintable():
        return f"a {what}'s name must not hold control or invisible characters: {name!a}"
    if what == "host" and " " in name:
        return f"a host's name must not hold a space: {name!r}"
    if len(name) > _MAX_NAME:
        return f"a {what}'s name must not be longer than {_MAX_NAME} characters"
    return None


def split_port(pattern: str) -> tuple[str, int | None]:
    """The name and the port of ``host:port`` or ``[address]:port``.

    A bare IPv6 address has no port. Raises ValueError for a port past 65535.

    >>> split_port("web[01:20]:2222"), split_port("[::1]:22"), split_port("2001:db8::1")
    (('web[01:20]', 2222), ('::1', 22), ('2001:db8::1', None))
    """
    found = _BRACKETED.fullmatch(pattern) or _WITH_PORT.fullmatch(pattern)
    if not found:
        return pattern, None
    port = int(found[2])
    if not 0 < port <= _MAX_PORT:
        raise ValueError(f"no such port: {port}; a port is 1 to {_MAX_PORT}")
    return found[1], port
