"""What a host knows of the alternatives for a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opsrun.modules.base import ModuleError

_PRIORITY = re.compile(r"(?:@(.*)@)?(-?\d+)\Z")


class Subcommand(NamedTuple):
    """What changes along with a program."""

    name: str
    link: str
    path: str


@dataclass(frozen=True, slots=True)
class Program:
    """One of several."""

    priority: int
    paths: Mapping[str, str] = field(default_factory=dict)
    """Of its subcommands, by name."""
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """All that a name may stand for; empty where it is not known."""

    link: str = ""
    auto: bool = True
    value: str = ""
    """The path that it stands for now."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Of all subcommands, by name."""
    programs: Mapping[str, Program] = field(default_factory=dict)
    """By path."""

    def subcommands(self, path: str) -> Sequence[Subcommand]:
        """Those of a program."""
        known = self.programs.get(path)
        paths = known.paths if known else {}
        return [Subcommand(name, self.links.get(name, ""), at) for name, at in paths.items()]

    @property
    def best(self) -> str:
        """The path with the highest priority; of several, the first."""
        return max(self.programs, key=lambda path: self.programs[path].priority, default="")

    def best_with(self, path: str, priority: int) -> str:
        """The same, with one more, or another priority; empty where that is not to be told."""
        others = {each: known.priority for each, known in self.programs.items() if each != path}
        top = max([priority, *others.values()])
        found = [each for each, has in {**others, path: priority}.items() if has == top]
        return found[0] if len(found) == 1 else ""


def of_query(text: str) -> Group:
    """What ``update-alternatives --query`` printed: paragraphs as in deb822(5)."""
    if not text:
        return Group()
    head, *rest = [_fields(each) for each in text.strip().split("\n\n")]
    return Group(
        head.get("Link", ""),
        head.get("Status") == "auto",
        head.get("Value", ""),
        _pairs(head.get("Slaves", "")),
        {
            each["Alternative"]: Program(int(each["Priority"]), _pairs(each.get("Slaves", "")))
            for each in rest
        },
    )


def _fields(paragraph: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if line.startswith(" "):
            found[name] += f"\n{line.strip()}"
        else:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found


def _pairs(lines: str) -> dict[str, str]:
    return {
        name: path for name, _, path in (each.partition(" ") for each in lines.split("\n")) if name
    }


def of_file(text: str, value: str) -> Group:
    """What alternatives(8) keeps in ``/var/lib/alternatives``.

    How it is chosen and the link; by two lines each subcommand, and an empty line; for each program
    its path, its priority, and by one line the path of each subcommand.

    Raises:
        ModuleError: it says something else.
    """
    if not text:
        return Group()
    try:
        return _of_lines(text.split("\n"), value)
    except (IndexError, ValueError) as error:
        words = "what the host keeps of these alternatives makes no sense"
        raise ModuleError(f"{words}: {text[:200]!r}") from error


def _of_lines(lines: list[str], value: str) -> Group:
    ends = lines.index("", 2)
    links = dict(zip(lines[2:ends:2], lines[3:ends:2], strict=True))
    programs = {}
    at = ends + 1
    while at < len(lines) and lines[at]:
        found = _PRIORITY.match(lines[at + 1])
        if found is None:
            raise ValueError(lines[at + 1])
        paths = [
            lines[each] if each < len(lines) else "" for each in range(at + 2, at + 2 + len(links))
        ]
        told = {name: path for name, path in zip(links, paths, strict=True) if path}
        programs[lines[at]] = Program(int(found[2]), told, found[1])
        at += 2 + len(links)
    return Group(lines[1], lines[0] == "auto", value, links, programs)
