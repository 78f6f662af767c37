"""assemble: one file made of the files of a directory."""

from __future__ import annotations

from dataclasses import replace

from opsrun.modules.base import (
    Beginning,
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    NotLeftAlone,
    Steps,
)
from opsrun.modules.content import Content
from opsrun.modules.local import found_file
from opsrun.modules.looking import LOOK
from opsrun.modules.options import module, option
from opsrun.modules.permissions import described
from opsrun.modules.placing import Placing
from opsrun.modules.texts.editing import Change, Edited, TextModule
from opsrun.modules.texts.fragments import (
    Joining,
    fragments_script,
    local_fragments,
    parse_fragments,
)
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult


@module("assemble")
class Assemble(TextModule):
    """Put the files of a directory together, in the order of their names."""

    src: str = option(required=True, kind="path", doc="The directory.")
    dest: str = option(required=True, kind="path", doc="The file that is made of them.")
    remote_src: bool = option(True, doc="Whether the directory is on the host.")
    regexp: str | None = option(doc="Found in the names of the files that count.")
    delimiter: str | None = option(doc="What stands between two; ``\\\\n`` is a newline.")
    ignore_hidden: bool = option(False, doc="Whether names that begin with a dot are left out.")
    decrypt: bool = option(True, doc="Whether encrypted files of the controller go in clear.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")

    @property
    def target(self) -> str:
        """See `TextModule.target`."""
        return self.dest

    @property
    def follows(self) -> bool:
        """See `TextModule.follows`."""
        return False

    @property
    def _joining(self) -> Joining:
        return Joining(self.regexp, self.delimiter, self.ignore_hidden)

    def steps(self, context: Context) -> Steps:
        """By where the fragments are."""
        if self.remote_src:
            return (yield from super().steps(context))
        path = found_file(self.src, "files", context, directory=True)
        files = local_fragments(path, context, decrypt=self.decrypt)
        placing = Placing(
            Content.of_bytes(self._joining.joined(files)),
            "",
            self.dest,
            self.wish,
            backup=self.backup,
            validate=self.validate or "",
            unsafe_writes=self.unsafe_writes,
        )
        result: ModuleResult = yield from placing.steps(context)
        return replace(result, diff=tuple(replace(each, alone=True) for each in result.diff))

    def background(self, context: Context) -> Beginning:
        """See `Module.background`."""
        if not self.remote_src:
            raise NotLeftAlone(self.name)
        return super().background(context)

    def inspect(self, context: Context) -> Inspection[Text]:
        """One script: the fragments, and the file that they are to be."""

        def parse(answer: CommandResult) -> Text:
            src, files, rest = parse_fragments(answer)
            try:
                text = parse_read(rest, self.wish, check=context.check, follow=False)
            except ModuleError as error:
                raise ModuleError(error.msg) from error
            if text.answers.every("new"):
                folder = text.answers.every("new")[0]
                raise ModuleError(f"Destination directory {folder} does not exist")
            return replace(text, src=src, made=self._joining.joined(files))

        script = read_script(self.dest, self.wish)
        script = script.replace(LOOK, LOOK + fragments_script(self.src), 1)
        return Inspection(script, parse, cap=LIMIT)

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        return Edited(text.made, "OK")

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        text = change.text
        digests = Content.of_bytes(text.made).digests
        data = {"src": text.src, "dest": text.path}
        data |= {"checksum": digests.sha1, "md5sum": digests.md5, **described(text.seen)}
        data |= {"backup_file": change.backup} if change.backup else {}
        diff: tuple[Diff, ...] = ()
        if change.written and change.context.diff:
            sides = text_of(text.content), text_of(text.made)
            diff = (Diff(*sides, text.path, text.path, alone=True),)
        return ModuleResult(msg="OK", data=data, diff=diff)
