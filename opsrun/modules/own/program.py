"""Programs in any language: sent to the host, called with a file of arguments, and removed.

The conventions are Ansible's for modules that are not built on its own Python (its developer guide,
"non-native modules"): the one argument is the path of a file; the result is a JSON object on
standard output.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from opsrun.modules.background.job import PROGRAM, Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, others
from opsrun.modules.own.answer import plain, read_answer
from opsrun.modules.own.kinds import IN_PLACE, Interpreter, Kind, interpreter_of
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_CHECKS = b"_ansible_check_mode"
_PYTHON = re.compile(r"python[0-9.]*\Z")

_SEND = """\
t=${TMPDIR:-/tmp}/opsrun-$mark
clear() { rm -rf -- "$t"; }
trap clear EXIT
trap 'exit 143' HUP INT TERM
(umask 077; mkdir -- "$t" && cat >"$t/$n" && chmod u+x -- "$t/$n") || exit 97
"""
_INTERPRETER = """\
i=
for c in %(candidates)s; do
  case $c in
  /*) if [ -x "$c" ]; then i=$c; break; fi ;;
  *) if p=$(command -v "$c"); then i=$p; break; fi ;;
  esac
done
if [ -z "$i" ]; then
  printf '%%s\\n' %(missing)s >&2
  exit 96
fi
"""


class Program(Module):
    """What all of them have in common; `program_class` makes one of a file."""

    content: ClassVar[bytes] = b""
    style: ClassVar[Kind] = "json"
    path: ClassVar[str] = ""
    """The file, for messages."""

    arguments: Mapping[str, Any]

    def steps(self, context: Context) -> Steps:
        """One script; the program is its standard input."""
        if context.check and _CHECKS not in self.content:
            words = f"{self.path} knows no check mode (it never reads {_CHECKS.decode()})"
            return ModuleResult(skipped=True, msg=words)
        answer = yield self._request(context)
        return _told(answer, self.name)

    def _request(self, context: Context) -> Run:
        given = self._given(context)
        content = self.content.replace(IN_PLACE, json.dumps(given).encode())
        return Run(
            "".join(self._script(given, context)),
            content,
            # In check mode: its author's promise, of whom the arguments ask it.
            effect="reads" if context.check else "changes",
            apart=True,
            environment=True,
        )

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all of it. The file lies with the job until that has begun."""
        job = Job(self._request(context), {PROGRAM: self.name})
        # A generator that asks for nothing.
        yield from ()
        return job

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`: of any program, whose file need not be there any more."""
        return _told(answer, str(recipe[PROGRAM]))

    def _given(self, context: Context) -> dict[str, Any]:
        told = {
            "_ansible_check_mode": context.check,
            "_ansible_diff": context.diff,
            "_ansible_module_name": self.name,
        }
        given: dict[str, Any] = plain(self.arguments)
        return {**given, **told}

    def _script(self, given: Mapping[str, Any], context: Context) -> Iterator[str]:
        mark = secrets.token_hex(8)
        yield f"mark={mark}\nn={word(_file_name(self.name))}\n{_SEND}"
        text = json.dumps(given) if self.style == "json" else _words(given)
        # A here-document: arguments may be secrets, and nobody sees those of a shell's own.
        yield f"(umask 077; cat >\"$t/arguments\" <<'{mark}'\n{text}\n{mark}\n) || exit 97\n"
        interpreter = interpreter_of(self.content)
        if interpreter is None:
            yield '"$t/$n" "$t/arguments" </dev/null\n'
            return
        yield _found(interpreter, context.interpreters)
        words = " ".join(map(shlex.quote, interpreter.arguments.split()))
        yield f'"$i" {words} "$t/$n" "$t/arguments" </dev/null\n'


def _told(answer: CommandResult, name: str) -> ModuleResult:
    if answer.rc in (96, 97) and not answer.stdout:
        raise ModuleError.of(answer, name)
    return read_answer(answer, name)


def _found(interpreter: Interpreter, wished: Mapping[str, str]) -> str:
    """Sets ``i`` to the interpreter, wherever it is on the host."""
    python = _PYTHON.match(interpreter.name) is not None
    own = wished.get("python" if python else interpreter.name, "")
    if own and not own.startswith("auto"):
        candidates = [own]
    else:
        more = ["python3", "/usr/libexec/platform-python", "python"] if python else []
        candidates = [interpreter.path, interpreter.name, *more]
    missing = f"there is no {candidates[0]} on this host, which the module is written for"
    words = " ".join(shlex.quote(each) for each in dict.fromkeys(candidates))
    return _INTERPRETER % {"candidates": words, "missing": word(missing)}


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name.rpartition(".")[2]) or "module"


def _words(given: Mapping[str, Any]) -> str:
    """``key=value`` words, as a shell quotes them."""
    return " ".join(f"{key}={shlex.quote(_text(value))}" for key, value in given.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def program_class(name: str, path: str, content: bytes, style: Kind) -> type[Module]:
    """The module that a program is.

    Args:
        name: as playbooks call it.
        path: of its file, for messages.
        content: of its file.
        style: ``json`` or ``words``, see `kinds.Kind`.
    """

    @module(name)
    class Own(Program):
        """A program of this project's own; which options it takes, it knows itself."""

        arguments: Mapping[str, Any] = others()

    Own.content, Own.path, Own.style = content, path, style
    return Own
