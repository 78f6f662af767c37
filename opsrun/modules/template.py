"""template: a file made of a template and the task's variables."""

from __future__ import annotations

import os
import os.path
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.content import Content
from opsrun.modules.file_options import FileOptions
from opsrun.modules.local import found_file
from opsrun.modules.options import module, option
from opsrun.modules.placing import Placing


@module("template")
class TemplateModule(FileOptions, Module):
    """Render a template of the controller's, and put what comes of it in its place."""

    ahead = True

    stays = True

    src: str = option(required=True, doc="The template.")
    dest: str = option(required=True, kind="path", doc="Where; a directory keeps the name.")
    mode: int | str | None = option(kind="mode", doc="Permissions, or ``preserve``.")
    backup: bool = option(False, doc="Whether the old file is kept beside it.")
    force: bool = option(True, doc="Whether a file that is there is replaced.")
    follow: bool = option(False, doc="Whether a link that is there is followed.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")
    newline_sequence: str = option(
        "\n", choices=("\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"), doc="What ends a line."
    )
    trim_blocks: bool = option(True, doc="Whether the newline behind a block goes.")
    lstrip_blocks: bool = option(False, doc="Whether spaces before a block go.")
    block_start_string: str | None = option(doc="In place of ``{%``.")
    block_end_string: str | None = option(doc="In place of ``%}``.")
    variable_start_string: str | None = option(doc="In place of ``{{``.")
    variable_end_string: str | None = option(doc="In place of ``}}``.")
    comment_start_string: str | None = option(doc="In place of ``{#``.")
    comment_end_string: str | None = option(doc="In place of ``#}``.")
    output_encoding: str = option("utf-8", doc="Of the file that is made; UTF-8 if empty.")

    def steps(self, context: Context) -> Steps:
        """Render, then as copy."""
        path = found_file(self.src, "templates", context)
        made = context.controller.render(path, self._options())
        mode = os.stat(path).st_mode & 0o7777
        content = Content.of_bytes(self._encoded(made), path, mode)
        placing = Placing(
            content,
            os.path.basename(path),
            self.dest,
            self.wish,
            backup=self.backup,
            force=self.force,
            follow=self.follow,
            validate=self.validate or "",
            unsafe_writes=self.unsafe_writes,
        )
        result: ModuleResult = yield from placing.steps(context)
        return result

    def _encoded(self, made: bytes) -> bytes:
        if self.output_encoding.lower().replace("_", "-") in ("utf-8", "utf8", ""):
            return made
        try:
            return made.decode("utf-8").encode(self.output_encoding)
        except (LookupError, UnicodeError) as error:
            raise ModuleError(f"output_encoding {self.output_encoding}: {error}") from error

    def _options(self) -> dict[str, Any]:
        names = ("trim_blocks", "lstrip_blocks")
        marks = [f"{a}_{b}_string" for a in ("block", "variable", "comment") for b in _ENDS]
        found = {name: getattr(self, name) for name in (*names, *marks)}
        newline = self.newline_sequence.replace("\\n", "\n").replace("\\r", "\r")
        found |= {"newline_sequence": newline, "src": self.src, "dest": self.dest}
        return {name: value for name, value in found.items() if value is not None}


_ENDS = ("start", "end")
