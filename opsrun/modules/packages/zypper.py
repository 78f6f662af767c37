"""zypper: packages of SUSE's distributions.

rpm tells what is installed; where that is what the task asks for, zypper is not asked. Else it is
one script: zypper leaves alone what is there already, and says what it changes. In check mode it is
asked for that alone (``--dry-run``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.packages import missing
from opsrun.modules.packages.dnf_wanted import RELATION, holds
from opsrun.modules.packages.managers import split_names
from opsrun.modules.packages.rpm_database import FORMAT, Package, changes, read
from opsrun.modules.packages.zypper_telling import (
    AGAIN,
    UNKNOWN,
    remark,
    succeeded,
    why,
    would_change,
)
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

LIMIT = 64 * 1024 * 1024
"""Bytes of what is told of packages."""

_ABSENT = ("absent", "removed")
_WILD = re.compile(r"[*?\[]")

_PLAIN = f"LC_ALL=C\nexport LC_ALL\n{LOOK}"
_ALL = f"$(rpm -qa --qf '{FORMAT}')"

_LOOK = f"""\
say tool "$(command -v zypper 2>/dev/null)"
all={_ALL} || exit
say all "$all"
"""

_GO = f"""\
go() {{
  x=$("$@" </dev/null)
  rc=$?
  for w; do say cmd "$w"; done
}}
again() {{
  go "$@"
  if [ "$rc" -eq {AGAIN} ]; then
    y=$x
    x=$("$@" </dev/null)
    rc=$?
    x="$y
$x"
  fi
}}
"""


@dataclass(frozen=True, slots=True)
class Spec:
    """A package as a task names it."""

    sign: str
    """``+`` for it is to be there, ``-`` for it is to go; empty for files and URLs."""
    name: str
    version: str = ""
    """With its relation: ``>=1.0``."""

    def __str__(self) -> str:
        return f"{self.sign}{self.name}{self.version}"

    @property
    def bare(self) -> str:
        """Without the sign."""
        return f"{self.name}{self.version}"

    def among(self, installed: Sequence[Package]) -> bool:
        """Whether a package that is there is meant."""
        relation = RELATION.match(self.bare) if self.version else None
        if relation is not None:
            return any(holds(each, relation) for each in installed)
        return any(each.name == self.name for each in installed)


@module("community.general.zypper")
class Zypper(Module):
    """Install, upgrade and remove packages with zypper."""

    named: Sequence[str] = option(
        required=True,
        name="name",
        aliases=("pkg",),
        kind="list",
        elements="str",
        doc="Packages: names, with a version (``name>=1.0``) or ``-`` before what is to go; files; "
        "URLs; ``*`` with latest for everything.",
    )
    state: str = option(
        "present",
        choices=("present", "latest", "absent", "dist-upgrade", "installed", "removed"),
        doc="What is to become of them.",
    )
    type: str = option(
        "package",
        choices=("package", "patch", "pattern", "product", "srcpackage", "application"),
        doc="What the names are names of.",
    )
    update_cache: bool = option(
        False, aliases=("refresh",), doc="Whether what is known of repositories is renewed first."
    )
    disable_gpg_check: bool = option(False, doc="Whether nothing needs a signature.")
    auto_import_keys: bool = option(False, doc="Whether new keys of repositories are trusted.")
    disable_recommends: bool = option(True, doc="Whether recommended packages stay away.")
    oldpackage: bool = option(
        False, doc="Whether an older version may take a newer's place; a version in a name says so."
    )
    force: bool = option(False, doc="Whether that, another vendor and another architecture may.")
    force_resolution: bool = option(False, doc="Whether zypper solves conflicts as it sees fit.")
    clean_deps: bool = option(False, doc="With absent: whether dependencies go, too.")
    replacefiles: bool = option(False, doc="Whether files of other packages may be replaced.")
    allow_vendor_change: bool = option(
        False, doc="With dist-upgrade: whether packages of another vendor may come."
    )
    skip_post_errors: bool = option(
        False, doc="Whether it is no failure that a script of a package's fails at its end."
    )
    simple_errors: bool = option(False, doc="Says nothing here: messages are always zypper's own.")
    quiet: bool = option(True, doc="Whether zypper is to say less.")
    extra_args: str | None = option(doc="Further words behind zypper's command.")
    extra_args_precommand: str | None = option(doc="Further words before it.")

    def steps(self, context: Context) -> Steps:
        """Look, and have zypper do what is left."""
        answer = yield Run(_PLAIN + _LOOK, effect="reads", cap=LIMIT)
        request = self._request(Answers(answer), context)
        if request is None:
            return self._nothing()
        return self._concluded((yield request))

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: all that zypper does."""
        answer = yield Run(_PLAIN + _LOOK, effect="reads", cap=LIMIT)
        request = self._request(Answers(answer), context)
        if request is None:
            return Job.done(self._nothing().to_dict())
        told = {"named": list(self.named), "state": self.state, "update_cache": self.update_cache}
        told |= {"type": self.type, "skip_post_errors": self.skip_post_errors}
        return Job(request, {"module": self.name, "options": told})

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return cls(**recipe["options"])._concluded(answer)

    # -- what is to be done

    def _request(self, found: Answers, context: Context) -> Run | None:
        tool = found.text("tool")
        if not tool:
            raise ModuleError(missing("zypper"))
        wanted = list(self._wanted(read(found.text("all"))))
        command = [] if not wanted and not self._whole else [*self._words(wanted, context.check)]
        fresh = [*self._before(), "refresh"] if self.update_cache and not context.check else []
        if not command and not fresh:
            return None
        lines = [_PLAIN, _GO, f'say before "{_ALL}"\nrc=0 x=\n']
        if fresh:
            lines.append(f"go {word(tool)} {' '.join(map(word, fresh))}\n")
        if command:
            go = f"{'go' if context.check else 'again'} {word(tool)} {' '.join(command)}"
            lines.append(f'if [ "$rc" -eq 0 ]; then\n  say wanted y\n  {go}\nfi\n')
        lines.append(f'say rc "$rc" out "$x" after "{_ALL}"\n')
        effect: Any = "reads" if context.check else "changes"
        return Run("".join(lines), effect=effect, cap=LIMIT, environment=True)

    @property
    def _whole(self) -> bool:
        """Whether it is about all packages."""
        return list(split_names(self.named)) == ["*"] and self.state in ("latest", "dist-upgrade")

    def _specs(self) -> Iterator[Spec]:
        gone = self.state in _ABSENT
        for each in split_names(self.named):
            if "://" in each or each.endswith(".rpm"):
                yield Spec("", each)
                continue
            sign, rest = (each[0], each[1:]) if each[0] in "+-~" else ("", each)
            if gone and sign == "+":
                raise ModuleError("Can not combine '+' prefix with state=remove/absent.")
            relation = RELATION.match(rest)
            version = f"{relation[2]}{relation[3]}" if relation else ""
            name = relation[1] if relation else rest
            if gone and _WILD.search(name):
                raise ModuleError(f"{each!r}: wildcards are not for packages that are to go")
            yield Spec("-" if gone or sign in ("-", "~") else "+", name, version)

    def _wanted(self, installed: Sequence[Package]) -> Iterator[Spec]:
        """What is not known to be as it shall be."""
        if self._whole:
            return
        if self.state == "dist-upgrade":
            raise ModuleError("Can not dist-upgrade specific packages.")
        for each in self._specs():
            known = self.type == "package" and each.sign
            if known and each.sign == "-" and not each.among(installed):
                continue
            settled = self.state != "latest" and not each.version
            if known and settled and each.sign == "+" and each.among(installed):
                continue
            yield each

    # -- the command

    def _before(self) -> Iterator[str]:
        yield from ("--non-interactive", "--xmlout")
        if self.quiet:
            yield "--quiet"
        yield from _split(self.extra_args_precommand, "extra_args_precommand")
        if self.state not in _ABSENT:
            if self.disable_gpg_check:
                yield "--no-gpg-checks"
            if self.auto_import_keys:
                yield "--gpg-auto-import-keys"

    def _words(self, wanted: Sequence[Spec], dry: bool) -> Iterator[str]:
        yield from map(word, self._before())
        command = self._command()
        yield command
        if command not in ("dist-upgrade", "patch"):
            yield f"--type {self.type}"
        if dry:
            yield "--dry-run"
        yield from self._flags(wanted)
        yield from map(word, _split(self.extra_args, "extra_args"))
        if command == "install":
            yield "--"
        for each in wanted:
            # zypper takes what is to go without a sign where everything goes.
            text = each.bare if command == "remove" or not each.sign else str(each)
            yield path_word(text) if not each.sign and "://" not in text else word(text)

    def _command(self) -> str:
        if self._whole and self.type == "patch":
            return "patch"
        if self._whole:
            return "update" if self.state == "latest" else "dist-upgrade"
        return "remove" if self.state in _ABSENT else "install"

    def _flags(self, wanted: Sequence[Spec]) -> Iterator[str]:
        if self.state in _ABSENT:
            if self.clean_deps:
                yield "--clean-deps"
            return
        old = self.oldpackage or any(each.version for each in wanted)
        vendor = self.allow_vendor_change and self._command() == "dist-upgrade"
        flags = (
            ("--auto-agree-with-licenses", True),
            ("--no-recommends", self.disable_recommends),
            ("--force", self.force),
            ("--force-resolution", self.force_resolution),
            ("--oldpackage", old),
            ("--replacefiles", self.replacefiles),
            ("--allow-vendor-change", vendor),
        )
        yield from (flag for flag, on in flags if on)

    # -- what came of it

    def _nothing(self) -> ModuleResult:
        return ModuleResult(data={**self._told(), "rc": 0})

    def _told(self) -> dict[str, Any]:
        names = split_names(self.named)
        return {"name": names, "state": self.state, "update_cache": self.update_cache}

    def _concluded(self, answer: CommandResult) -> ModuleResult:
        answers = Answers(answer)
        rc, printed = int(answers.text("rc")), answers.text("out")
        errors = text_of(answer.stderr)
        streams = lines_of(f"{printed}\n" if printed else "", errors)
        cmd = answers.every("cmd")
        if "refresh" in cmd and answers.get("wanted") is not None:
            cmd = cmd[cmd.index("refresh") + 1 :]
        gone = rc == UNKNOWN and self.state in _ABSENT and self.type != "package"
        if not gone and not succeeded(rc, scripts_may_fail=self.skip_post_errors):
            before, after = (read(answers.text(key)) for key in ("before", "after"))
            left = changes(before, after)
            data = {"cmd": cmd, "rc": rc, **({"results": left} if left else {}), **streams}
            return ModuleResult(bool(left), True, msg=why(printed, errors, rc), data=data)
        if answers.get("wanted") is None:
            return self._nothing()
        data = {**self._told(), "cmd": cmd, "rc": 0 if gone else rc}
        if not would_change(printed):
            return ModuleResult(data=data)
        return ModuleResult(True, data={**data, **streams}, warnings=remark(rc))


def _split(text: str | None, what: str) -> list[str]:
    try:
        return shlex.split(text or "")
    except ValueError as error:
        raise ModuleError(f"{what}: {error}: {text}") from error
