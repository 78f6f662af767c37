"""command and shell: the user's own commands, with what they said and how they ended."""

from __future__ import annotations

import secrets
import shlex
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.outcome import Ending, lines_of, read_ending
from opsrun.modules.requests import Run
from opsrun.modules.running import AROUND, FIND, NO_PROGRAM
from opsrun.modules.wording import glob_word, path_word, text_of, word
from opsrun.remote.command import CommandResult

_TOLD = ("cmd", "argv", "creates", "removes", "executable", "strip_empty_ends")
"""Options that the result depends on."""


class _Command(Module):
    """What command and shell have in common."""

    cmd: str | None
    chdir: str | None
    creates: str | None
    removes: str | None
    stdin: str | None
    stdin_add_newline: bool
    strip_empty_ends: bool
    finding = ""
    """Shell functions that `launch` wants."""

    @abstractmethod
    def shown(self) -> Any:
        """What the result has for ``cmd``."""

    @abstractmethod
    def launch(self) -> Iterator[str]:
        """The lines that run it."""

    def warnings(self) -> tuple[str, ...]:
        """What is to be told besides."""
        return ()

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`."""
        if context.check and not self._ruled and self.chdir is None:
            return self._unrun(skipped=True)
        mark = secrets.token_hex(8)
        answer = yield self._request(mark, context)
        return self._result(read_ending(answer, mark), answer, check=context.check)

    def _request(self, mark: str, context: Context) -> Run:
        data = None
        if self.stdin is not None:
            text = self.stdin + "\n" if self.stdin_add_newline else self.stdin
            data = text.encode("utf-8", "surrogateescape")
        return Run(
            "".join(self._script(mark, context)),
            data,
            effect="reads" if context.check else "changes",
            apart=True,
            environment=True,
        )

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all of it."""
        if not str(self.shown() or "").strip():
            raise _refused("no command given")
        mark = secrets.token_hex(8)
        job = Job(self._request(mark, context), {"module": self.name, "mark": mark, **self._kept()})
        # A generator that asks for nothing.
        yield from ()
        return job

    def _kept(self) -> dict[str, Any]:
        kept = {name: getattr(self, name, None) for name in _TOLD}
        return {"options": {name: value for name, value in kept.items() if value is not None}}

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        module = cls(**{name: value for name, value in recipe["options"].items() if name in _TOLD})
        return module._result(read_ending(answer, str(recipe["mark"])), answer, check=False)

    @property
    def _ruled(self) -> bool:
        """Whether what is on the host decides if it runs."""
        return self.creates is not None or self.removes is not None

    def _script(self, mark: str, context: Context) -> Iterator[str]:
        yield f"{AROUND}{self.finding}mark={mark}\n"
        if self.chdir is not None:
            yield f"d={path_word(self.chdir)}\n"
            yield 'e=$(cd -- "$d" 2>&1) || { tell "chdir $e"; exit 0; }\ncd -P -- "$d" || exit\n'
        if self.creates is not None:
            yield f"if any {glob_word(self.creates)}; then tell creates; exit 0; fi\n"
        if self.removes is not None:
            yield f"any {glob_word(self.removes)} || {{ tell removes; exit 0; }}\n"
        if context.check:
            yield "tell would\n"
        else:
            yield from self.launch()

    def _result(self, ending: Ending, answer: CommandResult, *, check: bool) -> ModuleResult:
        match ending.code:
            case "end":
                return self._ran(ending, answer)
            case "creates" | "removes":
                return self._unneeded(ending.code, check)
            case "would":
                return self._unrun(skipped=not self._ruled)
            case "chdir":
                words = f"Unable to change directory before execution: {ending.words}"
                return ModuleResult(failed=True, msg=words, data=self._data(rc=None))
            case "missing" | "denied":
                number, why = NO_PROGRAM[ending.code]
                name = self.shown()[0]
                data = {"rc": number, "cmd": " ".join(self.shown()), **lines_of("", "")}
                return ModuleResult(failed=True, msg=f"[Errno {number}] {why}: {name!r}", data=data)
        raise ModuleError.of(answer, "the command was not run to its end")

    def _ran(self, ending: Ending, answer: CommandResult) -> ModuleResult:
        stdout, stderr = text_of(ending.output), text_of(answer.stderr)
        if self.strip_empty_ends:
            stdout, stderr = stdout.rstrip("\r\n"), stderr.rstrip("\r\n")
        failed = ending.rc != 0
        times = {"start": ending.start, "end": ending.end, "delta": ending.delta}
        warnings = self.warnings()
        if answer.truncated:
            warnings = (*warnings, "its output was too long to be kept whole")
        return ModuleResult(
            changed=True,
            failed=failed,
            msg="non-zero return code" if failed else "",
            data={"cmd": self.shown(), "rc": ending.rc, **times, **lines_of(stdout, stderr)},
            warnings=warnings,
        )

    def _unneeded(self, rule: str, check: bool) -> ModuleResult:
        path = self.creates if rule == "creates" else self.removes
        why = "exists" if rule == "creates" else "does not exist"
        first = "Would not" if check else "Did not"
        return ModuleResult(
            msg=f"{first} run command since '{path}' {why}",
            data=self._data(rc=0, stdout=f"skipped, since {path} {why}"),
            warnings=self.warnings(),
        )

    def _unrun(self, *, skipped: bool) -> ModuleResult:
        return ModuleResult(
            changed=not skipped,
            skipped=skipped,
            msg="Command would have run if not in check mode",
            data=self._data(rc=0),
            warnings=self.warnings(),
        )

    def _data(self, rc: int | None, stdout: str = "") -> dict[str, Any]:
        times = dict.fromkeys(("start", "end", "delta"))
        return {"cmd": self.shown(), "rc": rc, **times, **lines_of(stdout, "")}


def _refused(msg: str) -> ModuleError:
    times = dict.fromkeys(("start", "end", "delta", "cmd"))
    return ModuleError(msg, rc=256, **times, **lines_of("", ""))


@module("command", free_form="cmd")
class CommandModule(_Command):
    """Run a program with its arguments; no shell reads them."""

    cmd: str | None = option(doc="The program and its arguments, quoted as for a shell.")
    argv: list[str] | None = option(elements="str", doc="The same as a list, nothing quoted.")
    chdir: str | None = option(kind="path", doc="The directory to run in.")
    creates: str | None = option(kind="path", doc="Not run where this path or pattern exists.")
    removes: str | None = option(kind="path", doc="Run only where this path or pattern exists.")
    executable: str | None = option(kind="path", doc="Means nothing here; use shell.")
    stdin: str | None = option(doc="Standard input.")
    stdin_add_newline: bool = option(True, doc="Whether a newline is put behind it.")
    strip_empty_ends: bool = option(True, doc="Whether newlines are cut off the output's end.")
    expand_argument_vars: bool = option(
        True, doc="Whether $NAME and ~ in arguments mean variables and homes of the host."
    )

    finding = FIND

    def words(self) -> list[str]:
        """The program and its arguments. ModuleError where there are none, or a quote too few."""
        if self.argv and (self.cmd or "").strip():
            raise _refused("only command or argv can be given, not both")
        if self.argv:
            return list(self.argv)
        try:
            found = shlex.split(self.cmd or "")
        except ValueError as error:
            raise _refused(f"the command can't be split into words: {error}") from error
        if not found:
            raise _refused("no command given")
        return found

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`."""
        self.words()
        return (yield from super().steps(context))

    def shown(self) -> list[str]:
        """A list."""
        return self.words()

    def launch(self) -> Iterator[str]:
        """Looks for the program first: a shell would take its own builtin."""
        each = path_word if self.expand_argument_vars else word
        yield f'set -- {" ".join(map(each, self.words()))}\nfound "$1"\nIFS=\nrun "$@"\n'

    def warnings(self) -> tuple[str, ...]:
        """An ``executable`` is told of."""
        if self.executable is None:
            return ()
        return (f"command runs no shell: executable={self.executable} is no longer supported",)


@module("shell", free_form="cmd")
class ShellModule(_Command):
    """Run text in a shell."""

    cmd: str | None = option(doc="What the shell is to read.")
    chdir: str | None = option(kind="path", doc="The directory to run in.")
    creates: str | None = option(kind="path", doc="Not run where this path or pattern exists.")
    removes: str | None = option(kind="path", doc="Run only where this path or pattern exists.")
    executable: str | None = option(kind="path", doc="The shell; /bin/sh where none is named.")
    stdin: str | None = option(doc="Standard input.")
    stdin_add_newline: bool = option(True, doc="Whether a newline is put behind it.")
    strip_empty_ends: bool = option(True, doc="Whether newlines are cut off the output's end.")

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`."""
        if not (self.cmd or "").strip():
            raise _refused("no command given")
        return (yield from super().steps(context))

    def shown(self) -> str | None:
        """Text."""
        return self.cmd

    def launch(self) -> Iterator[str]:
        """One program, with the text as its argument."""
        yield f"run {path_word(self.executable or '/bin/sh')} -c {word(self.cmd or '')}\n"
