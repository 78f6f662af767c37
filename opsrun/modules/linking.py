"""Symbolic and hard links of the module file."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Diff, ModuleError, ModuleResult, Plan
from opsrun.modules.labels import chattr
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.permissions import Wanted, argument, described
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.trees.entry import Entry


@dataclass(frozen=True, slots=True)
class Found:
    """What there is, as `File` needs to know it."""

    path: Seen
    real: Seen
    """What the path leads to, where it is a link; else the same."""
    source: Seen | None
    """Of a hard link."""
    wanted: Wanted
    answers: Answers
    tree: tuple[Entry, ...] = ()
    """All that is below, where that matters."""


@dataclass(frozen=True, slots=True)
class Linking:
    """A link that is to be."""

    attributes: Callable[..., Plan]
    """Makes the plan for owner, mode and times of what is there."""
    found: Found
    context: Context
    follow: bool
    force: bool
    hard: bool = False

    @property
    def _kind(self) -> str:
        return "hardlink" if self.hard else "symlink"

    def plan(self) -> Plan:
        """What has to change."""
        seen = self.found.path
        src = self.found.answers.get("src")
        if src is None:
            return self._as_it_is()
        self._source(src)
        if self._is_so(src):
            return self._settled(src)
        self._replaceable()
        old: dict[str, Any] = {"state": seen.state}
        new: dict[str, Any] = {"state": "hard" if self.hard else "link"}
        if seen.is_link and not self.hard:
            old, new = {"src": seen.target}, {"src": src}
        diff = Diff({"path": seen.path, **old}, {"path": seen.path, **new})
        data: dict[str, Any] = {"dest": seen.path, "src": src}
        if self.context.check:
            data |= described(seen)
        result = ModuleResult(True, data=data, diff=(diff,), warnings=self._warnings(src))
        return Plan((Run("".join(self._lines(src))),), result)

    def _as_it_is(self) -> Plan:
        seen = self.found.path
        if seen.state != ("hard" if self.hard else "link"):
            raise ModuleError(f"src is required for creating new {self._kind}s", dest=seen.path)
        if self.hard:
            return self.attributes(self.found, seen, "dest", {}, more={"src": None})
        return self._settled(seen.target)

    def _settled(self, src: str | None) -> Plan:
        """Attributes of what the link leads to."""
        seen, real = self.found.path, self.found.real
        through = self.follow and seen.is_link
        data = {"dest": seen.path, "src": src, **described(seen)}
        if through and (not real.exists or real.is_link):
            data = {"dest": seen.path, "src": src}
            warnings = self._warnings(src or "")
            diff = Diff({"path": seen.path}, {"path": seen.path})
            return Plan(result=ModuleResult(data=data, diff=(diff,), warnings=warnings))
        plan = self.attributes(self.found, real if through else seen, "dest", {})
        diff = plan.result.diff[0]
        told = Diff({**diff.before, "path": seen.path}, {**diff.after, "path": seen.path})
        applied = tuple(_watched(each, seen.path) for each in plan.apply)
        return Plan(applied, replace(plan.result, data=data, diff=(told,)))

    def _source(self, src: str) -> None:
        seen = self.found.path
        if self.hard:
            if self.found.source is None or not self.found.source.exists:
                raise ModuleError("src does not exist", dest=seen.path, src=src)
            if self.found.source.is_dir:
                words = f"{src} is a directory: it can have no hard links"
                raise ModuleError(words, dest=seen.path, src=src)
        elif not self.force and self.found.answers.get("there") is None:
            where = seen.path if seen.is_dir else os.path.dirname(seen.path)
            words = (
                'src file does not exist, use "force=yes" if you really want to create the link: '
            )
            raise ModuleError(words + os.path.join(where, src), path=seen.path, src=src)

    def _is_so(self, src: str) -> bool:
        seen, source = self.found.path, self.found.source
        if not self.hard:
            return seen.is_link and seen.target == src
        assert source is not None
        same = (seen.device, seen.inode) == (source.device, source.inode)
        return seen.exists and not seen.is_link and same

    def _replaceable(self) -> None:
        seen = self.found.path
        if not seen.exists or (seen.is_link and not self.hard):
            return
        refusing = f"refusing to convert from {seen.state} to {self._kind} for {seen.path}"
        if self.hard and not seen.is_dir and not self.force:
            what = "different hard link" if seen.links > 1 else "file exists"
            raise ModuleError(f"Cannot link, {what} at destination", dest=seen.path)
        if not self.force:
            raise ModuleError(refusing)
        if seen.is_dir and self.found.answers.get("filled") is not None:
            words = f"the directory {seen.path} is not empty, refusing to convert it"
            raise ModuleError(words)
        if self.hard and seen.is_dir:
            raise ModuleError(refusing)

    def _lines(self, src: str) -> Iterator[str]:
        seen = self.found.path
        path = seen.path.rstrip("/") or "/"
        beside = argument(os.path.join(os.path.dirname(path), f".opsrun-{os.path.basename(path)}"))
        name, source = argument(path), word(src)
        yield f't={beside}.$$\nrm -f -- "$t"\n'
        flag = "" if self.hard else "-s "
        yield f'ln {flag}-- {source} "$t" || exit\n'
        if seen.is_dir:
            yield f'rmdir -- {name} || {{ rm -f -- "$t"; exit 1; }}\n'
        # Over a link to a directory, mv(1) would move into it.
        if seen.is_link:
            yield f'mv -fT -- "$t" {name} 2>/dev/null ||'
            yield f' {{ rm -f -- {name} && mv -- "$t" {name}; }}'
        else:
            yield f'mv -f -- "$t" {name}'
        yield ' || { rm -f -- "$t"; exit 1; }\n'
        yield from self._attribute_lines(path)
        yield closing(path)

    def _attribute_lines(self, path: str) -> Iterator[str]:
        wish = self.found.wanted
        link = Seen(path, 0o120777, uid=-1, gid=-1)
        if self.hard or self.follow:
            owner = "" if wish.uid is None else str(wish.uid)
            group = "" if wish.gid is None else f":{wish.gid}"
            there = f"[ ! -e {argument(path)} ] || "
            if owner or group:
                yield f"{there}chown {owner}{group} {argument(path)} || exit\n"
            if wish.mode is not None:
                mode = wish.mode if isinstance(wish.mode, str) else f"{wish.mode:04o}"
                yield f"{there}chmod {word(mode)} {argument(path)} || exit\n"
            for line in (*wish.label.lines(argument(path)), *self._flag_lines(path)):
                yield f"{there}{line}"
        else:
            yield from wish.against(link).lines(path)

    def _flag_lines(self, path: str) -> Iterator[str]:
        flags = self.found.wanted.flags
        if flags is not None:
            yield chattr(flags.argument(None), argument(path))

    def _warnings(self, src: str) -> tuple[str, ...]:
        real = self.found.real
        away = self.found.answers.get("there") is None and (real.is_link or not real.exists)
        if self.hard or not self.follow or not away or self.context.check:
            return self.found.wanted.warnings
        words = f"{src} is not there: no owner or mode can be set; say follow: false"
        return (*self.found.wanted.warnings, words)


def _watched(request: Any, path: str) -> Any:
    """The same script, telling of another path in the end."""
    assert isinstance(request, Run)
    lines = request.script.rsplit(LOOK, 1)[0]
    return replace(request, script=lines + closing(path))


def closing(path: str | None) -> str:
    """Lines that tell of a path in the end, for `File.conclude`; of none, nothing."""
    if path is None:
        return "printf ''\n"
    name = argument(path)
    dangling = f"if [ -h {name} ] && [ ! -e {name} ]; then say dangling y; fi\n"
    return f"{LOOK}at after {word(path)}\n{dangling}"
