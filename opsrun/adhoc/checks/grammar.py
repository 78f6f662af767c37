"""What ``--for``, ``--when-ready`` and ``Fleet.wait`` take: one line for each check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from opsrun.adhoc.checks.base import Check
from opsrun.adhoc.checks.group import is_group, parse_group
from opsrun.adhoc.checks.http import parse_page
from opsrun.adhoc.checks.log import parse_log
from opsrun.adhoc.checks.login import LoginCheck
from opsrun.adhoc.checks.ports import parse_free, parse_tcp
from opsrun.adhoc.checks.shell import parse_command, parse_file, parse_unit
from opsrun.errors import UsageError, did_you_mean

KINDS: dict[str, Callable[[str, str], Check]] = {
    "ssh": LoginCheck.parse,
    "tcp": parse_tcp,
    "port-free": parse_free,
    "http": lambda text, rest: parse_page(text),
    "https": lambda text, rest: parse_page(text),
    "cmd": parse_command,
    "file": parse_file,
    "systemd": parse_unit,
    "log": parse_log,
}
"""Each kind's reader; it is given the whole check, and what follows the first colon."""

SHAPES = (
    "ssh, tcp:PORT, tcp:HOST:PORT, port-free:PORT, http://URL, https://URL, cmd:COMMAND, "
    "file:PATH, systemd:UNIT, log:PATH:REGEX, all(PATTERN) CHECK or any N of(PATTERN) CHECK"
)


def parse(text: str) -> Check:
    """Read a check.

    >>> parse("tcp:5432")
    PortCheck(port=5432)
    >>> str(parse("any 2 of(web:&prod) http://{host}/health status=200"))
    'any 2 of(web:&prod) http://{host}/health status=200'

    Raises:
        UsageError: it can't be understood; names the nearest kind.
    """
    text = text.strip()
    if is_group(text):
        return parse_group(text, parse)
    kind, _, rest = text.partition(":")
    reader = KINDS.get(kind)
    if reader is None:
        head = re.split(r"[:(\s]", text.lower(), maxsplit=1)[0]
        hint = did_you_mean(head, (*KINDS, "all", "any"))
        raise UsageError(f"can't wait for {text!r}: expected {SHAPES}{hint}")
    if kind in ("http", "https") and not rest.startswith("//"):
        raise UsageError(f"can't wait for {text!r}: expected {kind}://HOST")
    return reader(text, rest)


def parse_all(texts: Iterable[str]) -> tuple[Check, ...]:
    """Read several.

    Raises:
        UsageError: one can't be understood, or stands there twice.
    """
    checks = tuple(parse(text) for text in texts)
    for place, check in enumerate(checks):
        if check in checks[:place]:
            raise UsageError(f"{str(check)!r} is to be waited for twice")
    return checks
