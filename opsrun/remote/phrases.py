"""Phrases: text that many scripts of ours hold, said to a persistent shell once.

A phrase is shell functions, a constant of the program, kept by the loop in a variable; a script
that begins with it begins with ``eval "$_oN"`` in its place. Only beginnings count: what stands
further on may be part of a quoted word or of a here-document. So scripts are short on the wire, and
short enough to be read without a program (`opsrun.remote.loop`).
"""

from __future__ import annotations

import re

_KNOWN: list[str] = []
_NOT_READ = re.compile(r"^ +(?:#.*\n)?|^#.*\n|^\n", re.MULTILINE)
_AHEAD = ("umask 077\n", "unset LC_ALL\n")
"""What may stand before them."""
_SHORT = re.compile(r"[\t\n -~]{0,2048}\Z")


def compact(text: str) -> str:
    """A text of ours without what no shell reads.

    Args:
        text: no quoted word in it has a line that is empty, indented or a comment.
    """
    return _NOT_READ.sub("", text)


def phrase(text: str) -> str:
    """Have lines of ours that scripts can begin with said once a session; the same text.

    Args:
        text: fit to be made `compact`.
    """
    assert text.endswith("\n")
    assert "<<" not in text
    if text not in _KNOWN:
        _KNOWN.append(text)
    return text


class Phrases:
    """What one shell has been told."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def shortened(self, script: str) -> tuple[str, list[tuple[int, str]]]:
        """A script with the names of phrases in their places, and the phrases not told so far."""
        said = []
        new = []
        while text := next((each for each in (*_AHEAD, *_KNOWN) if script.startswith(each)), ""):
            script = script[len(text) :]
            if text in _AHEAD:
                said.append(text)
                continue
            if text not in self._told:
                self._told[text] = len(self._told) + 1
                new.append((self._told[text], compact(text)))
            said.append(f'eval "$_o{self._told[text]}"\n')
        return "".join([*said, script]), new


def measured(script: str) -> tuple[str, bytes]:
    """How a header says how long a script is, and the script's bytes.

    Plain and short text goes by its lines: shells read those alike, each byte of them.
    """
    if _SHORT.match(script):
        lines = script.removesuffix("\n") + "\n"
        return f"{lines.count(chr(10))}l", lines.encode()
    data = script.encode("utf-8", "surrogateescape")
    return str(len(data)), data
