"""A list of keys that somebody has vouched for: ``opsrun trust --expect FILE``.

One a line: a known_hosts line (sshd(8)), ``SHA256:…`` for whichever host shows it, or
``HOST SHA256:…``, where HOST may be a list with wildcards as in known_hosts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from opsrun.errors import ConfigError
from opsrun.transports.hostkeys.lines import BadLine, HashedName, fingerprint, parse_line
from opsrun.transports.ssh_config.patterns import PatternList

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_EXPECTED = "expected a known_hosts line, SHA256:… or HOST SHA256:…"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line: a key, and of whom it is expected."""

    fingerprint: str
    names: PatternList | HashedName | None
    """None for any host."""
    line: int
    revoked: bool = False
    """The line says that this is a key of nobody's any more."""

    def is_about(self, names: Iterable[str]) -> bool:
        """Whether a host with these names (lower case) is meant."""
        return self.names is None or any(map(self.names.matches, names))


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a file expects."""

    path: str
    lines: tuple[Expectation, ...]

    @classmethod
    def read(cls, path: str) -> Expectations:
        """Read a file.

        Raises:
            ConfigError: it can't be read, a line can't be understood, or there is none.
        """
        try:
            with open(os.path.expanduser(path), "rb") as file:
                data = file.read()
        except OSError as error:
            raise ConfigError(f"can't be read: {error.strerror}", path=path) from None
        return cls.parse(data.decode("utf-8", "surrogateescape"), path)

    @classmethod
    def parse(cls, text: str, path: str) -> Expectations:
        """Read a file's text; see `read`."""
        found = [_line(line, path, number) for number, line in enumerate(text.split("\n"), 1)]
        lines = tuple(line for line in found if line is not None)
        if not lines:
            raise ConfigError(f"there is no key in it; {_EXPECTED}", path=path)
        return cls(path, lines)

    def accept(self, names: Iterable[str], blob: bytes) -> bool:
        """Whether a host with these names is expected to have this key."""
        mark, names = fingerprint(blob), tuple(names)
        about = [one for one in self.lines if one.fingerprint == mark and one.is_about(names)]
        return bool(about) and not any(one.revoked for one in about)


def _line(text: str, path: str, number: int) -> Expectation | None:
    fields = text.split()
    if not fields or fields[0].startswith("#"):
        return None
    if any(field.startswith("SHA256:") for field in fields[:2]):
        return _short(fields, text, path, number)
    try:
        parsed = parse_line(text, path, number)
    except BadLine as bad:
        raise _wrong(f"{bad}; {_EXPECTED}", text, path, number, fields[0]) from None
    assert parsed is not None
    names, entry = parsed
    if entry.marker == "cert-authority":
        words = "a certificate authority vouches for no plain key"
        raise _wrong(f"{words}; {_EXPECTED}", text, path, number, fields[0])
    whom = names if isinstance(names, HashedName) else PatternList.split(names, fold=True)
    return Expectation(fingerprint(entry.blob), whom, number, entry.marker == "revoked")


def _short(fields: list[str], text: str, path: str, number: int) -> Expectation:
    *whom, mark = fields[:2] if fields[0][:7] != "SHA256:" else fields[:1]
    mark = mark.rstrip("=")
    if not _FINGERPRINT.match(mark):
        words = "a SHA256 fingerprint has 43 characters of base64"
        raise _wrong(words, text, path, number, mark)
    rest = fields[len(whom) + 1 :]
    if rest and not rest[0].startswith("#"):
        raise _wrong(f"{rest[0]!r} is one word too many; {_EXPECTED}", text, path, number, rest[0])
    names = PatternList.split(whom[0], fold=True) if whom else None
    return Expectation(mark, names, number)


def _wrong(words: str, text: str, path: str, number: int, at: str) -> ConfigError:
    return ConfigError(words, path=path, line=number, column=text.find(at) + 1, text=text)
