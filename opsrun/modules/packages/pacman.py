"""pacman: packages of Arch Linux.

It is one script: pacman itself tells which packages a name, a group, a file or what another package
provides stands for, and what would come with them. In check mode it stops there.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Diff, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.packages import missing, pacman_scripts
from opsrun.modules.packages.managers import split_names
from opsrun.modules.packages.pacman_telling import (
    came,
    changes,
    left,
    olders,
    packages,
    why,
)
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 64 * 1024 * 1024
"""Bytes of what is told of packages."""

_ABSENT = ("absent", "removed")
_KEPT = ("named", "state", "update_cache", "upgrade", "force", "reason")


@module(
    "community.general.pacman",
    exclusive=(("name", "upgrade"),),
    one_of=(("name", "update_cache", "upgrade"),),
)
class Pacman(Module):
    """Install, upgrade and remove packages of Arch Linux."""

    named: Sequence[str] | None = option(
        name="name",
        aliases=("package", "pkg"),
        kind="list",
        elements="str",
        doc="Packages, with a version (``name>=1``) or a repository (``extra/name``); groups; what "
        "packages provide; files; URLs.",
    )
    state: str = option(
        "present",
        choices=("present", "latest", "absent", "installed", "removed"),
        doc="What is to become of them.",
    )
    update_cache: bool = option(False, doc="Whether the databases are renewed first.")
    update_cache_extra_args: str = option("", doc="Further words for that.")
    upgrade: bool = option(False, doc="Bring every package to its newest version.")
    upgrade_extra_args: str = option("", doc="Further words for that.")
    extra_args: str = option("", doc="Further words to install or remove with.")
    force: bool = option(
        False,
        doc="With absent: whatever needs it. With update_cache: get databases that are up to date.",
    )
    remove_nosave: bool = option(
        False, doc="With absent: whether configuration that was changed goes without a copy."
    )
    reason: str | None = option(
        choices=("dependency", "explicit"), doc="Why the packages are there, from now on."
    )
    reason_for: str = option(
        "new",
        choices=("all", "new"),
        doc="Whether that is so for packages that were there before.",
    )
    executable: str = option("pacman", doc="pacman, or what takes the same words.")
    root: str | None = option(kind="path", doc="Another directory to install in.")
    config: str | None = option(kind="path", doc="Another file than /etc/pacman.conf.")
    cachedir: str | None = option(kind="path", doc="With root: where packages are kept.")

    def steps(self, context: Context) -> Steps:
        """All in one."""
        return self._concluded((yield self._request(context.check)), check=context.check)

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: the script."""
        yield from ()
        return Job(self._request(False), {"module": self.name, "options": self._options()})

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return cls(**recipe["options"])._concluded(answer, check=False)

    def _options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    # -- the script

    def _request(self, check: bool) -> Run:
        effect: Any = "reads" if check else "changes"
        script = "".join(self._script(check))
        return Run(script, effect=effect, cap=LIMIT, environment=True)

    def _script(self, check: bool) -> Iterator[str]:
        yield f'{LOOK}t={path_word(self.executable)}\ncommand -v "$t" >/dev/null 2>&1 || {{\n'
        yield '  say lacks "$t"\n  exit 0\n}\n'
        yield self._filled(pacman_scripts.BEGIN)
        if self.update_cache:
            yield self._filled(
                pacman_scripts.SCRATCH if check else "b=$(p --sync --list 2>/dev/null)\n"
            )
            yield self._filled(pacman_scripts.FRESH, MORE=" ".join(self._fresh()))
        if self.upgrade:
            yield pacman_scripts.QUERY + pacman_scripts.UPGRADE
            more = " ".join(_split(self.upgrade_extra_args, "upgrade_extra_args"))
            yield "" if check else pacman_scripts.SYSTEM.replace("@MORE@", more)
        names = self._names
        if names:
            yield pacman_scripts.QUERY
            yield from self._leaving(names, check) if self._gone else self._coming(names, check)

    def _filled(self, script: str, **more: str) -> str:
        places = [f"--root {path_word(self.root)}"] if self.root else []
        places += [f"--config {path_word(self.config)}"] if self.config else []
        base = [*places]
        if self.root and self.cachedir:
            base.append(f"--cachedir {path_word(self.cachedir)}")
        root = path_word(self.root) if self.root else ""
        words = {"BASE": " ".join(base), "PLACES": " ".join(places), "ROOT": root, **more}
        for name, text in words.items():
            script = script.replace(f"@{name}@", text)
        return script

    def _fresh(self) -> Iterator[str]:
        if self.force:
            yield "--refresh"
        yield from _split(self.update_cache_extra_args, "update_cache_extra_args")

    @property
    def _gone(self) -> bool:
        return self.state in _ABSENT

    @property
    def _names(self) -> list[str]:
        for each in self.named or ():
            if not each.strip() or "\n" in each:
                raise ModuleError(f"name: {each!r} is no name of a package")
        return split_names(self.named or ())

    def _coming(self, names: Sequence[str], check: bool) -> Iterator[str]:
        latest = "y" if self.state == "latest" else ""
        yield f"latest={latest}\nR=\n{pacman_scripts.FIND}"
        yield from (f"find {word(each)} {path_word(each)}\n" for each in names)
        flags = ["--noconfirm --noprogressbar --needed", *_split(self.extra_args, "extra_args")]
        of = {"all": "$A", "new": "$N"}[self.reason_for] if self.reason else ""
        script = pacman_scripts.INSTALL + ("" if check else pacman_scripts.GO)
        how = "--asdeps" if self.reason == "dependency" else "--asexplicit"
        words = {"NAMES": of or "''", "REASON": self.reason or "", "AS": how}
        if not of:
            script = _without_reasons(script)
        yield self._filled(script, FLAGS=" ".join(flags), **words)

    def _leaving(self, names: Sequence[str], check: bool) -> Iterator[str]:
        yield pacman_scripts.LOSE
        yield from (f"lose {word(each)} {path_word(each)}\n" for each in names)
        flags = ["--noconfirm --noprogressbar", *_split(self.extra_args, "extra_args")]
        flags += ["--nodeps --nodeps"] if self.force else []
        script = pacman_scripts.REMOVE + ("" if check else pacman_scripts.GONE)
        save = "--nosave" if self.remove_nosave else ""
        yield self._filled(script, FLAGS=" ".join(flags), SAVE=save).replace("  --", " --")

    # -- what came of it

    def _concluded(self, answer: CommandResult, *, check: bool) -> ModuleResult:
        found = Answers(answer)
        if (lacks := found.get("lacks")) is not None:
            raise ModuleError(missing(lacks))
        fresh = found.get("fresh")
        # Where it is forced, databases are got whatever they were.
        updated = fresh is not None and (self.force or found.get("other") is not None)
        told: dict[str, Any] = {"cache_updated": updated} if self.update_cache else {}
        texts = [f"{each}\n" for each in (fresh, *found.every("ran")) if each]
        streams = lines_of("\n".join(texts), text_of(answer.stderr))
        if (said := found.get("why")) is not None:
            return self._refused(said, found, {**told, **streams}, updated)
        told |= {name: value for name, value in streams.items() if value and not check}
        msg = [_databases(updated, check=check)] if self.update_cache else []
        return self._done(found, told, msg, updated, check=check)

    def _refused(
        self, said: str, found: Answers, told: dict[str, Any], updated: bool
    ) -> ModuleResult:
        words = why(told["stderr"], found.text("out"), found.text("rc"))
        changed = left(found)
        data = {**told, "cmd": found.every("cmd"), "rc": found.number("rc")}
        return ModuleResult(updated or changed, True, msg=f"{said}: {words}", data=data)

    def _done(
        self, found: Answers, told: dict[str, Any], msg: list[str], updated: bool, *, check: bool
    ) -> ModuleResult:
        if self.upgrade:
            sides, names = olders(found.text("older"))
            how = f"{len(names)} packages would have been upgraded" if check else "System upgraded"
            none = "Nothing to upgrade"
        elif not self._names:
            return ModuleResult(updated, msg="\n".join(msg or ["Nothing to do"]), data=told)
        elif self._gone:
            names = sorted(packages(found))
            sides = ("".join(f"{each}\n" for each in names), "")
            how = f"Would have removed {len(names)} packages"
            how = how if check else f"Removed {len(names)} package(s)"
            none = "package(s) already absent"
        else:
            names = came(found)
            sides = changes(found, self.reason)
            how = f"Would have installed {len(names)} packages"
            how = how if check else f"Installed {len(names)} package(s)"
            none = "package(s) already installed"
        if names or not self.upgrade:
            told["packages"] = names
        text = "\n".join([*msg, how if names else none])
        diff = (Diff(*sides, alone=True),) if names else ()
        return ModuleResult(updated or bool(names), msg=text, data=told, diff=diff)


def _databases(updated: bool, *, check: bool) -> str:
    if not check:
        return "Updated package db"
    return "Would have updated the package db" if updated else "The package db is up to date"


def _without_reasons(script: str) -> str:
    """The same, where nobody cares why packages are there."""
    first, _, rest = script.partition("for w in @NAMES@; do\n")
    _, _, last = rest.partition("done\n")
    return (first + last).replace('[ -z "$R" ] || go --noconfirm --database @AS@ -- $R\n', "")


def _split(text: str, what: str) -> Iterator[str]:
    try:
        yield from map(word, shlex.split(text))
    except ValueError as error:
        raise ModuleError(f"{what}: {error}: {text}") from error
