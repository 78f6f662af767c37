"""pip: Python packages, in a virtual environment or the host's own Python.

It is one script: pip itself leaves alone what is there already. In check mode pip says what it
would install (``--dry-run``, pip 22.2); an older pip is taken to change something.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.packages import holding
from opsrun.modules.refusing import hint_of
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 16 * 1024 * 1024
"""Bytes of what pip says."""

_COMMANDS = {
    "present": ("install",),
    "latest": ("install", "-U"),
    "forcereinstall": ("install", "-U", "--force-reinstall"),
    "absent": ("uninstall", "-y"),
}
_SPECIFIER = re.compile(r"\s*(===?|~=|!=|<=?|>=?)")
_PLAIN = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?\s*\Z")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_DONE = re.compile(r"^\s*Successfully (?:un)?installed|^Would install", re.MULTILINE)

_VENV = r"""
if [ ! -e "$venv/bin/activate" ]; then
  if [ -n "$check" ]; then
    say made y
    exit 0
  fi
  command -v "$1" >/dev/null 2>&1 || {
    say lacks "$1"
    exit 0
  }
  x=$("$@" "$venv" 2>&1 </dev/null) || {
    say broken "$x"
    exit 0
  }
  say made y
fi
pip=
for p in pip3 pip; do
  if [ -z "$pip" ] && [ -x "$venv/bin/$p" ]; then pip=$venv/bin/$p; fi
done
if [ -z "$pip" ]; then
  say broken "there is no pip in $venv"
  exit 0
fi
say venv "$venv"
set -- "$pip"
"""

_PROGRAM = r"""
p=$(command -v "$1" 2>/dev/null) || {
  say lacks "$1"
  exit 0
}
shift
set -- "$p" "$@"
"""

_RUN = r"""
for w; do say cmd "$w"; done
x=$("$@" </dev/null)
say rc "$?" out "$x"
"""

_RUN_DRY = r"""
x=$("$@" 2>&1 </dev/null)
rc=$?
case $x in
  *'no such option'*'--dry-run'*) say made y ;;
  *) for w; do say cmd "$w"; done ; say rc "$rc" out "$x" ;;
