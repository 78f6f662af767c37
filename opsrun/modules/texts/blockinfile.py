"""blockinfile: lines between two marks."""

from __future__ import annotations

import re

from opsrun.modules.base import ModuleError, ModuleResult
from opsrun.modules.options import module, option
from opsrun.modules.texts.editing import Change, Edited, PathModule, compiled
from opsrun.modules.texts.reading import Text


@module("blockinfile", exclusive=(("insertbefore", "insertafter"),))
class BlockInFile(PathModule):
    """See to it that lines between two marks are in a text file, or are not."""

    block: str = option("", aliases=("content",), doc="The lines; none takes them out.")
    state: str = option("present", choices=("absent", "present"), doc="Whether they are there.")
    marker: str = option(
        "# {mark} ANSIBLE MANAGED BLOCK", doc="The lines around them, each with its ``{mark}``."
    )
    marker_begin: str = option("BEGIN", doc="What ``{mark}`` is before them.")
    marker_end: str = option("END", doc="What ``{mark}`` is behind them.")
    insertafter: str | None = option(
        doc="Behind which line new ones come: the last that this is found in, or ``EOF``."
    )
    insertbefore: str | None = option(doc="The same, for before which; or ``BOF``.")
    prepend_newline: bool = option(False, doc="Whether an empty line comes before them.")
    append_newline: bool = option(False, doc="Whether an empty line comes behind them.")
    create: bool = option(False, doc="Whether a file that is not there is made.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        if not text.exists and not self.create:
            raise ModuleError(f"Path {text.path} does not exist !", rc=257)
        if not text.exists and self.state == "absent":
            return Edited(b"", f"File {text.path} not present", settled=True)
        wanted = self._wanted()
        content = self._edited(text.content, wanted)
        if not text.exists:
            return Edited(content, "File created")
        if content == text.content:
            return Edited(content, "")
        return Edited(content, "Block inserted" if wanted else "Block removed")

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        data = {"backup_file": change.backup} if change.backup else {}
        return ModuleResult(msg=change.msg, data=data, diff=change.diffs())

    def _wanted(self) -> list[bytes]:
        block = _bytes(self.block)
        if self.state == "absent" or not block:
            return []
        begin, end = self._marks()
        return [begin, block if block.endswith(b"\n") else block + b"\n", end]

    def _marks(self) -> tuple[bytes, bytes]:
        begin, end = (
            _bytes(self.marker.replace("{mark}", mark)) + b"\n"
            for mark in (self.marker_begin, self.marker_end)
        )
        return begin, end

    def _edited(self, content: bytes, wanted: list[bytes]) -> bytes:
        lines = content.splitlines(keepends=True)
        begin, end = self._marks()
        first, last = _last(lines, begin), _last(lines, end)
        if first is None or last is None:
            at = self._place(content, lines)
        else:
            at = min(first, last)
            del lines[at : max(first, last) + 1]
        if at > 0 and not lines[at - 1].endswith(b"\n"):
            lines[at - 1] += b"\n"
        if wanted and self.prepend_newline and at > 0 and lines[at - 1] != b"\n":
            lines.insert(at, b"\n")
            at += 1
        lines[at:at] = wanted
        behind = at + len(wanted)
        if wanted and self.append_newline and behind < len(lines) and lines[behind] != b"\n":
            lines.insert(behind, b"\n")
        return b"".join(lines)

    def _place(self, content: bytes, lines: list[bytes]) -> int:
        before = self.insertbefore is not None
        pattern = self.insertbefore if before else self.insertafter
        if pattern in (None, "EOF", "BOF"):
            return 0 if self.insertbefore == "BOF" else len(lines)
        expression = compiled(str(pattern), "insertbefore" if before else "insertafter")
        if expression.flags & re.MULTILINE:
            match = expression.search(content)
            if match is None:
                return len(lines)
            end = match.start() if before else match.end()
            at = content.count(b"\n", 0, end) + (0 if before else 1)
            return min(at, len(lines))
        found = [number for number, line in enumerate(lines) if expression.search(line)]
        if not found:
            return len(lines)
        return found[-1] if before else found[-1] + 1


def _last(lines: list[bytes], wanted: bytes) -> int | None:
    found = [number for number, line in enumerate(lines) if line == wanted]
    return found[-1] if found else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
