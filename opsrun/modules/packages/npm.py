"""npm: packages of Node.js, in a project's directory or for all.

What there is, npm tells as JSON; what is to be done is one call of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from opsrun.modules.refusing import said
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 16 * 1024 * 1024
"""Bytes of what npm says."""

_LOOK = r"""
# Looking writes no logs.
npm_config_logs_max=0 npm_config_update_notifier=false
export npm_config_logs_max npm_config_update_notifier
command -v "$npm" >/dev/null 2>&1 || { say lacks "$npm"; exit 0; }
if [ -n "$at" ]; then
  if [ -d "$at" ]; then
    cd -- "$at" || exit
  elif [ -e "$at" ] || [ -h "$at" ]; then
    say blocked "$at"
    exit 0
  else
    say new "$at"
    exit 0
  fi
fi
"""


_TELLING = ("ELSPROBLEMS", "ENOENT")
"""Errors that come with a list: something in it is lacking, or there is no directory yet."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What npm says of a project, or of what is there for all."""

    packages: Mapping[str, str] = field(default_factory=dict)
    """Versions by name; empty where npm tells none."""
    lacking: tuple[str, ...] = ()
    """What ``package.json`` asks for and is not there, or not as it is asked for."""
    older: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What has newer versions: ``current``, ``wanted`` and ``latest``."""
    new: bool = False
    """Whether the directory is still to be made."""


@module(
    "community.general.npm",
    required_if=(("state", "absent", ("name",)), ("global", False, ("path",))),
)
class Npm(StateModule[Installed]):
    """Install, upgrade and remove packages of Node.js."""

    package: str | None = option(
        name="name", doc="The package, or what else npm installs; without it, ``package.json``'s."
    )
    path: str | None = option(kind="path", doc="The project's directory; made if it is not there.")
    version: str | None = option(doc="The version of it.")
    state: str = option(
        "present", choices=("present", "absent", "latest"), doc="What is to become of it."
    )
    everywhere: bool = option(False, name="global", doc="For all, and not for a project.")
    executable: str = option("npm", kind="path", doc="npm, where it is another one.")
    registry: str | None = option(doc="The registry that it comes from.")
    production: bool = option(False, doc="Leave out what only developers need.")
    ci: bool = option(False, doc="Install what the lock file says, and always.")
    force: bool = option(False, doc="Go by what is in the way (``--force``).")
    ignore_scripts: bool = option(False, doc="Run none of the packages' own scripts.")
    unsafe_perm: bool = option(False, doc="Let scripts run as root, where npm is older than 7.")
    no_optional: bool = option(False, doc="Leave out what packages can do without.")
    no_bin_links: bool = option(False, doc="Make no links to the packages' programs.")

    def inspect(self, context: Context) -> Inspection[Installed]:
        """What npm lists, and for ``latest`` what it says is older than it could be."""
        return Inspection("".join(self._looking()), self._installed, cap=LIMIT, environment=True)

    def plan(self, state: Installed, context: Context) -> Plan:
        """One call of npm, or two."""
        calls = tuple(self._calls(state))
        warned = tuple(self._held(state)) if self.state == "latest" else ()
        made = state.new and self.state != "absent"
        result = ModuleResult(bool(calls) or made, warnings=warned)
        if not result.changed:
            return Plan(result=result)
        lines = [self._place(made=made), *calls]
        return Plan((Run("".join(lines), apart=True, environment=True, cap=LIMIT),), result)

    # -- what is asked

    def _looking(self) -> Iterator[str]:
        yield f"{LOOK}npm={path_word(self.executable)}\n"
        yield f"at={path_word(self.path) if self.path else ''}\n{_LOOK}"
        if self.ci:
            return
        listing = ["list", "--json", "--depth=0", *self._where()]
        # Else what only developers need would be lacking for ever.
        listing += ["--production"] if self.production else []
        listing += ["--no-optional"] if self.no_optional else []
        yield f'x=$("$npm" {" ".join(listing)} </dev/null)\nsay rc "$?" list "$x"\n'
        if self.state == "latest":
            names = [word(self.package)] if self.package else []
            words = " ".join(["outdated", "--json", *self._where(), *self._from(), *names])
            yield f'x=$("$npm" {words} </dev/null)\nsay orc "$?" outdated "$x"\n'

    def _place(self, *, made: bool) -> str:
        lines = f"npm={path_word(self.executable)}\n"
        if self.path:
            at = path_word(self.path)
            lines += f"mkdir -p -- {at} || exit\n" if made else ""
            lines += f"cd -- {at} || exit\n"
        return lines

    def _calls(self, state: Installed) -> Iterator[str]:
        if self.ci:
            yield self._call("ci")
            return
        there = self._there(state)
        if self.state == "absent":
            if self.package and there:
                yield self._call("uninstall", self.package.rpartition("@")[0] or self.package)
            return
        if (self.package and not there) or (not self.package and state.lacking):
            yield self._call("install", self._wanted)
        elif any(_behind(each) for each in state.older.values()):
            yield self._call("update", self.package or "")

    def _call(self, verb: str, package: str = "") -> str:
        words = [verb, *self._where(), *self._from()]
        words += ["--production"] if self.production and verb != "uninstall" else []
        for wanted, switch in (
            (self.ignore_scripts, "--ignore-scripts"),
            (self.unsafe_perm, "--unsafe-perm"),
            (self.no_optional, "--no-optional"),
            (self.no_bin_links, "--no-bin-links"),
            (self.force, "--force"),
        ):
            words += [switch] if wanted else []
        words += [word(package)] if package else []
        return f'"$npm" {" ".join(words)} </dev/null || exit\n'

    def _where(self) -> list[str]:
        return ["--global"] if self.everywhere else []

    def _from(self) -> list[str]:
        return ["--registry", word(self.registry)] if self.registry else []

    @property
    def _wanted(self) -> str:
        name = self.package or ""
        return f"{name}@{self.version}" if name and self.version else name

    # -- what there is

    def _there(self, state: Installed) -> bool:
        asked = self._wanted if self.state != "absent" else self.package or ""
        return any(
            asked in (name, f"{name}@{version}") and name not in state.lacking
            for name, version in state.packages.items()
        )

    def _held(self, state: Installed) -> Iterator[str]:
        for name, told in state.older.items():
            wanted, latest = told.get("wanted"), told.get("latest")
            if told.get("current") and wanted != latest:
                yield f"{name} {latest} is there, but package.json goes no further than {wanted}"

    def _installed(self, answer: CommandResult) -> Installed:
        answers = Answers(answer)
        if (lacks := answers.get("lacks")) is not None:
            raise ModuleError(missing(lacks))
        if (blocked := answers.get("blocked")) is not None:
            raise ModuleError(f"{blocked} is not a directory")
        new = answers.get("new") is not None
        if new or self.ci:
            return Installed(new=new)
        lines = said(text_of(answer.stderr)).splitlines()
        words = "\n".join(each for each in lines if "Log files were not" not in each)
        told = _read(answers.text("list"), words, answers.number("rc"))
        entries = _mappings(told.get("dependencies"))
        versions = {
            name: str(each.get("version") or "")
            for name, each in entries.items()
            if (each.get("version") or each.get("resolved")) and not each.get("missing")
        }
        lacking = [
            name for name, each in entries.items() if each.get("missing") or each.get("invalid")
        ]
        older = _read(answers.text("outdated") or "{}", words, answers.number("orc"))
        return Installed(versions, tuple(lacking), _mappings(older))


def _read(text: str, words: str, rc: int | None) -> Mapping[str, Any]:
    """A JSON object of npm's. Raises `ModuleError`: npm could not tell."""
    try:
        found = json.loads(text)
    except ValueError:
        raise ModuleError(
            f"npm's answer is no JSON: {words or text.strip()[:200]}", rc=rc
        ) from None
    told = found if isinstance(found, dict) else {}
    error = told.get("error")
    if isinstance(error, dict) and error.get("code") not in (None, *_TELLING):
        raise ModuleError(words or str(error.get("summary") or error), rc=rc)
    return told


def _mappings(value: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, each in value.items() if isinstance(value, dict) else ():
        # One that stands in several places is a list.
        one = each[0] if isinstance(each, list) and each else each
        found[str(name)] = one if isinstance(one, dict) else {}
    return found


def _behind(told: Mapping[str, Any]) -> bool:
    """Whether an update would bring another version."""
    return bool(told.get("current")) and told["current"] != told.get("wanted")
