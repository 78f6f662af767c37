"""script: a file of the controller's, run on the host."""

from __future__ import annotations

import io
import os.path
import secrets
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.local import content_of, found_file
from opsrun.modules.options import module, option, resolve
from opsrun.modules.outcome import Ending, lines_of, read_ending
from opsrun.modules.requests import Run
from opsrun.modules.running import AROUND
from opsrun.modules.wording import glob_word, path_word, text_of, word
from opsrun.remote.command import CommandResult

_TAKE = """\
t=${TMPDIR:-/tmp}/opsrun-$mark
clear() { rm -rf -- "$t"; }
trap clear EXIT
trap 'exit 143' HUP INT TERM
e=$(umask 077; mkdir -- "$t" 2>&1 && cat 2>&1 >"$t/$n" && chmod u+rx -- "$t/$n" 2>&1) ||
  { tell "broken $e"; exit 0; }
"""


@module("script", free_form="cmd")
class Script(Module):
    """Send a file of the controller's to the host, run it there, and remove it."""

    cmd: str | None = option(doc="The file, and its arguments as a shell reads them.")
    chdir: str | None = option(kind="path", doc="The directory to run in.")
    creates: str | None = option(kind="path", doc="Not run where this path or pattern exists.")
    removes: str | None = option(kind="path", doc="Run only where this path or pattern exists.")
    executable: str | None = option(doc="The program that is to read the file.")
    decrypt: bool = option(True, doc="Whether an encrypted file is sent in clear.")

    def steps(self, context: Context) -> Steps:
        """One script; the file is its standard input."""
        ruled = self.creates is not None or self.removes is not None
        if context.check and not ruled:
            return ModuleResult(skipped=True, msg="a script says nothing in check mode")
        mark = secrets.token_hex(8)
        answer = yield self._request(mark, context)
        return self._result(read_ending(answer, mark), answer)

    def _request(self, mark: str, context: Context) -> Run:
        name, arguments = self._words()
        path = found_file(name, "files", context)
        content = b"".join(content_of(path, context, decrypt=self.decrypt).chunks())
        return Run(
            "".join(self._script(mark, os.path.basename(path), arguments, context)),
            None if context.check else content,
            effect="reads" if context.check else "changes",
            apart=True,
            environment=True,
        )

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all of it."""
        mark = secrets.token_hex(8)
        rules = {"creates": self.creates, "removes": self.removes}
        told = {name: path for name, path in rules.items() if path is not None}
        recipe = {"module": self.name, "mark": mark, "cmd": self.cmd, "options": told}
        job = Job(self._request(mark, context), recipe)
        # A generator that asks for nothing.
        yield from ()
        return job

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        module = resolve(cls, recipe["options"], str(recipe["cmd"]))
        return module._result(read_ending(answer, str(recipe["mark"])), answer)

    def _result(self, ending: Ending, answer: CommandResult) -> ModuleResult:
        match ending.code:
            case "end":
                rc = ending.rc if ending.rc >= 0 else 128 - ending.rc
                streams = lines_of(text_of(ending.output), text_of(answer.stderr))
                msg = "non-zero return code" if rc else None
                return ModuleResult(True, rc != 0, msg=msg, data={"rc": rc, **streams})
            case "creates" | "removes":
                what = self.creates if ending.code == "creates" else self.removes
                is_it = "exists" if ending.code == "creates" else "does not exist"
                msg = f"{what} {is_it}, matching {ending.code} option"
                return ModuleResult(skipped=True, msg=msg)
            case "would":
                return ModuleResult(changed=True)
        raise ModuleError(ending.words or "the script was not run to its end")

    def _words(self) -> tuple[str, str]:
        text = io.StringIO(self.cmd or "")
        lexer = shlex.shlex(text, posix=True)
        lexer.whitespace_split = True
        lexer.commenters = ""
        try:
            name = lexer.get_token()
        except ValueError as error:
            raise ModuleError(f"the script's name can't be read: {error}") from error
        if not name:
            raise ModuleError("no script is named")
        return name, text.read().strip()

    def _script(self, mark: str, name: str, arguments: str, context: Context) -> Iterator[str]:
        yield f"{AROUND}mark={mark}\n"
        if self.creates is not None:
            yield f"if any {glob_word(self.creates)}; then tell creates; exit 0; fi\n"
        if self.removes is not None:
            yield f"any {glob_word(self.removes)} || {{ tell removes; exit 0; }}\n"
        if context.check:
            yield "tell would\n"
            return
        yield f"n={word(name)}\n{_TAKE}"
        into = "" if self.chdir is None else 'cd -- "$2" && '
        program = f"{self.executable} " if self.executable else ""
        line = f'{into}{program}"$1" {arguments}'
        chdir = path_word(self.chdir or "")
        yield f'd={chdir}\nrun /bin/sh -c {word(line)} /bin/sh "$t/$n" "$d" </dev/null\n'
