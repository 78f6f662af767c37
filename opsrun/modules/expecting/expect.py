"""expect: a program on a terminal, with answers to what it asks."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.expecting.answering import Answerer, prompts_of
from opsrun.modules.expecting.opening import Opening
from opsrun.modules.options import module, option
from opsrun.modules.outcome import read_time
from opsrun.modules.requests import Converse
from opsrun.modules.running import AROUND, FIND, NO_PROGRAM
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.conversing import Conversed

_ECHO = """\
stty echo 2>/dev/null || { tell "echo"; exit 0; }
"""


@module("expect")
class Expect(Module):
    """Run a program on a terminal, and answer what it asks."""

    checks = False
    stays = True

    command: str = option(
        required=True, doc="The program and its arguments, quoted as for a shell; none reads them."
    )
    responses: dict[str, Any] = option(
        required=True,
        doc="By regular expression (Python's; a dot matches newlines too) what to type where the "
        "output matches: one answer for each time, or a list, of which each is given once.",
    )
    chdir: str | None = option(kind="path", doc="The directory to run in.")
    creates: str | None = option(kind="path", doc="Not run where this path exists.")
    removes: str | None = option(kind="path", doc="Run only where this path exists.")
    timeout: int | None = option(
        30,
        null=True,
        doc="Seconds until a prompt has to come, or the program to end, from its beginning and "
        "from each answer on; null for no limit.",
    )
    echo: bool = option(False, doc="Whether the terminal shows what is typed.")

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`: one conversation."""
        words = self._words()
        if self.timeout is not None and self.timeout < 1:
            raise ModuleError(
                f"timeout: expected seconds from 1 on, or null for no limit, found {self.timeout}"
            )
        answerer = Answerer(prompts_of(self.responses))
        opening = Opening(secrets.token_hex(8), answerer.hear)
        script = "".join(self._script(words, opening.mark))
        heard: Conversed = yield Converse(script, opening.hear, self.timeout)
        return self._result(heard, opening, answerer)

    def _words(self) -> list[str]:
        reader = shlex.shlex(self.command, posix=True, punctuation_chars=False)
        reader.whitespace_split = True
        reader.commenters = reader.escapedquotes = ""
        try:
            found = list(reader)
        except ValueError as error:
            raise ModuleError(f"the command can't be split into words: {error}", rc=256) from error
        if not found:
            raise ModuleError("no command given", rc=256)
        return found

    def _script(self, words: list[str], mark: str) -> Iterator[str]:
        yield f"{AROUND}{FIND}mark={mark}\n"
        if self.chdir is not None:
            yield f"d={path_word(self.chdir)}\n"
            yield 'e=$(cd -- "$d" 2>&1) || { tell "chdir $e"; exit 0; }\ncd -P -- "$d" || exit\n'
        if self.creates is not None:
            yield f"if any {path_word(self.creates)}; then tell creates; exit 0; fi\n"
        if self.removes is not None:
            yield f"any {path_word(self.removes)} || {{ tell removes; exit 0; }}\n"
        yield f'set -- {" ".join(map(word, words))}\nfound "$1"\n'
        if self.echo:
            yield _ECHO
        yield 'tell "start $(date "+%Y-%m-%d %H:%M:%S.%N")"\nexec "$@"\n'

    def _result(self, heard: Conversed, opening: Opening, answerer: Answerer) -> ModuleResult:
        output = opening.behind(heard.output)
        if opening.code != "start":
            return self._unrun(opening, text_of(heard.output))
        told = self._data(text_of(output).rstrip("\r\n"), opening.words, heard)
        warnings = [f"it goes on, though it was told to end: {each}" for each in heard.left]
        if heard.truncated:
            warnings.append("its output was too long to be kept whole")
        msg = self._why(heard, answerer)
        return ModuleResult(True, bool(msg), msg=msg, data=told, warnings=tuple(warnings))

    def _why(self, heard: Conversed, answerer: Answerer) -> str | None:
        if heard.end == "answers":
            asked = answerer.exhausted
            return f"there are no more answers for {asked!r}, which came again: it was ended"
        if heard.end == "patience":
            return f"nothing that responses waits for came within {self.timeout} s: it was ended"
        if heard.signal is not None:
            return f"SIG{heard.signal} ended it"
        return "non-zero return code" if heard.rc else None

    def _data(self, stdout: str, started: str, heard: Conversed) -> dict[str, Any]:
        start = read_time(started)
        lasted = timedelta(seconds=heard.duration)
        times = {} if start is None else _times(start, lasted)
        lines = {"stdout": stdout, "stdout_lines": stdout.splitlines()}
        return {"cmd": self.command, "rc": heard.rc, **times, "delta": str(lasted), **lines}

    def _unrun(self, opening: Opening, said: str) -> ModuleResult:
        match opening.code:
            case "creates" | "removes":
                path = self.creates if opening.code == "creates" else self.removes
                is_it = "exists" if opening.code == "creates" else "does not exist"
                words = f"skipped, since {path} {is_it}"
                data = {"cmd": self.command, "rc": 0, "stdout": words, "stdout_lines": [words]}
                return ModuleResult(data=data)
            case "chdir":
                raise ModuleError(f"chdir: {opening.words.rstrip()}")
            case "missing" | "denied":
                number, why = NO_PROGRAM[opening.code]
                raise ModuleError(f"[Errno {number}] {why}: {self._words()[0]!r}")
            case "echo":
                raise ModuleError("echo: the host has no stty(1), or it refused")
        raise ModuleError(f"the command was not run: {said.strip()[-500:] or 'no shell answered'}")


def _times(start: datetime, lasted: timedelta) -> Mapping[str, Any]:
    """By the host's clock."""
    form = "%Y-%m-%d %H:%M:%S.%f"
    return {"start": start.strftime(form), "end": (start + lasted).strftime(form)}
