"""Permission bits as chmod(1) reads them: octal, or symbolic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsrun.errors import UsageError

PERMISSIONS = 0o777
SPECIAL = 0o7000
"""setuid, setgid and sticky."""

_OCTAL = re.compile(r"0?[0-7]{1,4}\Z")
_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<actions>([+=-]([rwxXst]*|[ugo]))+)\Z")
_ACTION = re.compile(r"(?P<op>[+=-])(?P<what>[rwxXst]*|[ugo])(?=[+=-]|\Z)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


@dataclass(frozen=True, slots=True)
class Mode:
    """What ``--mode`` asks for; POSIX chmod's operand."""

    text: str
    octal: int | None

    @classmethod
    def parse(cls, text: str) -> Mode:
        """Read ``0644``, ``u=rw,go=r`` or ``a+X``.

        Raises:
            UsageError: it is neither.
        """
        if _OCTAL.match(text):
            return cls(text, int(text, 8))
        if text and all(_CLAUSE.match(clause) for clause in text.split(",")):
            return cls(text, None)
        raise UsageError(f"a mode is octal (0644) or symbolic (u=rw,go=r), not {text!r}")

    @property
    def is_special(self) -> bool:
        """Whether it says anything of setuid, setgid or sticky."""
        if self.octal is not None:
            return bool(self.octal & SPECIAL) or len(self.text.lstrip("0")) > 3
        return any(char in self.text for char in "st")

    def applied(self, mode: int, *, directory: bool, umask: int) -> int:
        """The bits that a file with ``mode`` has afterwards.

        Args:
            mode: 0o7777 bits.
            directory: ``X`` is ``x`` there.
            umask: what is left out where no ``u``, ``g``, ``o`` or ``a`` is named.
        """
        if self.octal is not None:
            return self.octal
        for clause in self.text.split(","):
            found = _CLAUSE.match(clause)
            assert found is not None
            for action in _ACTION.finditer(found["actions"]):
                mode = _changed(mode, found["who"], action, directory, umask)
        return mode


_SPECIALS = {"u": 0o4000, "g": 0o2000, "o": 0o1000}


def _changed(mode: int, who: str, action: re.Match[str], directory: bool, umask: int) -> int:
    classes = set("ugo" if not who or "a" in who else who)
    field = sum((7 << _SHIFT[name]) | _SPECIALS[name] for name in classes)
    bits = _permissions(action["what"], mode, directory) * 0o111
    bits |= 0o6000 if "s" in action["what"] else 0
    bits |= 0o1000 if "t" in action["what"] else 0
    bits &= field if who else field & ~umask
    if action["op"] == "+":
        return mode | bits
    if action["op"] == "-":
        return mode & ~bits
    # Of a directory, chmod keeps what it is not told to clear by name.
    kept = mode & 0o6000 if directory else 0
    return (mode & ~field) | bits | kept


def _permissions(what: str, mode: int, directory: bool) -> int:
    if what in _SHIFT:
        return (mode >> _SHIFT[what]) & 7
    bits = sum(_BITS[name] for name in set(what) & set(_BITS))
    if "X" in what and (directory or mode & 0o111):
        bits |= 1
    return bits
