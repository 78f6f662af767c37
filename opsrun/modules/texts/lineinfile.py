"""lineinfile: one line that is to be in a file, or lines that are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opsrun.modules.base import ModuleError, ModuleResult
from opsrun.modules.options import module, option
from opsrun.modules.texts.editing import Change, Edited, PathModule, compiled
from opsrun.modules.texts.reading import Text

Match = re.Match[bytes] | bool | None


@module(
    "lineinfile",
    exclusive=(
        ("insertbefore", "insertafter"),
        ("regexp", "search_string"),
        ("backrefs", "search_string"),
    ),
)
class LineInFile(PathModule):
    """See to it that a line is in a text file, or that lines are not."""

    line: str | None = option(aliases=("value",), doc="What the line is to say.")
    regexp: str | None = option(
        aliases=("regex",), doc="Which line is replaced, or which ones go: what is found in them."
    )
    search_string: str | None = option(doc="The same, as plain text.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    backrefs: bool = option(
        False,
        doc="Whether ``\\1`` in the line is a group; without a match, nothing is done.",
    )
    insertafter: str | None = option(
        doc="Behind which line a new one comes: the last that this is found in, or ``EOF``."
    )
    insertbefore: str | None = option(doc="The same, for before which; or ``BOF``.")
    firstmatch: bool = option(False, doc="Whether the first line that is found is meant.")
    create: bool = option(False, doc="Whether a file that is not there is made.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        self._sound()
        if self.state == "absent":
            return self._without(text)
        if not text.exists and not self.create:
            raise ModuleError(f"Destination {text.path} does not exist !", rc=257)
        lines, msg = self._with(text.content.splitlines(keepends=True))
        return Edited(b"".join(lines), msg, made=bool(msg))

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        data = {"backup": change.backup, **change.edited.data}
        warnings = tuple(self._warnings())
        return ModuleResult(msg=change.msg, data=data, diff=change.diffs(), warnings=warnings)

    def _warnings(self) -> Iterator[str]:
        for name in ("regexp", "search_string"):
            if getattr(self, name) == "":
                yield f"an empty {name} is found in every line: the last one is meant"

    def _sound(self) -> None:
        if self.state == "present":
            if self.backrefs and self.regexp is None:
                raise ModuleError("regexp is required with backrefs=true")
            if self.line is None:
                raise ModuleError("line is required with state=present")
        elif self.line is None and self.regexp is None and self.search_string is None:
            words = "one of line, search_string, or regexp is required with state=absent"
            raise ModuleError(words)

    def _matcher(self) -> Callable[[bytes], Match]:
        if self.regexp is not None:
            return compiled(self.regexp, "regexp").search
        if self.search_string is not None:
            wanted = _bytes(self.search_string)
            return lambda line: wanted in line
        own = _bytes(self.line or "")
        return lambda line: line.rstrip(b"\r\n") == own

    def _without(self, text: Text) -> Edited:
        if not text.exists:
            return Edited(b"", "file not present", settled=True)
        matches = self._matcher()
        lines = text.content.splitlines(keepends=True)
        kept = [line for line in lines if not matches(line)]
        gone = len(lines) - len(kept)
        msg = f"{gone} line(s) removed" if gone else ""
        return Edited(b"".join(kept), msg, {"found": gone})

    # -- a line that is to be there

    def _with(self, lines: list[bytes]) -> tuple[list[bytes], str]:
        wanted = _bytes(self.line or "")
        found = self._found(lines, wanted)
        if found.line is not None:
            return self._replaced(lines, found, wanted)
        if self.backrefs:
            return lines, ""
        return self._inserted(lines, found, wanted)

    def _found(self, lines: list[bytes], wanted: bytes) -> _Found:
        matches, beside = self._matcher(), self._beside()
        found = exact = place = None
        for number, line in enumerate(lines):
            if match := matches(line):
                found = _Found(number, match)
                if self.firstmatch:
                    break
            elif line.rstrip(b"\r\n") == wanted:
                exact = number
            elif place is not None and self.firstmatch:
                continue
            elif beside is not None and beside.search(line):
                place = number + (0 if self.insertbefore else 1)
        # A line that is there already is no less there for not being what was looked for.
        return found or _Found(exact, place=place)

    def _beside(self) -> re.Pattern[bytes] | None:
        for name in ("insertafter", "insertbefore"):
            pattern = getattr(self, name)
            if pattern not in (None, "BOF", "EOF"):
                return compiled(pattern, name)
        return None

    def _replaced(
        self, lines: list[bytes], found: _Found, wanted: bytes
    ) -> tuple[list[bytes], str]:
        assert found.line is not None
        new = wanted
        if self.backrefs and isinstance(found.match, re.Match):
            new = _expanded(found.match, wanted)
        if not new.endswith(b"\n"):
            new += b"\n"
        if lines[found.line] == new:
            return lines, ""
        return [*lines[: found.line], new, *lines[found.line + 1 :]], "line replaced"

    def _inserted(
        self, lines: list[bytes], found: _Found, wanted: bytes
    ) -> tuple[list[bytes], str]:
        new = wanted + b"\n"
        if self.insertbefore == "BOF" or self.insertafter == "BOF":
            return [new, *lines], "line added"
        if found.place is None:
            return [*_ended(lines), new], "line added"
        at = found.place
        if self.insertbefore is None and at == len(lines):
            return [*_ended(lines), new], "line added"
        if self.insertbefore is None and lines[at].rstrip(b"\r\n") == wanted:
            return lines, ""
        if self.insertbefore is not None and at and lines[at - 1].rstrip(b"\r\n") == wanted:
            return lines, ""
        return [*lines[:at], new, *lines[at:]], "line added"


@dataclass(frozen=True, slots=True)
class _Found:
    """Where things are in a file, by numbers from 0."""

    line: int | None = None
    """The line that is to be another one."""
    match: Match = None
    place: int | None = None
    """Where a new line comes."""


def _ended(lines: list[bytes]) -> list[bytes]:
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        return [*lines[:-1], lines[-1] + b"\n"]
    return lines


def _expanded(match: re.Match[bytes], template: bytes) -> bytes:
    try:
        return match.expand(template)
    except (re.error, IndexError) as error:
        shown = template.decode("utf-8", "replace")
        raise ModuleError(f"line: {shown!r} can't be filled in: {error}") from error


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
