"""apk: packages of Alpine.

apk keeps two things: what is installed, and the world, which is what somebody asked for by name
(apk-world(5)). A package that is there because another one needs it is in no world, and goes when
that one goes; so a package that is to be there has to be in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.packages import missing
from opsrun.modules.packages.apk_telling import bare, remarks, touched, why
from opsrun.modules.packages.managers import split_names
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 16 * 1024 * 1024
"""Bytes of what is told of packages."""

WORLD = "/etc/apk/world"

_ABSENT = ("absent", "removed")

_PLAIN = f"LC_ALL=C\nexport LC_ALL\n{LOOK}"

_LOOK = """\
t=$(command -v apk 2>/dev/null)
say tool "$t"
[ -n "$t" ] || exit 0
w={world}
say file "$w"
[ ! -r "$w" ] || say world "$(cat <"$w")"
"""

_STATE = """\
x=
[ ! -r {world} ] || x=$(cat <{world})
say {key} "$x
$(apk info -v 2>/dev/null)"
"""

_SCRATCH = """\
c=$(mktemp -d) || exit
trap 'rm -rf -- "$c"' EXIT
"""

_FRESH = """\
x=$({apk} update {join}</dev/null)
rc=$?
say update "$x"
"""

_OLDER = """\
older() {{
  case $({apk} version -l '<' -- "$1" 2>/dev/null </dev/null) in *' < '*) return 0 ;; esac
  return 1
}}
"""

_GO = """\
{indent}for n; do say name "$n"; done
{indent}x=$({words} </dev/null)
{indent}rc=$?
{indent}say ran "$x"
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task leaves to be done."""

    names: tuple[str, ...] = ()
    """What apk is told of, whatever it says."""
    settled: tuple[str, ...] = ()
    """What is there, and may be older than it need be."""

    def __bool__(self) -> bool:
        return bool(self.names or self.settled)


@module(
    "community.general.apk",
    exclusive=(("name", "upgrade"),),
    one_of=(("name", "upgrade", "update_cache"),),
)
class Apk(Module):
    """Install, upgrade and remove packages of Alpine."""

    named: Sequence[str] | None = option(
        name="name",
        kind="list",
        elements="str",
        doc="Packages, with a version (``name=1.0-r0``, ``name>1``) or a tag (``name@edge``).",
    )
    state: str = option(
        "present",
        choices=("present", "latest", "absent", "installed", "removed"),
        doc="What is to become of them.",
    )
    update_cache: bool = option(False, doc="Whether the repositories' indexes are renewed first.")
    upgrade: bool = option(False, doc="Bring every package to its newest version.")
    available: bool = option(
        False, doc="With upgrade: also to an older one, where the present one is nowhere any more."
    )
    repository: Sequence[str] | None = option(
        kind="list", elements="str", doc="Repositories in place of the host's own."
    )
    no_cache: bool = option(False, doc="Whether no index that is kept on the host is used.")
    world: str = option(WORLD, doc="The file that tells which packages somebody asked for.")

    def steps(self, context: Context) -> Steps:
        """Look, and have apk do what is left."""
        request = self._request((yield self._looking()), context)
        return self._concluded((yield request)) if request else self._nothing()

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all that apk does."""
        request = self._request((yield self._looking()), context)
        if request is None:
            return Job.done(self._nothing().to_dict())
        told = {"named": self.named, "state": self.state, "update_cache": self.update_cache}
        return Job(request, {"module": self.name, "options": {**told, "upgrade": self.upgrade}})

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return cls(**recipe["options"])._concluded(answer)

    # -- what is asked

    @property
    def _names(self) -> list[str]:
        for each in self.named or ():
            if not each.strip():
                raise ModuleError("name: a package's name can't be empty")
            if self.state in _ABSENT and each.startswith("!"):
                raise ModuleError(f"{each!r}: '!' is not for packages that are to go")
        return split_names(self.named or ())

    def _looking(self) -> Run:
        lines = [_PLAIN, _LOOK.format(world=path_word(self.world))]
        for each in map(word, self._names):
            lines.append(f"! apk info -e -- {each} >/dev/null 2>&1 || say there {each}\n")
        return Run("".join(lines), effect="reads", cap=LIMIT)

    def _request(self, answer: CommandResult, context: Context) -> Run | None:
        found = Answers(answer)
        if not found.text("tool"):
            raise ModuleError(missing("apk"))
        wanted = self._wanted(found)
        if not wanted and not self.upgrade and not self.update_cache:
            return None
        script = "".join(self._script(wanted, context.check))
        effect: Any = "reads" if context.check else "changes"
        return Run(script, effect=effect, cap=LIMIT, environment=True)

    def _wanted(self, found: Answers) -> Wanted:
        names, there = self._names, found.every("there")
        if self.state in _ABSENT:
            return Wanted(tuple(bare(each) for each in names if each in there))
        world = found.get("world")
        if names and world is None:
            raise ModuleError(f"there is no {found.text('file')} that can be read")
        asked = (world or "").split()
        known = {*asked, *map(bare, asked)}
        ready = [each for each in names if each in known and (each in there or each[0] == "!")]
        settled = tuple(map(bare, ready)) if self.state == "latest" else ()
        return Wanted(tuple(each for each in names if each not in ready), settled)

    # -- the script

    def _script(self, wanted: Wanted, check: bool) -> Iterator[str]:
        state = _STATE.format(world=word(WORLD), key="before")
        yield f"{_PLAIN}{state}rc=0\nset -- {' '.join(map(word, wanted.names))}\n"
        if check:
            yield "say check y\n"
        apk = ["apk", *self._places()]
        if self.update_cache and check and not self.no_cache:
            # What apk would do by the indexes of now is told by indexes in a place of their own.
            yield _SCRATCH
            apk.append('--cache-dir "$c"')
        if self.update_cache:
            alone = not wanted and not self.upgrade
            yield _FRESH.format(apk=" ".join(apk), join="" if alone else "2>&1 ")
        command = [*apk, *self._command(), *(["--simulate"] if check else [])]
        if wanted or self.upgrade:
            yield 'if [ "$rc" -eq 0 ]; then\n'
            yield from self._doing(" ".join(apk), " ".join(command), wanted)
            yield "fi\n"
        yield f'say rc "$rc"\n{_STATE.format(world=word(WORLD), key="after")}'

    def _doing(self, apk: str, command: str, wanted: Wanted) -> Iterator[str]:
        if self.upgrade:
            yield _GO.format(indent="", words=command)
            return
        words = f'{command} -- "$@"'
        if not wanted.settled:
            yield _GO.format(indent="", words=words)
            return
        yield _OLDER.format(apk=apk)
        for each in map(word, wanted.settled):
            yield f'if older {each}; then set -- "$@" {each}; fi\n'
        yield f'if [ "$#" -gt 0 ]; then\n{_GO.format(indent="  ", words=words)}fi\n'

    def _places(self) -> Iterator[str]:
        if self.no_cache:
            yield "--no-cache"
        for each in self.repository or ():
            yield f"--repository {word(each)}"
        if self.repository:
            yield "--repositories-file /dev/null"

    def _command(self) -> Iterator[str]:
        if self.upgrade:
            yield "upgrade"
            if self.available:
                yield "--available"
        elif self.state in _ABSENT:
            yield "del --purge"
        else:
            yield "add"
            if self.state == "latest":
                yield "--upgrade"

    # -- what came of it

    def _nothing(self) -> ModuleResult:
        if self.named is None:
            return ModuleResult(True, msg="updated repository indexes")
        gone = self.state in _ABSENT
        return ModuleResult(msg=f"package(s) already {'removed' if gone else 'installed'}")

    def _concluded(self, answer: CommandResult) -> ModuleResult:
        found = Answers(answer)
        ran, errors = found.get("ran"), text_of(answer.stderr)
        printed = found.text("ran")
        other = found.text("before") != found.text("after")
        fresh = found.text("update")
        told = remarks(f"{fresh}\n{errors}")
        if ran is None:
            return self._fresh(fresh, errors, found.text("rc"), told)
        data = lines_of(f"{printed}\n" if printed else "", errors)
        names, packages = found.every("name"), touched(printed)
        if found.number("rc") or "are not removed due to:" in printed:
            words = why(errors, printed, found.text("rc"))
            data |= {"packages": packages if other else []}
            return ModuleResult(other, True, msg=f"{self._failed(names)}: {words}", data=data)
        changed = bool(packages) or other or (bool(names) and found.get("check") is not None)
        data |= {"packages": packages}
        return ModuleResult(changed, msg=self._came(names, changed), data=data, warnings=told)

    def _fresh(self, printed: str, errors: str, rc: str, told: tuple[str, ...]) -> ModuleResult:
        streams = lines_of(f"{printed}\n" if printed else "", errors)
        if rc != "0":
            words = why(errors or printed, printed, rc)
            msg = f"could not update the repositories' indexes: {words}"
            return ModuleResult(failed=True, msg=msg, data=streams)
        data = streams if self.named is None else {}
        return replace(self._nothing(), data=data, warnings=told)

    def _failed(self, names: Sequence[str]) -> str:
        if self.upgrade:
            return "failed to upgrade packages"
        if self.state in _ABSENT:
            return f"failed to remove {names} package(s)"
        return f"failed to install {names}"

    def _came(self, names: Sequence[str], changed: bool) -> str:
        if self.upgrade:
            return "upgraded packages" if changed else "packages already upgraded"
        if not changed:
            return f"package(s) left as they were: {', '.join(names)}"
        return f"{'removed' if self.state in _ABSENT else 'installed'} {names} package(s)"
