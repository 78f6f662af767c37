"""gem: packages of Ruby.

RubyGems itself tells whether a version is there, so that ``>= 1.2`` means what it means to it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import (
    Context,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.refusing import explained
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 4 * 1024 * 1024
"""Bytes of what gem says."""

_LISTED = re.compile(r"^\S+ \(([^)]*)\)", re.MULTILINE)
_FILE = re.compile(r"^version: (\S+)", re.MULTILINE)

_LOOK = r"""
seen() {
  x=$("$@" list $norc @WHICH@ </dev/null 2>&1)
  rc=$?
  case $x in
    *'invalid option: --norc'*)
      # RubyGems before 2.5.2 always read it.
      norc=
      x=$("$@" list @WHICH@ </dev/null 2>&1)
      rc=$?
      ;;
  esac
}
seen "$@"
say rc "$rc" list "$x" norc "$norc"
"""
_USERS = r"""
d=$("$@" environment </dev/null | sed -n 's/^ *- USER INSTALLATION DIRECTORY: //p')
[ -n "$d" ] || { echo 'gem tells no installation directory of users' >&2; exit 1; }
"""
_STILL = r"""
x=$("$@" list $norc @WHICH@ </dev/null 2>&1)
case $x in
  @THERE@)
    printf '%s\n' "$out" @SAY@ >&2
    exit 1
    ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What RubyGems says."""

    there: bool = False
    """Whether it is installed: any version, or one that is asked for."""
    norc: str = ""
    """The option that has no ``.gemrc`` read, where this RubyGems has it."""
    newest: str = ""
    """The newest version that there is to be had; empty where that was not asked."""
    versions: tuple[str, ...] = ()
    """All that are installed, where no version was asked for."""


@module("community.general.gem")
class Gem(StateModule[Found]):
    """Install, upgrade and remove packages of Ruby."""

    gem: str = option(required=True, name="name", doc="The gem.")
    state: str = option(
        "present", choices=("present", "absent", "latest"), doc="What is to become of it."
    )
    version: str | None = option(doc="Its version, or a requirement such as ``>= 1.2``.")
    gem_source: str | None = option(kind="path", doc="A file on the host to install it from.")
    repository: str | None = option(aliases=("source",), doc="A further place gems come from.")
    user_install: bool = option(True, doc="For the task's user alone, and not for all.")
    install_dir: str | None = option(
        kind="path", doc="A directory of gems by itself; wants ``user_install: false``."
    )
    bindir: str | None = option(kind="path", doc="Where its programs go.")
    executable: str = option("gem", kind="path", doc="gem, where it is another one.")
    include_dependencies: bool = option(True, doc="Whether what it needs is installed, too.")
    include_doc: bool = option(False, doc="Whether its documentation is made.")
    norc: bool = option(True, doc="Whether no ``.gemrc`` is read.")
    override_platform_install_dir: bool = option(
        False, doc="Name the user's directory, where the distribution names another for all calls."
    )
    pre_release: bool = option(False, doc="Whether versions before a release count.")
    env_shebang: bool = option(False, doc="Whether its programs look for ruby on the path.")
    build_flags: str | None = option(doc="Words for the making of what is compiled.")
    force: bool = option(False, doc="Whatever else needs it, or it needs.")

    def inspect(self, context: Context) -> Inspection[Found]:
        """Whether it is there, and for ``latest`` what there is to be had."""
        self._fit()
        return Inspection("".join(self._looking()), self._found, cap=LIMIT, environment=True)

    def plan(self, state: Found, context: Context) -> Plan:
        """One call of gem."""
        version = state.newest or self.version
        data: dict[str, Any] = {"name": self.gem, "state": self.state}
        data |= {"version": version} if version else {}
        there = state.there
        if self.state == "latest":
            there = state.newest in state.versions
        if there == (self.state != "absent"):
            return Plan(result=ModuleResult(data=data))
        lines = self._removing(state) if there else self._installing(state, version)
        script = self._begin(state.norc) + "".join(lines)
        run = Run(script, apart=True, environment=True, cap=LIMIT)
        return Plan((run,), ModuleResult(True, data=data))

    def _fit(self) -> None:
        if self.install_dir and self.user_install:
            raise ModuleError("install_dir is for all who use it: say user_install: false")
        if self.override_platform_install_dir and not self.user_install:
            raise ModuleError("override_platform_install_dir is of user_install: true alone")
        if self.state == "latest" and self.version:
            raise ModuleError("state: latest has a version of its own: leave version out")
        if self.gem.startswith("-") or not self.gem:
            raise ModuleError(f"{self.gem!r} is no name of a gem")

    # -- what is asked

    def _begin(self, norc: str) -> str:
        lines = f"{LOOK}norc={norc}\nset -- {' '.join(map(path_word, self._program))}\n"
        if self.install_dir:
            lines += f"GEM_HOME={path_word(self.install_dir)}\nGEM_PATH=$GEM_HOME\n"
            lines += "export GEM_HOME GEM_PATH\n"
        return lines

    @property
    def _program(self) -> list[str]:
        return self.executable.split() or ["gem"]

    @property
    def _which(self) -> str:
        name = word(f"^{re.escape(self.gem)}$")
        return f"-i --version {word(self.version)} {name}" if self.version else name

    def _looking(self) -> Iterator[str]:
        yield self._begin("--norc" if self.norc else "")
        yield 'command -v "$1" >/dev/null 2>&1 || { say lacks "$1"; exit 0; }\n'
        yield _LOOK.replace("@WHICH@", self._which)
        if self.state != "latest":
            return
        if self.gem_source:
            asked = f'"$@" specification $norc {path_word(self.gem_source)} version'
        else:
            source = f" --source {word(self.repository)}" if self.repository else ""
            asked = f'"$@" list $norc --remote{source} {self._which}'
        yield f'x=$({asked} </dev/null)\nsay frc "$?" far "$x"\n'

    def _installing(self, state: Found, version: str | None) -> Iterator[str]:
        words = ["install", "$norc"]
        if version and not self.gem_source:
            words += ["--version", word(version)]
        words += ["--source", word(self.repository)] if self.repository else []
        words += [] if self.include_dependencies else ["--ignore-dependencies"]
        if self.override_platform_install_dir:
            yield _USERS
            words += ["--install-dir", '"$d"']
        else:
            words.append("--user-install" if self.user_install else "--no-user-install")
        words += ["--install-dir", path_word(self.install_dir)] if self.install_dir else []
        words += ["--bindir", path_word(self.bindir)] if self.bindir else []
        for wanted, switch in (
            (self.pre_release, "--pre"),
            (not self.include_doc, "--no-document"),
            (self.env_shebang, "--env-shebang"),
            (self.force, "--force"),
        ):
            words += [switch] if wanted else []
        words.append(path_word(self.gem_source) if self.gem_source else word(self.gem))
        if self.build_flags:
            words += ["--", *map(word, _split(self.build_flags))]
        yield f'"$@" {" ".join(words)} </dev/null || exit\n'

    def _removing(self, state: Found) -> Iterator[str]:
        words = ["uninstall", "$norc"]
        if self.override_platform_install_dir:
            yield _USERS
            words += ["--install-dir", '"$d"']
        words += ["--install-dir", path_word(self.install_dir)] if self.install_dir else []
        words += ["--bindir", path_word(self.bindir)] if self.bindir else []
        words += ["--version", word(self.version)] if self.version else ["--all"]
        words += ["--executable", *(["--force"] if self.force else [])]
        yield f'out=$("$@" {" ".join(words)} {word(self.gem)} </dev/null 2>&1) || {{\n'
        yield '  rc=$?\n  printf \'%s\\n\' "$out" >&2\n  exit "$rc"\n}\n'
        still = f"{self.gem} is there still: gem can't remove what came with Ruby or a package"
        there = "true*" if self.version else f"{word(self.gem)}' ('*"
        kept = _STILL.replace("@WHICH@", self._which).replace("@THERE@", there)
        yield kept.replace("@SAY@", word(still))

    # -- what there is

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        if (lacks := answers.get("lacks")) is not None:
            raise ModuleError(missing(lacks))
        listed, rc = answers.text("list"), answers.number("rc")
        if rc and listed.strip() != "false":
            raise ModuleError(explained(listed) or "gem can't list what there is", rc=rc)
        versions = _versions(listed)
        there = listed.strip() == "true" if self.version else bool(versions)
        newest = self._newest(answers, text_of(answer.stderr)) if self.state == "latest" else ""
        return Found(there, answers.text("norc"), newest, versions)

    def _newest(self, answers: Answers, words: str) -> str:
        far, rc = answers.text("far"), answers.number("frc")
        if rc:
            raise ModuleError(explained(words or far), rc=rc)
        found = _FILE.findall(far) if self.gem_source else _versions(far)
        if not found:
            raise ModuleError(f"there is no {self.gem} to be had{_after(explained(words))}")
        return str(found[0])


def _versions(listed: str) -> tuple[str, ...]:
    """Out of ``demo (2.0.0 default, 1.0 ruby x86_64-linux)``, the newest first."""
    found = _LISTED.search(listed)
    told = [each.split() for each in found[1].split(",")] if found else []
    return tuple(each[-1] if each[0] == "default:" else each[0] for each in told if each)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ModuleError(f"build_flags: {error}: {text}") from error


def _after(words: str) -> str:
    return f": {words}" if words else ""
