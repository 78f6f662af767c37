"""locale_gen: locales of glibc's that are made on the host, as locale-gen(8) makes them.

/etc/locale.gen names them, one a line: the locale, and its character set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.system.rewriting import TELL, rewriting
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_FILE = "/etc/locale.gen"
_KNOWN = ("/usr/share/i18n/SUPPORTED", "/usr/local/share/i18n/SUPPORTED")
_NAME = re.compile(r"[A-Za-z][\w.@-]*\Z", re.ASCII)

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
tell /etc/locale.gen
tell /usr/share/i18n/SUPPORTED
tell /usr/local/share/i18n/SUPPORTED
command -v locale-gen >/dev/null || say none y
say made "$(locale -a 2>/dev/null)"
"""
_MAKE = r"""
PATH=$PATH:/usr/sbin:/sbin
REWRITE
o=$(locale-gen 2>&1) || {
  r=$?
  printf '%s\n' "$o" >&2
  exit $r
}
wanted=WANTED
a=$(locale -a)
for n in NAMES; do
  case "
$a
" in
    *"
$n
"*) is=present ;;
    *) is=absent ;;
  esac
  if [ "$is" != "$wanted" ]; then
    printf '%s\n' "$n is still $is; locale-gen said: $o" >&2
    exit 1
  fi
done
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name in values.get("names") or ():
        if isinstance(name, str) and "{{" not in name and not _NAME.match(name):
            yield "name", f"{name!r} is no name of a locale, as en_GB.UTF-8 is one"


@dataclass(frozen=True, slots=True)
class LocaleGenSeen:
    """The locales of a host."""

    entries: str
    """What is in ``/etc/locale.gen``."""
    known: Mapping[str, str]
    """By locale, the character set of each that can be made."""
    made: frozenset[str]
    """Those that are there, as `_plain` has them."""
    listed: tuple[str, ...]
    """The same, as ``locale -a`` writes them."""


@module("community.general.locale_gen", judged=_judged)
class LocaleGen(StateModule[LocaleGenSeen]):
    """See to it that locales are made, or are no longer there (Debian, Ubuntu, Arch Linux)."""

    names: list[str] = option(
        required=True, elements="str", name="name", doc="The locales: de_CH.UTF-8."
    )
    state: str = option("present", choices=("present", "absent"), doc="Whether they are there.")

    def inspect(self, context: Context) -> Inspection[LocaleGenSeen]:
        """Which there are, which there could be, and which are asked for in the file."""

        def parse(answer: CommandResult) -> LocaleGenSeen:
            answers = Answers(answer)
            files = dict(zip(answers.every("file"), answers.every("content"), strict=True))
            if _FILE not in files or answers.get("none"):
                missing = "locale-gen" if _FILE in files else _FILE
                where = "it is usually in the package locales (Debian, Ubuntu), glibc (Arch)"
                raise ModuleError(f"there is no {missing} on this host: {where}")
            known: dict[str, str] = {}
            for path in _KNOWN:
                known |= {each[0]: each[1] for each in _pairs(files.get(path, ""))}
            listed = tuple(answers.text("made").split())
            return LocaleGenSeen(files[_FILE], known, frozenset(map(_plain, listed)), listed)

        return Inspection(f"{LOOK}{TELL}{_LOOK}", parse, cap=1 << 20)

    def plan(self, state: LocaleGenSeen, context: Context) -> Plan:
        """Have the file name them, or not, and the tool follow it."""
        data = {"name": list(self.names), "mechanism": "glibc", "ubuntu_mode": False}
        there = [each for each in self.names if _plain(each) in state.made]
        if self.state == "absent":
            turned = there
        else:
            turned = [each for each in self.names if each not in there]
            unknown = [each for each in turned if each not in state.known]
            if unknown:
                raise ModuleError(_unknown(unknown, state.known), **data)
        if not turned:
            return Plan(result=ModuleResult(data=data))
        entries = self._edited(state, turned)
        files = {_FILE: (state.entries, entries)} if entries != state.entries else {}
        lines = _MAKE.replace("REWRITE", rewriting(files).strip()).replace("WANTED", self.state)
        # locale-gen goes by the file, and localedef writes names in a way of its own.
        wanted = (_written(each, state) for each in turned)
        lines = lines.replace("NAMES", " ".join(map(word, wanted)))
        return Plan((Run(lines),), ModuleResult(True, data=data))

    def _edited(self, state: LocaleGenSeen, turned: Sequence[str]) -> str:
        missing = {each: state.known.get(each, "") for each in turned}
        lines = []
        for line in state.entries.splitlines(keepends=True):
            bare = line.strip().lstrip("# ")
            name, _, charset = bare.partition(" ")
            ours = name in turned and charset.strip() == state.known.get(name, charset.strip())
            active = not line.lstrip().startswith("#")
            if self.state == "absent" and active and any(_plain(name) == _plain(e) for e in turned):
                lines.append(f"# {line}")
            elif self.state == "present" and ours and name in missing:
                del missing[name]
                lines.append(line if active else f"{bare.rstrip()}\n")
            else:
                lines.append(line)
        text = "".join(lines)
        if self.state == "present" and missing:
            ended = "" if not text or text.endswith("\n") else "\n"
            text += ended + "".join(f"{name} {charset}\n" for name, charset in missing.items())
        return text


def _plain(name: str) -> str:
    """A name with its character set as glibc compares those: small, letters and digits alone."""
    head, dot, rest = name.partition(".")
    charset, at, modifier = rest.partition("@")
    return f"{head}{dot}{re.sub('[^a-z0-9]', '', charset.lower())}{at}{modifier}"


def _written(name: str, state: LocaleGenSeen) -> str:
    """As ``locale -a`` writes it."""
    found = next((each for each in state.listed if _plain(each) == _plain(name)), None)
    return found or _plain(name)


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and not words[0].startswith("#"):
            yield words[0], words[1]


def _unknown(names: Sequence[str], known: Mapping[str, str]) -> str:
    near = {_plain(each): each for each in known}
    told = [
        f"{each} (it is called {near[_plain(each)]})" if _plain(each) in near else each
        for each in names
    ]
    return f"this host can't make {', '.join(told)}: {_KNOWN[0]} lists what it can"
