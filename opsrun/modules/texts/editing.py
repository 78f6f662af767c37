"""What all modules that edit text have in common."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.file_options import FileOptions
from opsrun.modules.looking import LOOK, Answers, unblocked
from opsrun.modules.options import option
from opsrun.modules.permissions import described
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing, fresh
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

ATTRIBUTES = "ownership, perms or SE linux context changed"
"""What the dialect says of a file whose owner or mode was put right."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit comes to."""

    content: bytes
    msg: str
    data: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the result."""
    settled: bool = False
    """There is nothing to edit: no owner or mode is put right, either."""
    made: bool = True
    """Whether a file that is not there is made, even of nothing."""
    shown: tuple[str, str] | None = None
    """Both sides as differences have them, where that is not the content."""


@dataclass(frozen=True, kw_only=True)
class TextModule(FileOptions, StateModule[Text]):
    """A module that edits one text file; links are followed."""

    ahead = True

    backup: bool = option(False, doc="Whether the old file is kept beside it.")

    @property
    @abstractmethod
    def target(self) -> str:
        """The file, as it is written."""

    @property
    def validation(self) -> str:
        """A command that says whether the new file is fit; empty for none."""
        return str(getattr(self, "validate", None) or "")

    @property
    def follows(self) -> bool:
        """Whether what a link leads to is edited; else a file takes the link's place."""
        return True

    @abstractmethod
    def edit(self, text: Text) -> Edited:
        """Pure. Raises `ModuleError`."""

    @abstractmethod
    def result(self, change: Change) -> ModuleResult:
        """As the dialect has it."""

    def inspect(self, context: Context) -> Inspection[Text]:
        """One script that prints the file."""

        def parse(answer: CommandResult) -> Text:
            return parse_read(answer, self.wish, check=context.check, follow=self.follows)

        return Inspection(read_script(self.target, self.wish, stamp=self.backup), parse, cap=LIMIT)

    def plan(self, text: Text, context: Context) -> Plan:
        """Edit what was read, and write it back if that makes a difference."""
        edited = self.edit(text)
        if edited.settled:
            return Plan(result=ModuleResult(msg=edited.msg, data=edited.data))
        change = self._change(text, edited, context)
        told = self.result(change)
        warnings = (*told.warnings, *text.wanted.warnings)
        result = replace(told, changed=change.changed, warnings=warnings)
        if change.written:
            if not text.exists:
                unblocked(text.answers, text.path)
                if text.path.endswith("/"):
                    raise ModuleError(f"{text.path} is the name of a directory, not of a file")
            writing = Writing(
                text,
                edited.content,
                f"{text.path}.{text.answers.text('stamp')}" if change.backup else "",
                self.validation,
                self.unsafe_writes,
            )
            return Plan((Run(writing.script(), edited.content),), result)
        if change.attributes:
            lines = "".join(text.wanted.against(text.seen).lines(text.real))
            return Plan((Run(f"{lines}{LOOK}at after {word(text.path)} -L\n"),), result)
        return Plan(result=result)

    def _change(self, text: Text, edited: Edited, context: Context) -> Change:
        was = text.seen if text.exists else fresh(text)
        difference = text.wanted.against(was)
        written = edited.content != text.content or (edited.made and not text.exists)
        kept = self.backup and written and text.exists and not context.check
        return Change(
            text,
            edited,
            written,
            bool(difference) and (text.exists or (written and not context.check)),
            difference.before() if difference else None,
            difference.after() if difference else None,
            f"{text.path}.{text.answers.text('stamp')}" if kept else "",
            context,
        )

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what there is now, where the module tells of that."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    """The results of modules that say where a file is say what is there, too."""
    answers = Answers(answer)
    refused = answers.get("invalid")
    if refused is not None:
        raise ModuleError(refused)
    after = answers.seen("after", lenient=True)
    if "path" not in result.data and "dest" not in result.data:
        return result
    return replace(result, data={**result.data, **described(after)})


@dataclass(frozen=True, kw_only=True)
class PathModule(TextModule):
    """One whose file is named by ``path``."""

    path: str = option(
        required=True, kind="path", aliases=("dest", "destfile", "name"), doc="Which file."
    )

    @property
    def target(self) -> str:
        """See `TextModule.target`."""
        return self.path


@dataclass(frozen=True, slots=True)
class Change:
    """An edit, compared with what there is."""

    text: Text
    edited: Edited
    written: bool
    """The file is written anew."""
    attributes: bool
    """Owner or mode are other than wanted."""
    attributes_before: Mapping[str, Any] | None
    attributes_after: Mapping[str, Any] | None
    backup: str
    """Where the old file will be kept; empty for nowhere."""
    context: Context

    @property
    def changed(self) -> bool:
        """Whether the host will be other than before."""
        return self.written or self.attributes

    @property
    def msg(self) -> str:
        """With a word on owner and mode."""
        parts = [self.edited.msg] if self.edited.msg else []
        return " and ".join([*parts, *([ATTRIBUTES] if self.attributes else [])])

    def diffs(self) -> tuple[Diff, ...]:
        """Of the text and of owner and mode, as the dialect has both."""
        path, wanted = self.text.path, self.context.diff
        content, attributes = f"{path} (content)", f"{path} (file attributes)"
        before = text_of(self.text.content) if wanted else ""
        after = text_of(self.edited.content) if wanted else ""
        if self.context.check and not self.text.exists:
            return (Diff(before, after, content, content, alone=True),)
        return (
            Diff(before, after, content, content),
            Diff(self.attributes_before, self.attributes_after, attributes, attributes),
        )


def compiled(pattern: str, what: str, flags: int = 0) -> re.Pattern[bytes]:
    """A regular expression for bytes. ModuleError: it is none; says where."""
    try:
        return re.compile(pattern.encode("utf-8", "surrogateescape"), flags)
    except re.error as error:
        raise ModuleError(bad_expression(pattern, what, error)) from error


def bad_expression(pattern: str, what: str, error: re.error) -> str:
    """Words for a regular expression that can't be read."""
    where = "" if error.pos is None else f" at position {error.pos}"
    return f"{what}: {pattern!r} is no regular expression: {error.msg}{where}"
