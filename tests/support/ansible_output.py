"""What ansible-playbook prints for playbooks of ours, and what of it differs from run to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "cases/output"
RECORDED = FOLDER / "recorded"
_TIMES = re.compile(r'"(delta|start|end)": "[^"]*"')


@dataclass(frozen=True)
class Case:
    """A playbook, and the options that it is run with."""

    book: str
    variant: str
    options: tuple[str, ...] = ()
    color: bool = False

    @property
    def name(self) -> str:
        """Of the recording."""
        return f"{self.book}-{self.variant}"

    @property
    def recording(self) -> Path:
        """What ansible-playbook printed."""
        return RECORDED / f"{self.name}.txt"


CASES = [
    *(Case(book, "plain") for book in ("says", "ends", "includes", "several")),
    *(Case(book, "v", ("-v",)) for book in ("says", "ends", "includes", "several")),
    Case("says", "vv", ("-vv",)),
    Case("diffs", "plain", ("--diff",)),
    Case("diffs", "check", ("--diff", "--check")),
    Case("ends", "color", color=True),
    Case("diffs", "color", ("--diff",), color=True),
]


def words(case: Case, folder: Path) -> list[str]:
    """What either program is given, in the directory of the cases."""
    python = ("-e", "ansible_python_interpreter=/usr/bin/python3")
    own = ("-e", f"folder={folder}")
    return ["-i", "inventory.ini", f"{case.book}.yml", *python, *own, *case.options]


def normal(text: str, folder: Path) -> str:
    """Without times and this machine's paths, and with hosts in one order within each task."""
    text = _TIMES.sub(r'"\1": "…"', text)
    text = text.replace(str(folder), "/folder").replace(str(FOLDER), "/cases")
    parts = re.split(r"\n(?=\n(?:PLAY |TASK|RUNNING)[^\n]*\*\*\*)", f"\n{text}")
    # What is said before the first play is of a program, not of a playbook.
    return "\n".join(map(_sorted, parts[1:]))


def _sorted(part: str) -> str:
    """The section's entries in the order of their hosts; those of one host keep theirs."""
    lines = part.split("\n")
    head = 3 if len(lines) > 2 and lines[2].startswith("task path") else 2
    entries: list[list[str]] = []
    for line in lines[head:]:
        if re.match(r"(?:\x1b\[[0-9;]+m)?(?:ok|changed|skipping|fatal|failed|included)", line):
            entries.append([line])
        elif entries:
            entries[-1].append(line)
        else:
            entries.append([line])
    entries.sort(key=lambda entry: _host(entry[0]))
    return "\n".join([*lines[:head], *(line for entry in entries for line in entry)])


def _host(line: str) -> str:
    found = re.search(r": \[([a-z]+)", line)
    return found[1] if found else ""
