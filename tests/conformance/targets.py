"""Runs integration targets of ansible-core's source package with opsrun in Ansible's place.

The package is looked for, and never copied into this tree: ``$ANSIBLE_SOURCE`` names the unpacked
sdist (``pip download --no-binary ansible-core --no-deps 'ansible-core==2.18.*'``). What passes is
written down in ``ratchet.tsv``: a target, its exit status, results that were ok, assertions held.

    python tests/conformance/targets.py [--update] [--programs DIR] [TARGET...]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.loopback import loopback_hosts, possible
from conformance.repositories import make_repositories
from conformance.waived import read_waived, waive

HERE = Path(__file__).resolve().parent
RATCHET = HERE / "ratchet.tsv"
HEADER = "target\tstatus\tok\tassertions\n"
LIMIT = 1800.0
"""Seconds for a target."""
_OK = re.compile(r"^(?:ok|changed): \[", re.MULTILINE)
_HELD = re.compile(r"All assertions passed")
_INVENTORY = """\
[testgroup]
testhost ansible_connection=local ansible_host=127.0.0.1 ansible_python_interpreter=/usr/bin/python3
"""


STAND_INS = {
    # A daemon that looks after the target's own crontabs, and ends with it.
    "setup_cron": """\
- set_fact: {remote_dir: "{{ lookup('env', 'TMPDIR') }}", faketime_pkg: "", cron_service: cron}
- command: sed -i /pam_loginuid/d /etc/pam.d/cron
- shell: setsid cron -f >/dev/null 2>&1 </dev/null &
""",
    # The role's own handler would remove the user.
    "setup_nobody": "- command: id nobody\n  changed_when: false\n",
}
"""Roles that targets are prepared by, in other words than the package's."""


NEEDS_HOSTS = frozenset({"delegate_to"})
"""Targets with hosts at other addresses of loopback, see `conformance.loopback`."""


NEEDS_REPOSITORIES = frozenset({"git"})
"""Targets with repositories on the network, see `conformance.repositories`."""


CHANGES_ACCOUNTS = frozenset(
    {
        "become",
        "copy",
        "cron",
        "fetch",
        "file",
        "find",
        "getent",
        "group",
        "slurp",
        "template",
        "unarchive",
        "user",
    }
)
"""Targets that make users and groups, themselves or by the role ``setup_test_user``: with files of
their own for those."""

_ACCOUNTS_APART = """\
set -e
mount --make-rprivate /
mount -t proc proc /proc
mkdir "$1/etc" "$1/run" "$1/var"
for name in etc run var; do
    mount -t tmpfs none "$1/$name"
    mkdir "$1/$name/upper" "$1/$name/work"
    mount -t overlay none \\
        -o "lowerdir=/$name,upperdir=$1/$name/upper,workdir=$1/$name/work" "/$name"
done
mount -t tmpfs -o mode=755 none /home
shift
"$@"
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """How a target went."""

    target: str
    status: int
    ok: int
    assertions: int

    def row(self) -> str:
        """A line of the ratchet."""
        return f"{self.target}\t{self.status}\t{self.ok}\t{self.assertions}\n"

    def falls_behind(self, before: Counted) -> bool:
        """Whether less passes than before."""
        worse = self.status != 0 and before.status == 0
        return worse or self.ok < before.ok or self.assertions < before.assertions


def read_ratchet() -> dict[str, Counted]:
    """What passed when it was written, by target."""
    if not RATCHET.exists():
        return {}
    rows = [line.split("\t") for line in RATCHET.read_text().splitlines()[1:]]
    return {row[0]: Counted(row[0], *map(int, row[1:4])) for row in rows}


def write_ratchet(counted: Iterable[Counted]) -> None:
    """Write what passes now; targets that were not run keep their rows."""
    known = read_ratchet() | {each.target: each for each in counted}
    RATCHET.write_text(HEADER + "".join(known[name].row() for name in sorted(known)))


def make_programs(folder: Path) -> Path:
    """The programs of ``opsrun compat`` in a folder of their own."""
    programs = folder / "programs"
    words = [sys.executable, "-m", "opsrun", "compat", str(programs)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return programs


def run_target(source: Path, programs: Path, target: str, log: Path | None = None) -> Counted:
    """Run a target in a scratch copy of the package's integration folder."""
    with tempfile.TemporaryDirectory(prefix="target-") as scratch:
        top = Path(scratch).resolve()
        place = top / "test" / "integration"
        shutil.copytree(source / "test" / "integration", place, symlinks=True)
        (place / "inventory").write_text(_INVENTORY)
        for name, tasks in STAND_INS.items():
            _stand_in(place / "targets" / name, tasks)
        waive(place / "targets", [each for each in read_waived() if each.target == target])
        for name in ("output", "home", "tmp", "bin"):
            (top / name).mkdir()
        # What logins of the user's own go by; a target copies it for another one.
        (top / "home" / ".ssh").mkdir(mode=0o700)
        (top / "home" / ".ssh" / "authorized_keys").touch(mode=0o600)
        # A script of ansible-test's that makes an environment for further packages.
        (top / "bin" / "virtualenv.sh").write_text(":\n")
        with _hosts_for(target, top):
            words = _words(place, target)
            if target in CHANGES_ACCOUNTS:
                apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
                words = [*apart, "sh", "-c", _ACCOUNTS_APART, "sh", str(top), *words]
            status, output = _run(words, place / "targets" / target, top, programs)
    if log is not None:
        (log / f"{target}.log").write_text(output)
    return Counted(target, status, len(_OK.findall(output)), len(_HELD.findall(output)))


