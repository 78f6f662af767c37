"""alternatives: which of several programs a name stands for.

Debian's update-alternatives(1) says with ``--query`` what it knows; Red Hat's alternatives(8) has
no such thing, and keeps a file for each name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from opsrun.modules.system.alternatives_known import Group, Subcommand, of_file, of_query
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_TOOL = r"""
PATH=$PATH:/usr/sbin:/sbin
tool=$(command -v update-alternatives || command -v alternatives) || {
  echo 'there is no update-alternatives on this host' >&2
  exit 127
}
"""
_KNOWN = r"""
if ! "$tool" --help 2>/dev/null | grep -q -e --query; then
  say family y
  [ ! -f "/var/lib/alternatives/$name" ] || say file "$(cat "/var/lib/alternatives/$name")"
  say value "$(readlink "/etc/alternatives/$name")"
elif q=$("$tool" --query "$name" 2>/dev/null); then
  say query "$q"
fi
"""
_KEYS = ("name", "link", "path")


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name = values.get("called")
    if isinstance(name, str) and (not name or re.search(r"[/\s]", name)):
        yield "name", f"name: {name!r} has blanks or slashes, or is empty: nothing can be called so"
    for key in ("link", "path"):
        if _is_relative(values.get(key)):
            yield key, f"{key}: {values[key]!r} is no whole path"
    for each in values.get("subcommands") or ():
        if isinstance(each, Mapping) and sorted(each) != sorted(_KEYS):
            yield "subcommands", f"each has a name, a link and a path, and nothing else: {each!r}"
        elif isinstance(each, Mapping) and any(_is_relative(each[key]) for key in ("link", "path")):
            yield "subcommands", f"subcommands: a link or path is no whole path: {each!r}"
    family, state = values.get("family"), values.get("state")
    if family and not values.get("path") and state in ("present", "absent"):
        yield "path", f"a family alone can't be {state}"
    priority = values.get("priority")
    if isinstance(priority, int) and not -(2**31) <= priority < 2**31:
        yield "priority", f"{priority} has more than 32 bits"


def _is_relative(path: object) -> bool:
    return isinstance(path, str) and not path.startswith("/") and "{{" not in path


@module("community.general.alternatives", judged=_judged, one_of=[("path", "family")])
class Alternatives(StateModule[tuple[Group, Answers]]):
    """Have a name stand for one of several programs."""

    ahead = True

    called: str = option(required=True, name="name", doc="What they are alternatives for: editor.")
    path: str | None = option(doc="The program, on the host.")
    family: str | None = option(doc="Its family; Red Hat's tool alone knows of them.")
    link: str | None = option(
        doc="Where the program is called. It can be left out where the name is known already."
    )
    priority: int | None = option(
        doc="The highest one is taken where nobody chose; 50 where it is new, else as it is."
    )
    state: str = option(
        "selected",
        choices=("present", "selected", "auto", "absent"),
        doc="``present``: it is one of them. ``selected``: and the one. ``auto``: and the one with "
        "the highest priority is it. ``absent``: it is none of them.",
    )
    subcommands: list[dict[str, Any]] | None = option(
        elements="dict",
        aliases=("slaves",),
        doc="What changes along with it: each has a name, a link and a path. None for as it is.",
    )

    def inspect(self, context: Context) -> Inspection[tuple[Group, Answers]]:
        """What is known of the name, and what is at the paths."""

        def parse(answer: CommandResult) -> tuple[Group, Answers]:
            answers = Answers(answer)
            if answers.get("family"):
                return of_file(answers.text("file"), answers.text("value")), answers
            if self.family:
                raise ModuleError("family: the host's update-alternatives knows of none")
            return of_query(answers.text("query")), answers

        lines = "".join(
            f'f={word(each)}\nif [ -e "$f" ] && [ ! -h "$f" ]; then say taken "$f"; fi\n'
            'd=${f%/*}/\n[ -d "$d" ] || say lost "$d"\n'
            for each in self._links()
        )
        if self.path:
            lines += f"[ ! -e {word(self.path)} ] || say there y\n"
        head = f"{LOOK}{_TOOL}name={word(self.called)}"
        return Inspection(f"{head}{_KNOWN}{lines}", parse)

    def _links(self) -> Iterator[str]:
        if self.link:
            yield self.link
        for each in self.subcommands or ():
            yield str(each["link"])

    def plan(self, state: tuple[Group, Answers], context: Context) -> Plan:
        """Make it one of them, and then the one."""
        group, answers = state
        after: dict[str, Any] = {}
        steps = list(self._steps(group, answers, after))
        data = Diff(self._before(group), after) if context.diff else Diff({}, {})
        warnings = tuple(self._warnings(group))
        if not steps:
            return Plan(result=ModuleResult(diff=(data,), warnings=warnings))
        msg = ", ".join(told for told, _ in steps)
        result = ModuleResult(True, msg=f"{self.called}: {msg}", diff=(data,), warnings=warnings)
        lines = "".join(f'"$tool" {words} >/dev/null || exit\n' for _, words in steps)
        return Plan((Run(f"{_TOOL}{lines}"),), result)

    def _warnings(self, group: Group) -> Iterator[str]:
        if self.state != "absent" and self.link and group.link and group.link != self.link:
            yield f"link: {self.called} is called at {group.link}, and stays there: {self.link}"

    def _steps(
        self, group: Group, answers: Answers, after: dict[str, Any]
    ) -> Iterator[tuple[str, str]]:
        path, name = self._path(group), word(self.called)
        if self.state == "absent":
            if path in group.programs:
                after["state"] = "absent"
                yield f"{path} removed", f"--remove {name} {word(path)}"
            return
        best = group.best
        if self.path and (installed := self._installed(group)):
            self._possible(group, answers)
            words, told, priority = installed
            after.update(told)
            best = group.best_with(path, priority)
            yield f"{path} installed", words
        if self.state == "auto" and not (group.auto or not group.programs):
            after["state"] = "present"
            yield "automatic", f"--auto {name}"
        # Installing moves what is automatic on to another one.
        current = best if group.auto and after else group.value
        if self.state == "selected" and path != (current if group.programs else ""):
            after["state"] = "selected"
            yield f"{path} selected", f"--set {name} {word(self.family or path)}"

    def _path(self, group: Group) -> str:
        if self.path:
            return self.path
        found = [path for path, each in group.programs.items() if each.family == self.family]
        if not found:
            raise ModuleError(f"there is no family {self.family} of alternatives for {self.called}")
        return group.value if group.value in found else found[0]

    def _installed(self, group: Group) -> tuple[str, dict[str, Any], int] | None:
        """The words that install it, what is told of it, its priority; None where it is as it
        shall be."""
        assert self.path is not None
        known = group.programs.get(self.path)
        subs = group.subcommands(self.path)
        wanted = self._subcommands(subs)
        priority = self.priority
        if priority is None:
            priority = known.priority if known else 50
        family = self.family or (known.family if known else None)
        same = known is not None and (priority, family) == (known.priority, known.family)
        if same and sorted(wanted) == sorted(subs):
            return None
        link = group.link or self.link or ""
        words = ["--install", *map(word, (link, self.called, self.path, str(priority)))]
        words += ["--family", word(family)] if family else []
        for each in wanted:
            words += ["--slave", *map(word, (each.link, each.name, each.path))]
        told: dict[str, Any] = {"state": "present", "path": self.path, "family": family}
        told |= {"priority": priority, "link": link}
        return " ".join(words), told | _shown(wanted), priority

    def _subcommands(self, there: Sequence[Subcommand]) -> Sequence[Subcommand]:
        if self.subcommands is None:
            return there
        return [Subcommand(*(str(each[key]) for key in _KEYS)) for each in self.subcommands]

    def _possible(self, group: Group, answers: Answers) -> None:
        if not answers.get("there"):
            raise ModuleError(f"path: there is no {self.path} on this host")
        if not (group.link or self.link):
            raise ModuleError(f"link: nothing is known of {self.called}, so it has to be given")
        if lost := answers.get("lost"):
            raise ModuleError(f"link: there is no folder {lost} on this host")
        taken = [each for each in answers.every("taken") if each != self.link or not group.link]
        if taken:
            # The tool itself is content then, and the link is not there.
            raise ModuleError(f"{taken[0]} is no link: it would not be replaced")

    def _before(self, group: Group) -> dict[str, Any]:
        if not group.programs:
            return {}
        path = self._path(group)
        known = group.programs.get(path)
        if known is None:
            return {"state": "absent"}
        chosen = not group.auto and group.value == path
        state = "selected" if chosen else "present"
        told: dict[str, Any] = {"state": state, "path": path, "link": group.link}
        told |= {"family": known.family} if known.family else {}
        return {**told, "priority": known.priority} | _shown(group.subcommands(path))


def _shown(subcommands: Sequence[Subcommand]) -> dict[str, Any]:
    shown = [{"name": each.name, "path": each.path, "link": each.link} for each in subcommands]
    return {"subcommands": shown} if shown else {}
