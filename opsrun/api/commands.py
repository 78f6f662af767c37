"""Which command each host gets: one for all, one with the host's name in it, or one of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

from opsrun.composition import arguments
from opsrun.errors import UsageError
from opsrun.inventory import Host

PerHost = str | Callable[[Host], str]
"""A command: text, in which ``{host}`` stands for the host's name; or a call that gives it."""

_PLACE = re.compile(r"(?<![${%\\]){host}(?!})")
"""Not ``${host}``, which is the shell's, nor ``%{host}`` or ``{{host}}``, which are others'."""


def commands(command: PerHost, hosts: Sequence[Host]) -> tuple[str, Mapping[str, str]]:
    """A command as the operator would recognise it, and each host's own, where they differ.

    Args:
        command: see `PerHost`. A call is made once for each host, before the first one is reached.
            What it gives is taken as it stands; what it raises is not caught.
        hosts: on whom.

    Raises:
        UsageError: neither text nor a call; a call that gave no text; or a name that needs quotes
            for a place that is within some already.

    >>> commands("hostname", [])
    ('hostname', {})
    """
    if callable(command):
        return f"{_name(command)}(host)", {host.name: _called(command, host) for host in hosts}
    arguments.command(command, {})
    places = list(_places(command))
    if not places:
        return command, {}
    return command, {host.name: _filled(command, places, host.name) for host in hosts}


def _name(call: Callable[..., object]) -> str:
    return getattr(call, "__name__", type(call).__name__)


def _called(command: Callable[[Host], str], host: Host) -> str:
    given = command(host)
    if not isinstance(given, str):
        raise arguments.wrong(f"the command for {host.name}", "text", given)
    return given


def _filled(command: str, places: Sequence[tuple[int, int, bool]], name: str) -> str:
    quoted = shlex.quote(name)
    pieces, end = [], 0
    for start, stop, within in places:
        if within and quoted != name:
            raise UsageError(
                f"{{host}} is within quotes in the command, and the name {name!r} needs some of "
                "its own: leave the quotes away, or give a call that makes the command"
            )
        pieces += [command[end:start], quoted]
        end = stop
    return "".join([*pieces, command[end:]])


def _places(command: str) -> Iterator[tuple[int, int, bool]]:
    """Beginning and end of each ``{host}``, and whether a shell would find it within quotes."""
    for match in _PLACE.finditer(command):
        yield match.start(), match.end(), _is_quoted(command[: match.start()])


def _is_quoted(before: str) -> bool:
    """Whether what follows is within quotes or a here-document (POSIX 2.2, 2.7.4)."""
    if "<<" in before or "`" in before:
        return True  # Neither is worth a parser: only names that need quotes are refused there.
    quote, escaped = "", False
    for char in before:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
    return bool(quote) or escaped
