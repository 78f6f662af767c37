"""Files of one directory, made into one."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from opsrun.modules.base import Context, ModuleError
from opsrun.modules.content import DIFF_LIMIT
from opsrun.modules.local import content_of
from opsrun.modules.looking import Answers
from opsrun.modules.texts.editing import bad_expression
from opsrun.modules.wording import path_bytes, path_of, path_word
from opsrun.remote.command import CommandResult

_MARK = b"fragments\0\0"
_END = b"end\0\0"

_READ = r"""
at src "$src" -L
say fragments ""
if [ -d "$src" ]; then
  for p in "$src"/* "$src"/.*; do
    [ -f "$p" ] || continue
    n=$(($(wc -c <"$p"))) || exit
    say "${p##*/}" "$n"
    head -c "$n" <"$p" || exit
  done
fi
say end ""
"""


@dataclass(frozen=True, slots=True)
class Joining:
    """How fragments become one file."""

    regexp: str | None = None
    """Found in the names of those that count."""
    delimiter: str | None = None
    """Between two; may hold escapes like those of Python's strings."""
    ignore_hidden: bool = False

    def joined(self, fragments: Mapping[str, bytes]) -> bytes:
        """The whole, in the order of the names.

        Raises:
            ModuleError: a regular expression or an escape that can't be read.
        """
        parts: list[bytes] = []
        between = self._between()
        for name in self._chosen(fragments):
            if parts:
                parts.append(b"" if parts[-1].endswith(b"\n") else b"\n")
                parts.append(between)
            parts.append(fragments[name])
        return b"".join(parts)

    def _chosen(self, names: Mapping[str, bytes]) -> list[str]:
        try:
            expression = re.compile(self.regexp or "")
        except re.error as error:
            raise ModuleError(bad_expression(self.regexp or "", "regexp", error)) from error
        hidden = "." if self.ignore_hidden else "/"
        return [name for name in sorted(names) if expression.search(name) and name[:1] != hidden]

    def _between(self) -> bytes:
        if not self.delimiter:
            return b""
        written = self.delimiter.encode("utf-8", "surrogateescape")
        try:
            told = codecs.escape_decode(written)[0]
        except ValueError as error:
            raise ModuleError(f"delimiter: {self.delimiter!r}: {error}") from error
        found = bytes(told)
        return found if found.endswith(b"\n") else found + b"\n"


def fragments_script(src: str) -> str:
    """Prints the files of a directory; ``LOOK`` stands before it."""
    return f"src={path_word(src)}\n{_READ}"


def parse_fragments(answer: CommandResult) -> tuple[str, dict[str, bytes], CommandResult]:
    """The directory, its files by name, and what else was said behind them.

    Raises:
        ModuleError: there is no such directory, or one of its files can't be read to its end.
    """
    head, found, rest = answer.stdout.partition(_MARK)
    seen = Answers(replace(answer, stdout=head, rc=0 if found else answer.rc)).seen("src")
    if not seen.exists:
        raise ModuleError(f"Source ({seen.path}) does not exist")
    if not seen.is_dir:
        raise ModuleError(f"Source ({seen.path}) is not a directory")
    if answer.truncated:
        raise ModuleError(f"the files of {seen.path} are too many, or too long, to be read")
    files: dict[str, bytes] = {}
    at = 0
    while not rest.startswith(_END, at):
        name, size, begin = _entry(rest, at, answer)
        files[path_of(name)] = rest[begin : begin + size]
        at = begin + size
    return seen.path, files, replace(answer, stdout=rest[at + len(_END) :])


def _entry(told: bytes, at: int, answer: CommandResult) -> tuple[bytes, int, int]:
    """A file's name and size, and where its bytes begin."""
    fields = told[at : at + 2 * DIFF_LIMIT].split(b"\0", 2)
    if len(fields) < 3 or not fields[1].isdigit() or not answer.ok:
        raise ModuleError.of(answer, "the fragments can't be read")
    name, size = fields[0], int(fields[1])
    begin = at + len(name) + len(fields[1]) + 2
    if begin + size > len(told):
        raise ModuleError(f"{path_of(name)} changed while it was read")
    return name, size, begin


def local_fragments(path: str, context: Context, *, decrypt: bool) -> dict[str, bytes]:
    """The files of a directory of the controller's. ModuleError: one can't be read."""
    try:
        names = os.listdir(path_bytes(path))
    except OSError as error:
        raise ModuleError(f"{path}: {error.strerror}") from error
    files = {}
    for name in map(path_of, names):
        file = os.path.join(path, name)
        if os.path.isfile(file):
            files[name] = b"".join(content_of(file, context, decrypt=decrypt).chunks())
    return files
