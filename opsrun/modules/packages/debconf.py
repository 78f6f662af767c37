"""debconf: answers to what packages ask when they are set up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

TYPES = (
    "boolean",
    "error",
    "multiselect",
    "note",
    "password",
    "seen",
    "select",
    "string",
    "text",
    "title",
)
OMITTED = "(password omitted)"
"""What debconf-show(1) says in place of one."""
_SHOWN = re.compile(r"([* ]) ([^:\s]+):(?: (.*))?\Z")

_ASK = """\
command -v debconf-show >/dev/null || {{ echo 'there is no debconf on this host' >&2; exit 1; }}
x=$(debconf-show {package} 2>&1) || {{ printf '%s\\n' "$x" >&2; exit 1; }}
say shown "$x"
"""
_PASSWORD = """\
f=/var/cache/debconf/passwords.dat
if [ -r "$f" ]; then
  say password "$(awk -v q={question} '
    BEGIN {{ RS = ""; FS = "\\n" }}
    {{
      mine = 0
      value = ""
      for (i = 1; i <= NF; i++) {{
        if ($i == "Name: " q) mine = 1
        if (substr($i, 1, 7) == "Value: ") value = substr($i, 8)
      }}
      if (mine) print value
    }}' "$f")"
fi
"""
"""debconf-show(1) does not tell passwords."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is answered."""

    answers: Mapping[str, str]
    seen: frozenset[str]
    """Questions that need not be asked any more."""
    password: str | None


@module("debconf", together=[("question", "vtype", "value")])
class Debconf(StateModule[Asked]):
    """Answer a package's question beforehand; settings of what is installed stay as they are."""

    package: str = option(required=True, name="name", aliases=("pkg",), doc="The package.")
    question: str | None = option(aliases=("selection", "setting"), doc="What it asks.")
    vtype: str | None = option(choices=TYPES, doc="The kind of answer.")
    value: Any = option(kind="raw", aliases=("answer",), doc="The answer; a list for multiselect.")
    unseen: bool = option(False, doc="Whether it is asked nevertheless.")

    def inspect(self, context: Context) -> Inspection[Asked]:
        """All answers of the package."""
        if any("\n" in each for each in (self.package, self.question or "", self._wanted)):
            raise ModuleError("an answer, a question and a package are one line each")
        script = LOOK + _ASK.format(package=word(self.package))
        if self.vtype == "password":
            script += _PASSWORD.format(question=word(self.question or ""))
        return Inspection(script, _asked)

    @property
    def _wanted(self) -> str:
        if isinstance(self.value, (list, tuple)):
            return ", ".join(map(str, self.value))
        if isinstance(self.value, bool) or (self.vtype == "boolean" and self.value is not None):
            return str(self.value).lower()
        return "" if self.value is None else str(self.value)

    def _is(self, state: Asked, question: str) -> bool:
        if self.vtype == "seen":
            return (question in state.seen) == (self._wanted.lower() == "true")
        if self.vtype == "password":
            return state.password == self._wanted
        have = state.answers.get(question)
        if have is None:
            return False
        if self.vtype == "multiselect":
            mine, theirs = (
                {one.strip() for one in each.split(",")} for each in (self._wanted, have)
            )
            return mine == theirs
        return have == self._wanted

    def plan(self, state: Asked, context: Context) -> Plan:
        """Answer it, unless it is answered so."""
        question = self.question
        if question is None or self._is(state, question):
            return Plan(result=ModuleResult(msg="", data={"current": dict(state.answers)}))
        shown = OMITTED if self.vtype == "password" else self._wanted
        previous = {**state.answers, question: state.answers.get(question, "")}
        line = f"{self.package} {question} {self.vtype} {self._wanted}\n".encode()
        flag = " --unseen" if self.unseen else ""
        script = f"""\
e=$(debconf-set-selections{flag} 2>&1) || {{ printf '%s\\n' "$e" >&2; exit 1; }}
case $e in *error:* | *warning:*) printf '%s\\n' "$e" >&2; exit 1 ;; esac
"""
        after = {**previous, question: shown}
        data = {"current": {question: shown}, "previous": previous}
        diff = (Diff(previous, after),)
        return Plan((Run(script, line),), ModuleResult(True, msg="", data=data, diff=diff))


def _asked(answer: CommandResult) -> Asked:
    answers = Answers(answer)
    found = [each for line in answers.text("shown").splitlines() if (each := _SHOWN.match(line))]
    return Asked(
        {each[2]: each[3] or "" for each in found},
        frozenset(each[2] for each in found if each[1] == "*"),
        answers.get("password"),
    )
