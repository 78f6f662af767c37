"""replace: whatever matches a regular expression becomes something else."""

from __future__ import annotations

import re

from opsrun.modules.base import Diff, ModuleError, ModuleResult
from opsrun.modules.options import module, option
from opsrun.modules.texts.editing import Change, Edited, PathModule, bad_expression
from opsrun.modules.texts.reading import Text
from opsrun.modules.wording import path_bytes, text_of

_SECTION = "subsection"


@module("replace")
class Replace(PathModule):
    """Replace every match of a regular expression in a text file."""

    regexp: str = option(
        required=True, doc="What is replaced; ``^`` and ``$`` are the ends of each line."
    )
    replace: str = option("", doc="By what; ``\\1`` stands for a group.")
    after: str | None = option(doc="Only behind the first match of this; ``.`` takes newlines.")
    before: str | None = option(doc="Only before a match of this.")
    encoding: str = option("utf-8", doc="Of the file.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        if not text.exists:
            raise ModuleError(f"Path {text.path} does not exist !", rc=257)
        content = self._decoded(text.content)
        begin, end = 0, len(content)
        pattern = self._pattern()
        if pattern:
            match = _compiled(pattern, "before and after", re.DOTALL).search(content)
            if match is None:
                words = "Pattern for before/after params did not match the given file: "
                return Edited(text.content, words + pattern, {"rc": 0}, settled=True)
            begin, end = match.span(_SECTION)
        expression = _compiled(self.regexp, "regexp", re.MULTILINE)
        try:
            section, count = expression.subn(self.replace, content[begin:end])
        except (re.error, IndexError) as error:
            raise ModuleError(f"replace: {self.replace!r} can't be filled in: {error}") from error
        if section == content[begin:end]:
            return Edited(text.content, "")
        after = content[:begin] + section + content[end:]
        msg = f"{count} replacements made"
        return Edited(self._encoded(after), msg, shown=(content, after))

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        data = {"rc": 0, **({"backup_file": change.backup} if change.backup else {})}
        diff: tuple[Diff, ...] = ()
        if change.written and change.context.diff:
            path = change.text.path
            before, after = map(path_bytes, change.edited.shown or ("", ""))
            diff = (Diff(text_of(before), text_of(after), path, path, alone=True),)
        return ModuleResult(msg=change.msg, data=data, diff=diff)

    def _pattern(self) -> str:
        if self.after and self.before:
            return f"{self.after}(?P<{_SECTION}>.*?){self.before}"
        if self.after:
            return f"{self.after}(?P<{_SECTION}>.*)"
        return f"(?P<{_SECTION}>.*){self.before}" if self.before else ""

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode(self.encoding, "surrogateescape")
        except (LookupError, UnicodeError) as error:
            raise ModuleError(f"encoding {self.encoding}: {error}") from error

    def _encoded(self, content: str) -> bytes:
        try:
            return content.encode(self.encoding, "surrogateescape")
        except (LookupError, UnicodeError) as error:
            raise ModuleError(f"encoding {self.encoding}: {error}") from error


def _compiled(pattern: str, what: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise ModuleError(bad_expression(pattern, what, error)) from error
