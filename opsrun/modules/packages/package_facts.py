"""package_facts: what is installed, as facts.

dpkg and rpm tell it through their own programs: neither python3-apt nor python3-rpm is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run

LIMIT = 64 * 1024 * 1024
"""Bytes of what managers tell."""

_ALIASES = {
    "dnf": "rpm",
    "dnf5": "rpm",
    "yum": "rpm",
    "zypper": "rpm",
}
_DPKG = r"${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${Section}\t${Origin}\n"
_RPM = r"%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n"

_ASK: Mapping[str, tuple[str, str]] = {
    "rpm": ("rpm", f"rpm -qa --qf '{_RPM}'"),
    "apt": ("dpkg-query", f"dpkg-query -W -f '{_DPKG}'"),
    "apk": ("apk", "apk info -v"),
    "pacman": ("pacman", "pacman -Q"),
    "pkg_info": ("pkg_info", "pkg_info -a"),
}
"""By manager, the program that tells that it is there, and what is asked of it."""

_MANAGERS = ("auto", *_ASK, *_ALIASES)


@module("package_facts")
class PackageFacts(Module):
    """Tell which packages are installed: ``ansible_facts.packages``, by name."""

    manager: Sequence[str] = option(
        ("auto",),
        elements="str",
        choices=_MANAGERS,
        doc="Whom to ask; auto: whoever is there.",
    )
    strategy: str = option(
        "first", choices=("first", "all"), doc="Whether one of several is enough."
    )

    def steps(self, context: Context) -> Steps:
        """One script."""
        wanted = self._wanted()
        answer = yield Run("".join(self._script(wanted)), effect="reads", cap=LIMIT)
        answers = Answers(answer)
        lists = answers.below("list:")
        reasons = answers.below("why:")
        if reasons and not lists:
            told = "; ".join(f"{name}: {words.strip()}" for name, words in reasons.items())
            raise ModuleError(f"the packages can't be listed: {told}")
        if not lists:
            asked = ", ".join(wanted)
            raise ModuleError(f"there is no package manager on this host of these: {asked}")
        found: dict[str, list[dict[str, Any]]] = {}
        for name, text in lists.items():
            for each in _READERS[name](text):
                found.setdefault(each["name"], []).append({**each, "source": name})
        warnings = tuple(f"{name}: {words.strip()}" for name, words in reasons.items())
        return ModuleResult(facts={"packages": found}, warnings=warnings)

    def _wanted(self) -> list[str]:
        named = [_ALIASES.get(each, each) for each in self.manager]
        every = [*(each for each in named if each != "auto"), *(_ASK if "auto" in named else ())]
        return list(dict.fromkeys(every))

    def _script(self, wanted: Sequence[str]) -> Iterator[str]:
        yield f"{LOOK}{_LOCALE}{_LISTED}"
        for each in wanted:
            program, words = _ASK[each]
            stop = '[ -z "$found" ] && ' if self.strategy == "first" else ""
            yield f"if {stop}command -v {program} >/dev/null 2>&1; then\n"
            yield f'  x=$({words} 2>&1); told {each} $? "$x"\nfi\n'


_LOCALE = "LC_ALL=C\nexport LC_ALL\n"

_LISTED = r"""
found=
told() {
  if [ "$2" -ne 0 ]; then
    say "why:$1" "$3"
  elif [ -n "$3" ]; then
    found=y
    say "list:$1" "$3"
  fi
}
"""


def _of_rpm(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 5:
            name, version, release, epoch, arch = (
                None if each == "(none)" else each for each in fields
            )
            number = int(epoch) if epoch and epoch.isdigit() else None
            yield {
                "name": name,
                "version": version,
                "release": release,
                "epoch": number,
                "arch": arch,
            }


def _of_dpkg(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 6 and fields[0][1:2] == "i":
            _, name, version, arch, section, origin = fields
            yield {
                "name": name,
                "version": version,
                "arch": arch,
                "category": section,
                "origin": origin,
            }


def _of_apk(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        name, *version = line.strip().rsplit("-", 2)
        if len(version) == 2:
            yield {"name": name, "version": version[0], "release": version[1]}


def _of_pacman(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        name, _, version = line.strip().partition(" ")
        if version:
            yield {"name": name, "version": version}


def _of_pkg_info(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        name, dash, version = line.partition(" ")[0].rpartition("-")
        if dash:
            yield {"name": name, "version": version}


_READERS: Mapping[str, Callable[[str], Iterator[dict[str, Any]]]] = {
    "rpm": _of_rpm,
    "apt": _of_dpkg,
    "apk": _of_apk,
    "pacman": _of_pacman,
    "pkg_info": _of_pkg_info,
}
