"""Jump hosts and proxy commands as they are written: ProxyJump, ProxyCommand in ssh_config(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opsrun.errors import UsageError
from opsrun.transports.ssh_config.values import BadValue, port
from opsrun.transports.targets.values import checked_address, checked_user

_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_PLAIN = re.compile(r"[\w.:@%+=,/][\w.:@%+=,/-]*\Z", re.ASCII)
"""What no shell reads as more than a word, and no program as an option."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One jump host as it was asked for; what is missing is for ssh_config to say."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host and self.port is not None else self.host
        return f"{user}{host}" + ("" if self.port is None else f":{self.port}")


def parse_hops(text: str, place: str) -> tuple[Hop, ...]:
    """Read ``[user@]host[:port]`` or ``ssh://[user@]host[:port]``, several of them behind commas.

    Args:
        text: in the order in which they are dialled.
        place: for messages.

    Raises:
        UsageError: it is nothing of the kind.
    """
    return tuple(_hop(one.strip(), place) for one in text.split(","))


def _hop(text: str, place: str) -> Hop:
    rest = text.removeprefix("ssh://").removesuffix("/" if text.startswith("ssh://") else "")
    user, at, address = rest.rpartition("@")
    if not address or (at and not user):
        raise UsageError(f"{place}: expected [user@]host[:port], found {text!r}")
    host, number = _host_and_port(address, f"{place}: {text!r}")
    return Hop(
        checked_address(host, place),
        checked_user(user, place) if at else None,
        number,
    )


def _host_and_port(text: str, place: str) -> tuple[str, int | None]:
    host, colon, digits = text.rpartition(":")
    bracketed = text.startswith("[") and "]" in text
    if not colon or (bracketed and text.endswith("]")) or (not bracketed and ":" in host):
        # No port, or an IPv6 address without brackets.
        return text.removeprefix("[").removesuffix("]"), None
    try:
        return host.removeprefix("[").removesuffix("]"), port(digits)
    except BadValue as bad:
        raise UsageError(f"{place}: {bad.message}") from None


def expanded(text: str, values: Mapping[str, str], place: str) -> str:
    """``text`` with its tokens expanded: ``%h %n %p %r`` and ``%%``.

    A shell will read the result, so what the tokens stand for may hold nothing that it reads as
    more than a word: quoting would depend on what stands around the token.

    Raises:
        UsageError: a token that there is not, or a value that is no plain word.
    """

    def one(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if letter not in values:
            raise UsageError(f"{place}: there is no token {found[0]!r}; there are %h %n %p %r %%")
        if not _PLAIN.match(values[letter]):
            raise UsageError(
                f"{place}: {found[0]} stands for {values[letter]!r}, which a shell could read as "
                "more than a word"
            )
        return values[letter]

    return _TOKEN.sub(one, text)
