"""Whole roles, run twice by each program from the same start.

::

    python tests/conformance/roles.py --packages /var/tmp/debs ROLES/geerlingguy.nginx ...

Every role is run in machines that are thrown away (`tests/support/disposable.py`), booted with
systemd, whose only source of packages is a directory of ``.deb`` files with its ``Packages``
(``dpkg-scanpackages``). What changed on disk is listed: path, type, mode, owner, group, and what a
file or link holds. Roles are equal where both lists are, and where neither program has anything to
change in the second run. Needs root, and ansible-playbook (``ANSIBLE_PLAYBOOK``).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from support import disposable  # noqa: E402
from support.disposable import Machine, machine  # noqa: E402

_PREPARE = """\
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*proxy*
echo "deb [trusted=yes] file:$1 ./" >/etc/apt/sources.list
apt-get -q update >/dev/null 2>&1
# No user namespaces within these.
mkdir -p /etc/systemd/system/service.d
printf '[Service]\nPrivateUsers=no\n' >/etc/systemd/system/service.d/plain.conf
systemctl daemon-reload
sync
"""
_PRUNED = f"""\
{TOP} /proc /sys /dev /run /tmp /var/tmp /var/log /var/cache/apt /var/lib/apt /var/lib/systemd
/root/.ansible /root/.local /root/.cache /root/.opsrun /root/.rpmdb
/var/cache/debconf /var/lib/dpkg/triggers /usr/share/mime
"""
_LIST = f"""\
prune=; for each in {" ".join(_PRUNED.split())}; do prune="$prune -path $each -prune -o"; done
find / -xdev $prune -printf '%p\\t%y\\t%m\\t%U\\t%G\\t%l\\t%C@\\n'
"""
_VOLATILE = re.compile(
    r"/(aux-cache|\.updated|ld\.so\.cache|status-old|lock|lock-frontend|.*-old|.*~|\.pwd\.lock"
    r"|passwd-|group-|shadow-|gshadow-|ssl-cert-snakeoil\..*|[0-9a-f]{8}\.0|.*\.pyc|__pycache__"
    r"|\.bash_history|random-seed|machine-id|dump\.rdb|mtab|adjtime|daemon.*-old|info-cache.*)$"
)
_CHANGED = re.compile(r"changed[=\s]+(\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one program made of a role."""

    statuses: tuple[int, int]
    second: int
    """Tasks that changed something in the second run."""
    changed: Mapping[str, str]
    """By path, what is there now, or that it is gone."""
    seconds: tuple[float, float]
    output: str


def listed(box: Machine) -> dict[str, list[str]]:
    """Everything on disk: type, mode, owner, group, target and time of change, by path."""
    lines = box.run("sh", "-c", _LIST).stdout.decode("utf-8", "surrogateescape").splitlines()
    rows = (line.split("\t") for line in lines)
    return {row[0]: row[1:] for row in rows if len(row) == 7}


def manifest(box: Machine, before: Mapping[str, list[str]]) -> dict[str, str]:
    """What is other than ``before``."""
    after = listed(box)
    changed = {path: row for path, row in after.items() if before.get(path) != row}
    files = [path for path, row in changed.items() if row[0] == "f"]
    sums = {}
    said = box.run("xargs", "-0", "sha256sum", "-z", stdin="\0".join(files).encode()).stdout
    for line in filter(None, said.decode().split("\0")):
        digest, _, path = line.partition("  ")
        sums[path] = digest
    found = {path: " ".join([*row[:5], sums.get(path, "")]) for path, row in changed.items()}
    # A directory's own time changes with what is in it: of those only what they are counts.
    same = {
        path
        for path, row in changed.items()
        if row[0] == "d" and path in before and before[path][:5] == row[:5]
    }
    gone = dict.fromkeys(before.keys() - after.keys(), "gone")
    kept = {path: told for path, told in (found | gone).items() if path not in same}
    return {path: told for path, told in kept.items() if not _VOLATILE.search(path)}


def run(program: Sequence[str], role: Path, packages: str, variables: str) -> Outcome:
    """One program, twice, on a machine of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        folder = Path(scratch)
        play = {"hosts": "all", "become": True, "roles": [role.name]}
        if variables:
            play["vars"] = json.loads(variables)
        (folder / "ansible.cfg").touch()
        (folder / "play.yml").write_text(json.dumps([play]))
        with machine(folder / "box", _PREPARE, packages, booted=True) as box:
            before = listed(box)
            ran = [once(program, role, folder, box) for _ in range(2)]
            changed = manifest(box, before)
    statuses = (ran[0][0], ran[1][0])
    counts = _CHANGED.findall(ran[1][2])
    second = int(counts[-1]) if counts else -1
    return Outcome(statuses, second, changed, (ran[0][1], ran[1][1]), ran[0][2] + ran[1][2])


def once(program: Sequence[str], role: Path, folder: Path, box: Machine) -> tuple[int, float, str]:
    """One run: its status, its seconds, its output."""
    environment = {
        **os.environ,
        **disposable.environment(),
        "ANSIBLE_ROLES_PATH": str(role.parent),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        # Nothing of the operator's own.
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
    }
    words = [*program, "-i", str(box.inventory(["box"])), str(folder / "play.yml")]
    began = time.monotonic()
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, time.monotonic() - began, done.stdout + done.stderr


def compared(role: Path, packages: str, variables: str, verbose: bool) -> bool:
    """Run both, and print a row; whether they are equal."""
    theirs = [os.environ.get("ANSIBLE_PLAYBOOK", "ansible-playbook")]
    ours = [
        str(Path(sys.executable).parent / "opsrun"),
        "playbook",
        "--roles-path",
        str(role.parent),
    ]
    one, other = (run(each, role, packages, variables) for each in (theirs, ours))
    paths = sorted(one.changed.keys() | other.changed.keys())
    differing = [path for path in paths if one.changed.get(path) != other.changed.get(path)]
    well = not any(one.statuses + other.statuses) and not differing and not other.second
    print(
        f"{role.name:26} {'equal' if well else 'DIFFERS':8} paths {len(one.changed)}/"
        f"{len(other.changed)} differing {len(differing)}  status {one.statuses}/{other.statuses}"
        f"  second {one.second}/{other.second}  seconds "
        f"{one.seconds[0]:.1f}+{one.seconds[1]:.1f}/{other.seconds[0]:.1f}+{other.seconds[1]:.1f}",
        flush=True,
    )
    for path in differing[:40]:
        print(f"    {path}\n      - {one.changed.get(path)}\n      + {other.changed.get(path)}")
    if verbose or any(one.statuses + other.statuses):
        print(one.output[-3000:], other.output[-6000:], sep="\n-----\n")
    return well


def main() -> int:
    """The exit status: 0 where all roles are equal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("roles", nargs="+", type=Path, metavar="ROLE")
    parser.add_argument("--packages", required=True, help="directory of .deb files and Packages")
    parser.add_argument("--vars", default="", help="JSON: variables of the play")
    parser.add_argument("-v", "--verbose", action="store_true")
    given = parser.parse_args()
    if reason := disposable.no_systemd():
        parser.error(reason)
    found = [
        compared(role.resolve(), given.packages, given.vars, given.verbose) for role in given.roles
    ]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