esac
"""


@module(
    "pip",
    exclusive=(("name", "requirements"), ("executable", "virtualenv")),
    one_of=(("name", "requirements"),),
)
class Pip(Module):
    """Install, upgrade and remove Python packages."""

    named: Sequence[str] | None = option(
        name="name", elements="str", doc="Packages with or without versions, URLs, directories."
    )
    version: str | None = option(doc="The version of the one package that is named.")
    requirements: str | None = option(doc="A file on the host that says which packages.")
    state: str = option(
        "present", choices=tuple(sorted(_COMMANDS)), doc="What is to become of them."
    )
    virtualenv: str | None = option(
        kind="path", doc="A virtual environment; made where it is not there."
    )
    virtualenv_command: str = option("virtualenv", kind="path", doc="What makes one.")
    virtualenv_python: str | None = option(doc="The Python that it is for.")
    virtualenv_site_packages: bool = option(
        False, doc="Whether the host's own packages are seen in it."
    )
    executable: str | None = option(kind="path", doc="pip, where it is another one.")
    extra_args: str | None = option(doc="Further words for pip.")
    editable: bool = option(False, doc="Whether a directory is used as it is, and not copied.")
    chdir: str | None = option(kind="path", doc="The directory to run in.")
    umask: str | None = option(doc="The umask for all that is made, in octal.")
    break_system_packages: bool = option(
        False, doc="Whether a Python that the distribution looks after may be changed."
    )

    def steps(self, context: Context) -> Steps:
        """One script."""
        answer = yield self._request(context)
        result = self._result(answer)
        return replace(result, data={}) if context.check and not result.failed else result

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all of it."""
        options = {"state": self.state, "name": self._names(), "version": self.version}
        options |= {"requirements": self.requirements, "virtualenv": self.virtualenv}
        told = {name: value for name, value in options.items() if value is not None}
        job = Job(self._request(context), {"module": self.name, "options": told})
        yield from ()
        return job

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        told = dict(recipe["options"])
        return cls(named=told.pop("name", None), **told)._result(answer)

    # -- what is asked

    def _request(self, context: Context) -> Run:
        script = "".join(self._script(context))
        effect: Any = "reads" if context.check else "changes"
        return Run(script, effect=effect, apart=True, environment=True, cap=LIMIT)

    def _script(self, context: Context) -> Iterator[str]:
        names = self._versioned()
        yield f"{LOOK}check={'y' if context.check else ''}\n"
        if self.umask is not None:
            yield f"umask {self._octal(self.umask)}\n"
        if self.break_system_packages:
            yield "PIP_BREAK_SYSTEM_PACKAGES=1\nexport PIP_BREAK_SYSTEM_PACKAGES\n"
        yield "PIP_DISABLE_PIP_VERSION_CHECK=1\nexport PIP_DISABLE_PIP_VERSION_CHECK\n"
        if self.chdir is not None:
            yield f"cd -- {path_word(self.chdir)} || exit\n"
        if self.virtualenv is not None:
            venv = " ".join(self._making(context))
            yield f"venv={path_word(self.virtualenv)}\nset -- {venv}\n{_VENV}"
        elif self.executable is not None:
            yield f"set -- {path_word(self.executable)}\n{_PROGRAM}"
        else:
            python = context.interpreters.get("python") or "python3"
            yield f"set -- {path_word(python)} -m pip.__main__\n{_PROGRAM}"
        if context.check and self.state == "absent":
            yield f'set -- "$@" list --format=freeze\n{_RUN}'
            return
        yield f'set -- "$@" {" ".join(map(word, self._words(names, dry=context.check)))}\n'
        yield _RUN_DRY if context.check else _RUN

    def _words(self, names: Sequence[str], *, dry: bool) -> Iterator[str]:
        yield from _COMMANDS[self.state]
        if dry:
            yield "--dry-run"
        yield from _split(self.extra_args or "", "extra_args")
        for each in names:
            if self.editable:
                yield "-e"
            yield each
        if self.requirements is not None:
            yield from ("-r", self.requirements)

    def _making(self, context: Context) -> Iterator[str]:
        words = _split(self.virtualenv_command, "virtualenv_command")
        if not words:
            raise ModuleError("virtualenv_command is empty")
        yield from map(path_word, words)
        own = "venv" in words[1:] or words[0].rpartition("/")[2].startswith("pyvenv")
        if own and self.virtualenv_python:
            raise ModuleError(
                "virtualenv_python is not for pyvenv and the module venv: leave it out"
            )
        if self.virtualenv_site_packages:
            yield "--system-site-packages"
        if self.virtualenv_python:
            yield f"-p {word(self.virtualenv_python)}"

    def _octal(self, text: str) -> str:
        if not re.fullmatch(r"[0-7]{1,4}", text):
            raise ModuleError(f"umask must be an octal integer, found {text!r}")
        return text

    # -- what it is about

    def _names(self) -> list[str] | None:
        """As they are written; what stands between commas, unless it says more of a version."""
        if self.named is None:
            return None
        found: list[str] = []
        for each in (part for entry in self.named for part in entry.split(",")):
            # No name begins so: it is what is behind a comma of the one before.
            if found and _SPECIFIER.match(each):
                found[-1] += f",{each}"
            else:
                found.append(each)
        return found

    def _versioned(self) -> list[str]:
        names = [each.strip() for each in self._names() or ()]
        if any(each.startswith("-") for each in names):
            raise ModuleError("a package's name can't begin with a dash: see extra_args")
        if self.version is None:
            return names
        if self.state == "latest":
            raise ModuleError("version is incompatible with state=latest")
        if len(names) > 1:
            raise ModuleError("version is for one package: say versions beside the names")
        if not all(map(_PLAIN.match, names)):
            raise ModuleError("a version is given beside the name already: leave one of them out")
        return [f"{each}=={self.version}" for each in names]

    # -- what came of it

    def _result(self, answer: CommandResult) -> ModuleResult:
        answers = Answers(answer)
        self._refused(answers)
        cmd, rc = answers.every("cmd"), answers.number("rc")
        made = answers.get("made") is not None
        if rc is None:
            return ModuleResult(changed=made)
        out = answers.text("out").rstrip("\n")
        streams = lines_of(f"{out}\n" if out else "", text_of(answer.stderr))
        if rc and not (rc == 1 and self.state == "absent" and "not installed" in out):
            raise _failure(cmd, out, streams["stderr"])
        changed = made or _DONE.search(out) is not None
        if cmd[-2:] == ["list", "--format=freeze"]:
            there = {_normal(line.partition("==")[0]) for line in out.splitlines()}
            changed = any(_normal(each) in there for each in self._names() or ())
        data = {
            "cmd": cmd,
            "name": self._names(),
            "version": self.version,
            "state": self.state,
            "requirements": self.requirements,
            "virtualenv": answers.get("venv"),
            **streams,
        }
        return ModuleResult(changed, data=data)

    def _refused(self, answers: Answers) -> None:
        lacks = answers.get("lacks")
        if lacks is not None and self.virtualenv is not None:
            words = f"there is no {lacks} to make {self.virtualenv} with"
            if lacks == "virtualenv":
                words += ": 'virtualenv_command: python3 -m venv' does without it"
            raise ModuleError(words)
        if lacks is not None:
            raise ModuleError(f"Unable to find any of {lacks} to use.  pip needs to be installed.")
        broken = answers.get("broken")
        if broken is not None:
            raise ModuleError(f"{self.virtualenv} can't be made: {broken.strip()}")


def _split(text: str, what: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ModuleError(f"{what}: {error}: {text}") from error


def _normal(name: str) -> str:
    """As PEP 503 has names."""
    found = _NAME.match(name)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else name


def _failure(cmd: list[str], out: str, err: str) -> ModuleError:
    told = f"stdout: {out}\n" if out else ""
    words = f"{told}\n:stderr: {err}"
    hint = hint_of(words)
    if "No module named pip" in err:
        hint = holding("pip3")
    elif "externally-managed-environment" in err:
        hint = "virtualenv is the way round that, or break_system_packages"
    return ModuleError(f"{words} ({hint})" if hint else words, cmd=cmd)
