"""modprobe: a module of the kernel's is loaded or not, now and at the next start.

What is loaded at the start is told by modules-load.d(5), parameters by modprobe.d(5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.system.rewriting import TELL, rewriting
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_LOADED = "/etc/modules-load.d"
_OPTIONS = "/etc/modprobe.d"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*\Z", re.ASCII)

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
loaded=
while read -r m _; do
  [ "$m" != "$under" ] || loaded=y
done 2>/dev/null </proc/modules
if [ -z "$loaded" ]; then
  b=/lib/modules/$(uname -r)/modules.builtin
  if [ -f "$b" ] && sed 's|.*/||; s|\.ko.*||; s|-|_|g' "$b" | grep -qx "$under"; then
    loaded=built
  fi
fi
say loaded "$loaded"
command -v modprobe >/dev/null || say none y
"""
_TRY = r"""
if command -v modprobe >/dev/null; then
  e=$(modprobe WORDS 2>&1) || say why "${e:-modprobe failed}"
fi
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name, params = values.get("called"), values.get("params")
    if isinstance(name, str) and "{{" not in name and not _NAME.match(name):
        yield "name", f"{name!r} is no name of a module"
    if isinstance(params, str) and "\n" in params.strip():
        yield "params", "a line break can't be had"


@dataclass(frozen=True, slots=True)
class ModprobeSeen:
    """A module, and the files of both directories."""

    loaded: str
    """``y``, ``built`` for what is part of the kernel; empty where it is not there."""
    files: Mapping[str, str]
    why: str
    """What modprobe(8) said in check mode of what it would not do."""
    missing: bool
    """There is no modprobe(8)."""


@module("community.general.modprobe", judged=_judged)
class Modprobe(StateModule[ModprobeSeen]):
    """See to it that a module of the kernel's is loaded, or is not."""

    ahead = True

    called: str = option(required=True, name="name", doc="The module.")
    params: str = option("", doc="Its parameters, as ``a=1 b=2``; for one that is loaded now.")
    state: str = option("present", choices=("present", "absent"), doc="Whether it is loaded now.")
    persistent: str = option(
        "disabled",
        choices=("disabled", "absent", "present"),
        doc="Whether it is loaded at each start, with these parameters; ``disabled`` for as it is.",
    )

    def inspect(self, context: Context) -> Inspection[ModprobeSeen]:
        """Whether it is loaded; in check mode also whether it can be."""

        def parse(answer: CommandResult) -> ModprobeSeen:
            answers = Answers(answer)
            files = dict(zip(answers.every("file"), answers.every("content"), strict=True))
            missing = answers.get("none") is not None
            return ModprobeSeen(answers.text("loaded"), files, answers.text("why"), missing)

        script = f"{LOOK}{TELL}under={word(_under(self.called))}\n{_LOOK}"
        if context.check:
            when = '[ -n "$loaded" ]' if self.state == "present" else '[ "$loaded" != y ]'
            tried = _TRY.replace("WORDS", f"-n {self._words}").strip()
            script += f"if ! {{ {when}; }}; then\n{tried}\nfi\n"
        if self.persistent != "disabled":
            script += f'for f in {_LOADED}/*.conf {_OPTIONS}/*.conf; do tell "$f"; done\n'
        return Inspection(script, parse)

    @property
    def _words(self) -> str:
        if self.state == "absent":
            return f"-r {self.called}"
        # Parameters are words of their own, as the dialect has them.
        return " ".join([self.called, *map(word, self.params.split())])

    def plan(self, state: ModprobeSeen, context: Context) -> Plan:
        """Load it first: what can't be loaded is not written down either."""
        data = {"name": self.called, "params": self.params, "state": self.state}
        files = dict(self._files(state.files))
        turned = (self.state == "present") != bool(state.loaded)
        if self.state == "absent" and state.loaded == "built":
            raise ModuleError(f"{self.called} is part of the kernel: it can't be unloaded", **data)
        if not (turned or files):
            return Plan(result=ModuleResult(data=data))
        if turned and state.missing:
            raise ModuleError("there is no modprobe on this host: kmod usually has it", **data)
        if turned and state.why:
            raise ModuleError(state.why, **data)
        script = f"PATH=$PATH:/usr/sbin:/sbin\nmodprobe {self._words} || exit\n" if turned else ""
        run = Run(script + rewriting(files))
        return Plan((run,), ModuleResult(True, data=data))

    def _files(self, files: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
        if self.persistent == "disabled":
            return
        stays = self.persistent == "present"
        loaded = {path: text for path, text in files.items() if path.startswith(f"{_LOADED}/")}
        options = {path: text for path, text in files.items() if path not in loaded}
        if not stays:
            yield from self._without(loaded, self._loads)
            yield from self._without(options, self._sets)
            return
        if not any(map(self._loads, _lines(loaded))):
            yield self._own(_LOADED, loaded, f"{self.called}\n", self._loads)
        wanted = self.params.split()
        there = [each for line in _lines(options) if self._sets(line) for each in _set(line)]
        if wanted and sorted(there) != sorted(wanted):
            found = dict(self._without(options, self._sets))
            lines = "".join(f"options {self.called} {each}\n" for each in wanted)
            path, change = self._own(_OPTIONS, options, lines, self._sets)
            yield from {**found, path: change}.items()

    def _own(
        self, folder: str, files: Mapping[str, str], text: str, ours: Callable[[str], bool]
    ) -> tuple[str, tuple[str, str]]:
        """The file that is called as the module; what else is in it stays."""
        path = f"{folder}/{self.called}.conf"
        old = files.get(path, "")
        rest = "".join(line for line in old.splitlines(keepends=True) if not ours(line))
        ended = "" if not rest or rest.endswith("\n") else "\n"
        return path, (old, f"{rest}{ended}{text}")

    def _without(
        self, files: Mapping[str, str], ours: Any
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        for path, text in files.items():
            lines = text.splitlines(keepends=True)
            edited = "".join(f"#{line}" if ours(line) else line for line in lines)
            if edited != text:
                yield path, (text, edited)

    def _loads(self, line: str) -> bool:
        words = re.split(r"[#;]", line, maxsplit=1)[0].split()
        return len(words) == 1 and _under(words[0]) == _under(self.called)

    def _sets(self, line: str) -> bool:
        words = line.split()
        return words[:1] == ["options"] and _under("".join(words[1:2])) == _under(self.called)


def _under(name: str) -> str:
    """As the kernel lists it."""
    return name.replace("-", "_")


def _lines(files: Mapping[str, str]) -> list[str]:
    return [line for text in files.values() for line in text.splitlines()]


def _set(line: str) -> list[str]:
    return line.split("#", 1)[0].split()[2:]
