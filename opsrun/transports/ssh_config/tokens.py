"""``~``, ``%`` and ``${VAR}`` in values: TOKENS and ENVIRONMENT VARIABLES in ssh_config(5)."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from opsrun.transports.ssh_config.values import BadValue

_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_ANY = re.compile(r"%(?P<token>.?)|\$\{(?P<name>[^}]*)(?P<closed>\}?)", re.DOTALL)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@dataclass(frozen=True, slots=True)
class Local:
    """What the tokens say of this machine and of who runs opsrun."""

    user: str = field(default_factory=_user)
    home: str = field(default_factory=lambda: os.path.expanduser("~"))
    hostname: str = field(default_factory=socket.gethostname)
    uid: int = field(default_factory=os.getuid)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens stand for on the way to one host."""

    local: Local
    original: str
    """The host as it was asked for: ``%n``."""
    hostname: str
    """The name to dial: ``%h``."""
    user: str
    port: int
    alias: str
    """``%k``: HostKeyAlias, or the host as it was asked for."""

    def _of(self, letter: str) -> str | None:
        if letter == "C":
            return self._connection_hash()
        return {
            "%": "%",
            "d": self.local.home,
            "h": self.hostname,
            "i": str(self.local.uid),
            "j": "",
            "k": self.alias,
            "L": self.local.hostname.partition(".")[0],
            "l": self.local.hostname,
            "n": self.original,
            "p": str(self.port),
            "r": self.user,
            "u": self.local.user,
        }.get(letter)

    def _connection_hash(self) -> str:
        parts = (self.local.hostname, self.hostname, str(self.port), self.user)
        return hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()

    def percent(self, text: str) -> str:
        """``text`` with its ``%`` tokens expanded.

        Raises:
            BadValue: a token that there is not.
        """
        return _TOKEN.sub(lambda found: self._token(found[1]), text) if "%" in text else text

    def path(self, text: str) -> str:
        """A file name: ``~``, then tokens and ``${VAR}`` in one pass, so that what one of them
        brings in is never read as another.

        Raises:
            BadValue: a token that there is not, or a variable that is not set.
        """
        whole = os.path.expanduser(text) if text.startswith("~") else text
        if "%" not in whole and "${" not in whole:
            return whole
        return _ANY.sub(self._any, whole)

    def _any(self, found: re.Match[str]) -> str:
        name, closed = found["name"], found["closed"]
        if name is None:
            return self._token(found["token"])
        if not closed:
            raise BadValue("the brace of ${ is never closed")
        if name not in self.local.environment:
            raise BadValue(f"the environment variable {name!r} is not set")
        return self.local.environment[name]

    def _token(self, letter: str) -> str:
        value = self._of(letter)
        if value is None:
            raise BadValue(f"there is no token '%{letter}'; write %% for a percent sign")
        return value


def only_host(text: str, host: str) -> str:
    """``HostName``'s value: it knows ``%h`` and ``%%`` alone.

    Raises:
        BadValue: any other token.
    """

    def one(found: re.Match[str]) -> str:
        if found[1] not in ("h", "%"):
            raise BadValue(f"HostName knows the tokens %h and %% only, not {found[0]!r}")
        return host if found[1] == "h" else "%"

    return _TOKEN.sub(one, text) if "%" in text else text