def obstacle(target: str) -> str | None:
    """Why a target can't be run here; None where it can."""
    if target in CHANGES_ACCOUNTS and os.geteuid() != 0:
        return "it makes users, which takes root"
    if target in NEEDS_HOSTS and not possible():
        return "port 22 of further addresses of loopback can't be had"
    return None


@contextmanager
def _hosts_for(target: str, top: Path) -> Iterator[None]:
    """Further hosts on loopback, where a target's inventory counts on them."""
    if target not in NEEDS_HOSTS:
        yield
        return
    (top / "sshd").mkdir()
    with loopback_hosts(top / "sshd", top / "home"):
        yield


def _stand_in(folder: Path, tasks: str) -> None:
    shutil.rmtree(folder)
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "main.yml").write_text(tasks)


def _words(place: Path, target: str) -> list[str]:
    folder = place / "targets" / target
    if (folder / "runme.sh").exists():
        return ["./runme.sh", "-v"]
    play = f"- hosts: testhost\n  gather_facts: true\n  roles: [{target}]\n"
    (place / f"{target}.yml").write_text(play)
    inventory, playbook = str(place / "inventory"), str(place / f"{target}.yml")
    output = place.parent.parent / "output"
    return ["ansible-playbook", playbook, "-i", inventory, "-v", "-e", f"output_dir={output}"]


def _run(words: Sequence[str], cwd: Path, top: Path, programs: Path) -> tuple[int, str]:
    place = top / "test" / "integration"
    environment = {
        "PATH": f"{programs}:{top / 'bin'}:{os.environ['PATH']}",
        "HOME": str(top / "home"),
        "TMPDIR": str(top / "tmp"),
        "LC_ALL": "C.UTF-8",
        "OUTPUT_DIR": str(top / "output"),
        "INVENTORY_PATH": str(place / "inventory"),
        "ANSIBLE_PLAYBOOK_DIR": str(cwd),
        "ANSIBLE_ROLES_PATH": str(place / "targets"),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "ANSIBLE_TEST_PYTHON_INTERPRETER": "/usr/bin/python3",
        **(make_repositories(top / "repositories") if cwd.name in NEEDS_REPOSITORIES else {}),
    }
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = 124
        out.seek(0)
        return status, out.read().decode(errors="replace")


def main() -> int:
    """Run targets and show, or write down, what passes; 1 if one falls behind the ratchet."""
    parser = argparse.ArgumentParser(description="Run ansible-core's targets with opsrun.")
    parser.add_argument("targets", nargs="*", help="names; those of the ratchet if none")
    parser.add_argument("--programs", type=Path, help="where ansible-playbook is; opsrun's if none")
    parser.add_argument("--update", action="store_true", help="write the ratchet")
    parser.add_argument("--log", type=Path, help="folder for what each target says")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="targets at a time")
    options = parser.parse_args()
    source = Path(os.environ.get("ANSIBLE_SOURCE", ""))
    if not (source / "test" / "integration" / "targets").is_dir():
        how = "pip download --no-binary ansible-core --no-deps 'ansible-core==2.18.*'"
        parser.error(f"set ANSIBLE_SOURCE to ansible-core's source package, unpacked ({how})")
    before = read_ratchet()
    targets = []
    for each in options.targets or sorted(before):
        if not (source / "test" / "integration" / "targets" / each).is_dir():
            parser.error(f"ansible-core has no target {each!r}")
        why = obstacle(each)
        if why is not None:
            print(f"left out: {each}: {why}")
        else:
            targets.append(each)
    with tempfile.TemporaryDirectory(prefix="programs-") as folder:
        programs = options.programs or make_programs(Path(folder))
        counted = run_all(source, programs, targets, options)
    if options.update:
        write_ratchet(counted)
    behind = [each for each in counted if each.falls_behind(before.get(each.target, each))]
    for each in behind:
        print(f"falls behind: {each.target}, before {before[each.target].row()}", end="")
    return 1 if behind and not options.update else 0


def run_all(
    source: Path, programs: Path, targets: Sequence[str], options: argparse.Namespace
) -> list[Counted]:
    """Run them, some at a time, and show each as it ends."""

    def one(target: str) -> Counted:
        counted = run_target(source, programs, target, options.log)
        print(counted.row(), end="", flush=True)
        return counted

    with ThreadPoolExecutor(options.jobs) as pool:
        return list(pool.map(one, targets))


if __name__ == "__main__":
    sys.exit(main())
