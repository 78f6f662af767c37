"""The package managers that hosts have, and which module speaks for each.

Whoever writes a module for one has nothing to do here but to see that its row stands in `MANAGERS`
and that `registry` knows the module. ``package`` passes its parameters on to it as they are, so it
takes ``name`` (a list) and ``state``. Where nobody has told which manager the host has, the first
request of the module is sent along with the question: it has to be a `Run` that reads, without
input; one that is not is done once the answer is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opsrun.modules.wording import word


@dataclass(frozen=True, slots=True)
class Manager:
    """One way to install packages."""

    name: str
    """As the fact ``pkg_mgr`` has it."""
    tool: str
    """The program that tells that a host has it."""
    module: str
    """The module that speaks for it; a full name where it is another collection's."""
    family: str = ""
    """A file that only the distributions have whose own manager it is; empty for none."""


MANAGERS = (
    Manager("apt", "apt-get", "apt", "/etc/debian_version"),
    Manager("dnf5", "dnf5", "dnf5", "/etc/redhat-release"),
    Manager("dnf", "dnf", "dnf", "/etc/redhat-release"),
    Manager("yum", "yum", "yum", "/etc/redhat-release"),
    Manager("zypper", "zypper", "zypper", "/etc/zypp"),
    Manager("pacman", "pacman", "pacman", "/etc/arch-release"),
    Manager("apk", "apk", "apk", "/etc/alpine-release"),
    Manager("portage", "emerge", "portage"),
    Manager("pkgng", "pkg", "pkgng"),
    Manager("swupd", "swupd", "swupd"),
    Manager("xbps", "xbps-install", "xbps"),
    Manager("opkg", "opkg", "opkg"),
    Manager("homebrew", "brew", "homebrew"),
)
"""In the order in which they are taken where a distribution has no own one."""

BY_NAME: Mapping[str, Manager] = {each.name: each for each in MANAGERS}

_FIRST = """\
manager() {{
  {own}
  {any}
  m=unknown
}}
manager
printf '%s\\n' "$m"
case $m in
{each}
esac
"""


def asking(scripts: Mapping[str, str]) -> str:
    """A script that prints the name of the host's manager on a line of its own, and behind it what
    that one's script prints.

    Args:
        scripts: by a manager's name, what is asked of it besides.
    """
    own = [_taken(each, f"[ -e {word(each.family)} ] && ") for each in MANAGERS if each.family]
    found = [_taken(each, "") for each in MANAGERS]
    branches = [f"{name})\n{script.rstrip()}\n;;" for name, script in scripts.items()]
    return _FIRST.format(own="\n  ".join(own), any="\n  ".join(found), each="\n".join(branches))


def _taken(manager: Manager, condition: str) -> str:
    there = f"command -v {manager.tool} >/dev/null 2>&1"
    return f"if {condition}{there}; then m={manager.name}; return; fi"


def split_names(names: Iterable[str]) -> list[str]:
    """The packages of a list whose entries may hold several, between commas; each once.

    >>> split_names(["a, b", "c", "a"])
    ['a', 'b', 'c']
    """
    every = (each.strip() for entry in names for each in entry.split(","))
    return list(dict.fromkeys(filter(None, every)))
