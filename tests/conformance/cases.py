"""The conformance cases: folders with a playbook, and how each is run.

A case is ``playbooks/NAME/site.yml`` with whatever it needs beside it. Lines at its head say more::

    # run: --tags one          one run, in a fresh tree, with these options; several are allowed
    # needs: lab root          real sshd on loopback; to be root
    # needs: texts             Ansible without native types, which is its default
    # inventory: hosts.ini     instead of the usual aliases
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
RECORDINGS = HERE / "recordings"

LAB_HOSTS = ("web01", "web02", "db01")
ALIASES = """\
all:
  vars:
    out: {out}
    ansible_python_interpreter: /usr/bin/python3
local:
  vars: {{ansible_connection: local}}
  hosts: {{one: , two: , three: , four: }}
  children:
    front: {{hosts: {{one: , two: }}}}
    back: {{hosts: {{three: , four: }}, vars: {{tier: back}}}}
    pair: {{hosts: {{two: , three: }}}}
"""
NOBODY = """\
gone:
  vars: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}
  hosts: {lost: }
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A playbook, and the ways it is run."""

    name: str
    runs: tuple[tuple[str, ...], ...]
    """Options of each run."""
    needs: frozenset[str]
    inventory: str | None
    """Relative to the case, where it has one of its own."""

    @property
    def recording(self) -> Path:
        """Where its recording is."""
        return RECORDINGS / f"{self.name}.json"


def read(folder: Path) -> Case:
    """The case in a folder. OSError: it has no playbook."""
    runs: list[tuple[str, ...]] = []
    needs: set[str] = set()
    inventory = None
    for line in (folder / "site.yml").read_text().splitlines():
        if not line.startswith("#"):
            break
        word, _, rest = line[1:].strip().partition(":")
        if word == "run":
            runs.append(tuple(shlex.split(rest)))
        elif word == "needs":
            needs.update(rest.split())
        elif word == "inventory":
            inventory = rest.strip()
    return Case(folder.name, tuple(runs) or ((),), frozenset(needs), inventory)


def all_cases() -> list[Case]:
    """Every case, by name."""
    return [read(path.parent) for path in sorted(PLAYBOOKS.glob("*/site.yml"))]


@dataclass(frozen=True, slots=True)
class Place:
    """A scratch tree with a copy of a case in it."""

    top: Path
    case: Case
    words: tuple[str, ...]
    """``site.yml -i …`` and the run's options: what both programs are given."""

    @property
    def cwd(self) -> Path:
        """Where the programs are started."""
        return self.top / "case"

    @property
    def out(self) -> Path:
        """What the playbook writes into."""
        return self.top / "out"


def lay_out(case: Case, run: tuple[str, ...], top: Path, lab: Path | None) -> Place:
    """Make a fresh tree.

    Args:
        case: what is to be run.
        run: options.
        top: an empty folder.
        lab: inventory of the lab, for a case that needs it.
    """
    shutil.copytree(PLAYBOOKS / case.name, top / "case")
    for name in ("out", "home"):
        (top / name).mkdir(mode=0o755)
    if case.inventory is not None:
        words = ["-i", case.inventory, "-e", f"out={top / 'out'}"]
    else:
        (top / "hosts.yml").write_text(ALIASES.format(out=top / "out"))
        words = ["-i", str(top / "hosts.yml")]
        if "nobody" in case.needs:
            (top / "nobody.yml").write_text(NOBODY)
            words += ["-i", str(top / "nobody.yml")]
        if "lab" in case.needs:
            assert lab is not None
            words += ["-i", str(lab)]
    return Place(top, case, ("site.yml", *words, *run))
