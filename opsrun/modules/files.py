"""file: a path is a file, a directory, a link, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
from opsrun.modules.file_options import FileOptions
from opsrun.modules.linking import Found, Linking, closing
from opsrun.modules.looking import ABOVE, LOOK, Answers, Seen, as_float, unblocked
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Difference, argument, described
from opsrun.modules.placing import WHO
from opsrun.modules.requests import Run
from opsrun.modules.stamps import FORMAT, Stamp, setting
from opsrun.modules.trees import differences, marks_script, tree_lines, tree_script, without_tree
from opsrun.modules.wording import path_word
from opsrun.remote.command import CommandResult

_REAL = 'if leads "$path"; then at real "$r"; fi\n'
_NEW = f"d=$path\n{ABOVE}"
_SOURCE = """\
case $s in
  /*) a=$s ;;
  *)
    d=$path
    if [ -h "$d" ] || [ ! -d "$d" ]; then
      case $d in */*) d=${d%/*} ;; *) d=. ;; esac
    fi
    a=$d/$s
    ;;
esac
if [ -e "$a" ]; then say there "$a"; fi
"""
_WITHIN = """\
if [ ! -h "$path" ] && [ -d "$path" ]; then
  find "$path" ! -type d -exec printf 'file\\0%s\\0' {} +
  find "$path" -type d -exec printf 'directory\\0%s\\0' {} +
fi
"""
_FILLED = """\
if [ ! -h "$path" ] && [ -d "$path" ] && [ -n "$(ls -A -- "$path")" ]; then say filled y; fi
"""


@module("file")
class File(FileOptions, StateModule[Found]):
    """See to it that a path is a file, a directory, a link, or nothing, and whose it is."""

    ahead = True

    path: str = option(required=True, kind="path", aliases=("dest", "name"), doc="Where.")
    state: str | None = option(
        choices=("absent", "directory", "file", "hard", "link", "touch"),
        doc="What it is to be; as it is, where nothing is said.",
    )
    src: str | None = option(kind="path", doc="What a link leads to.")
    recurse: bool = option(False, doc="Whether what is below a directory gets the same owner.")
    force: bool = option(False, doc="Whether a link may replace something, or lead to nothing.")
    follow: bool = option(True, doc="Whether what a link leads to is meant.")
    modification_time: str | None = option(doc="``now``, ``preserve``, or a time.")
    modification_time_format: str = option(FORMAT, doc="How that time is written.")
    access_time: str | None = option(doc="``now``, ``preserve``, or a time.")
    access_time_format: str = option(FORMAT, doc="How that time is written.")
    unsafe_writes: bool = option(False, doc="Means nothing: no content is written.")

    # -- what there is

    @property
    def _stamps(self) -> tuple[Stamp, Stamp]:
        return (
            Stamp("mtime", self.modification_time, self.modification_time_format),
            Stamp("atime", self.access_time, self.access_time_format),
        )

    def inspect(self, context: Context) -> Inspection[Found]:
        """One script."""
        if self.recurse and self.state not in (None, "directory"):
            raise ModuleError("recurse option requires state to be 'directory'")
        if self.src is not None and self.state not in ("link", "hard"):
            raise ModuleError("src option requires state to be 'link' or 'hard'", path=self.path)
        return Inspection("".join(self._script()), self._parse)

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{self.wish.asking()}path={path_word(self.path)}\n"
        yield WHO
        yield f'at path "$path"\n{_REAL}'
        yield self.wish.script()
        yield from (each.script() for each in self._stamps)
        if self._state_wanted in ("directory", "touch", "link", "hard"):
            yield _NEW
        if self.src is not None:
            yield f's={path_word(self.src)}\nsay src "$s"\n'
            yield 'at source "$s" -L\n' if self.state == "hard" else _SOURCE
        if self._state_wanted in ("link", "hard"):
            yield _FILLED
        if self.state == "absent":
            yield _WITHIN
        if self.recurse:
            if self.wish.marks:
                yield marks_script(self.wish)
            yield tree_script(follow=self.follow)

    @property
    def _state_wanted(self) -> str | None:
        return "directory" if self.recurse else self.state

    def _parse(self, answer: CommandResult) -> Found:
        told, tree = without_tree(answer)
        answers = Answers(told)
        path = answers.seen("path", lenient=True)
        real = answers.seen("real", lenient=True) if answers.get("real") is not None else path
        source = answers.seen("source") if self.state == "hard" and self.src else None
        wanted = self.wish.resolved(answers, check=True)
        return Found(path, real, source, wanted, answers, tuple(tree))

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """By the state that is wanted."""
        wanted = self._state_wanted
        if wanted is None:
            wanted = state.path.state if state.path.exists else "file"
        makers = {
            "absent": self._absent,
            "directory": self._directory,
            "file": self._file,
            "hard": self._hard,
            "link": self._link,
            "touch": self._touch,
        }
        try:
            if wanted != "absent" and (state.path.exists or not context.check):
                self.wish.resolved(state.answers)
            if not state.path.exists:
                unblocked(state.answers, state.path.path)
            return makers[wanted](state, context)
        except ModuleError as error:
            error.data = {"path": state.path.path, **described(state.path), **error.data}
            if state.wanted.warnings:
                error.data["warnings"] = list(state.wanted.warnings)
            raise

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        result = ModuleResult.from_dict(recipe["result"])
        told = Answers(answer)
        known = {} if told.get("dangling") else described(told.seen("after", lenient=True))
        return replace(result, data={**result.data, **known})

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what there is now."""
        last = answers[-1]
        assert isinstance(last, CommandResult)
        told = Answers(last)
        after = told.seen("after", lenient=True)
        # Of a link that leads to nothing, nothing more is told.
        known = {} if told.get("dangling") else described(after)
        data = {**plan.result.data, **known}
        return replace(plan.result, data=data, diff=_with_times(plan.result.diff, after))

    def _absent(self, found: Found, context: Context) -> Plan:
        seen = found.path
        data: dict[str, Any] = {"path": seen.path, "state": "absent"}
        if context.check:
            data |= described(seen)
        if not seen.exists:
            return Plan(result=ModuleResult(data=data))
        before: dict[str, Any] = {"path": seen.path, "state": "file"}
        before["state"] = seen.state if seen.state != "hard" else "file"
        if seen.is_dir:
            folders = [each for each in found.answers.every("directory") if each != seen.path]
            before["path_content"] = {
                "directories": folders,
                "files": found.answers.every("file"),
            }
        diff = Diff(before, {"path": seen.path, "state": "absent"})
        tool = "rm -rf" if seen.is_dir else "rm -f"
        script = f"{tool} -- {argument(seen.path)} || exit\n{closing(None)}"
        return Plan((Run(script),), ModuleResult(True, data=data, diff=(diff,)))

    def _file(self, found: Found, _context: Context) -> Plan:
        seen = found.real if self.follow else found.path
        if not seen.exists or seen.is_dir or seen.is_link:
            words = f"file ({seen.path}) is {seen.state}, cannot continue"
            raise ModuleError(words, path=seen.path, state=seen.state)
        extra = {}
        if self.state == "file" and seen.links > 1:
            extra = {"state": (seen.state, "file")}
        return self._attributes(found, seen, "path", extra)

    def _directory(self, found: Found, context: Context) -> Plan:
        seen = found.real if self.follow and found.path.is_link else found.path
        if seen.exists and not seen.is_dir:
            raise ModuleError(f"{seen.path} already exists as a {seen.state}")
        if not seen.exists:
            return self._new_directory(found, context)
        tree = differences(seen.path, found.tree, found.wanted, found.answers.marks("mark"))
        return self._attributes(found, seen, "path", {}, tree)

    def _new_directory(self, found: Found, context: Context) -> Plan:
        path = found.path.path
        names = found.answers.every("new")[::-1]
        if found.path.is_link or not names:
            raise ModuleError(f"{path} is a link that leads to nothing")
        lines = [f"umask {found.wanted.umask:03o}\n"]
        fresh = _fresh(found, 0o040777 & ~found.wanted.umask)
        change = found.wanted.against(fresh, new=True)
        for name in names:
            lines += [
                f"mkdir -- {argument(name)} || [ -d {argument(name)} ] || exit\n",
                *change.lines(name),
            ]
        told = {} if context.check else (change.before(), change.after())
        return self._made(found, "path", lines, told)

    def _touch(self, found: Found, context: Context) -> Plan:
        seen = found.real if self.follow and found.path.is_link else found.path
        if seen.exists:
            if not (seen.is_file or seen.is_dir or seen.is_link):
                raise ModuleError(f"{seen.path} can't be touched: it is a special file")
            return self._attributes(found, seen, "dest", {"state": (seen.state, "touch")})
        path = argument(seen.path)
        fresh = _fresh(found, 0o100666 & ~found.wanted.umask)
        change = found.wanted.against(fresh, new=True)
        attributes = list(change.lines(seen.path))
        for stamp in self._stamps:
            if stamp.written() is not None:
                attributes += stamp.lines(seen.path)
        lines = [f"umask {found.wanted.umask:03o}\n", *_made_anew(path, attributes)]
        if context.check:
            return Plan((Run(""),), ModuleResult(True, data={"dest": seen.path}))
        plan = self._made(found, "dest", lines, (change.before(), change.after()), "touch")
        return replace(plan, result=replace(plan.result, data={"dest": seen.path}))

    def _made(
        self,
        found: Found,
        key: str,
        lines: Sequence[str],
        told: Any,
        state: str = "directory",
    ) -> Plan:
        path = found.path.path
        before, after = told or ({}, {})
        diff = Diff(
            {"path": path, "state": "absent", **before}, {"path": path, "state": state, **after}
        )
        data = {key: path}
        script = "".join(lines) + closing(path)
        warnings = found.wanted.warnings
        return Plan((Run(script),), ModuleResult(True, data=data, diff=(diff,), warnings=warnings))

    def _link(self, found: Found, context: Context) -> Plan:
        return Linking(self._attributes, found, context, self.follow, self.force).plan()

    def _hard(self, found: Found, context: Context) -> Plan:
        return Linking(self._attributes, found, context, self.follow, self.force, hard=True).plan()

    def _attributes(
        self,
        found: Found,
        seen: Seen,
        key: str,
        states: dict[str, tuple[str, str]],
        tree: Sequence[Difference] = (),
        more: dict[str, Any] | None = None,
    ) -> Plan:
        """Owner, mode and times of what is there."""
        change = found.wanted.against(seen)
        touching = self.state == "touch"
        stamps = [s for s in self._stamps if s.differs(seen, found.answers, touching=touching)]
        before: dict[str, Any] = {"path": seen.path}
        after: dict[str, Any] = {"path": seen.path}
        for name, (old, new) in states.items():
            before[name], after[name] = old, new
        before |= change.before()
        after |= change.after()
        for stamp in stamps:
            before[stamp.key] = stamp.told(seen)
            number = found.answers.number(stamp.key)
            after[stamp.key] = None if number is None else float(number)
        lines = [*tree_lines(tree), *change.lines(seen.path)]
        lines += setting(stamps, seen.path)
        data = {key: seen.path, **(more or {}), **described(seen)}
        result = ModuleResult(
            bool(lines), data=data, diff=(Diff(before, after),), warnings=found.wanted.warnings
        )
        if not lines:
            return Plan(result=result)
        return Plan((Run("".join(lines) + closing(seen.path)),), result)


def _made_anew(path: str, attributes: Sequence[str]) -> Iterator[str]:
    """Commands that make a file; one that can't get what it is to have does not stay."""
    if not attributes:
        yield f"touch {path} || exit\n"
        return
    # Not one that somebody else made in this moment.
    yield f"made=\nif (set -C && : >{path}) 2>/dev/null; then made=y\n"
    yield f"else touch {path} || exit; fi\n(\n"
    yield from attributes
    yield f') || {{\n  s=$?\n  [ -z "$made" ] || rm -f {path}\n  exit "$s"\n}}\n'


def _fresh(found: Found, mode: int) -> Seen:
    """Something that will be made, before owner and mode are set."""
    me, us = found.answers.number("me"), found.answers.number("us")
    return Seen(found.path.path, mode, uid=me or 0, gid=us or 0)


def _with_times(diff: tuple[Diff, ...], after: Seen) -> tuple[Diff, ...]:
    """Times that are only known now."""
    if not diff or not isinstance(diff[0].after, dict):
        return diff
    known = {
        key: as_float(getattr(after, key))
        for key in ("mtime", "atime")
        if key in diff[0].after and diff[0].after[key] is None
    }
    return (replace(diff[0], after={**diff[0].after, **known}), *diff[1:])
