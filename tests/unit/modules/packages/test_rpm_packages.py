"""dnf, yum, rpm_key and yum_repository on real rpm and dnf, beside recordings."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import inside
from support.rpm_box import obstacle, rpm_box, steps, told
from support.scripts import Listening

from opsrun.modules.options import OptionError

pytestmark = pytest.mark.root

QUIET = "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with rpm_box(tmp_path_factory.mktemp("rpm") / "box") as made:
        yield made


def _ran(host: Any, module: str, step: Mapping[str, Any]) -> dict[str, Any]:
    check, diff = bool(step.get("check")), bool(step.get("diff"))
    try:
        found: dict[str, Any] = host.run(module, step["args"], check=check, diff=diff)
    except OptionError as error:
        found = {"changed": False, "failed": True, "msg": str(error)}
    return found


def _read(scripts: set[str], directory: Path) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (Debian: apt-get install shellcheck)")
    files = []
    for number, script in enumerate(sorted(scripts)):
        path = directory / f"{number}.sh"
        path.write_text(script)
        files.append(str(path))
    words = [program, "-f", "gcc", "-s", "sh", "-e", QUIET, *files]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.stdout == ""


@pytest.mark.parametrize("module", ["dnf", "yum_repository"])
def test_the_steps(module: str, box: disposable.Machine, tmp_path: Path) -> None:
    wrong = []
    with inside(box, tmp_path) as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for number, step in enumerate(steps(module)):
            if "sh" in step:
                assert box.sh(f"cd /\n{step['sh']}").split() == step["prints"].split()
                continue
            before = box.sh("rpm -qa | sort")
            got = _ran(host, module, step)
            if step.get("check"):
                assert box.sh("rpm -qa | sort") == before, step
            if told(got) != step["result"]:
                wrong.append(f"{number} {step['args']}\n  {told(got)}\n  {step['result']}")
        listened = set(listening.scripts)
    # Repositories that nothing is at would be asked by whatever comes next.
    box.sh(
        "cd /etc/yum.repos.d && mkdir /run/kept && mv made.repo other.repo /run/kept &&"
        " rm -f ./*.repo && mv /run/kept/* . && rmdir /run/kept"
    )
    assert not wrong, "\n".join(wrong)
    _read(listened, tmp_path)


def test_what_is_not_to_be_had_is_named(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        told = host.run("yum", {"name": "nosuch,gamma", "state": "latest"})
        assert told["failed"]
        assert "nosuch" in told["msg"]
        told = host.run("dnf", {"name": "/srv/none.rpm"})
        assert told["msg"].endswith("Could not open: /srv/none.rpm")
        told = host.run("dnf", {"name": "/srv/r/repo/tool-1.0-1.noarch.rpm"})
        assert "tool-1.0-1.noarch.rpm is not signed" in told["msg"]
        told = host.run("dnf", {"name": "zeta", "enablerepo": "other"})
        assert "repo 'other'" in told["msg"]


def test_a_locked_database_is_waited_for_and_told(box: disposable.Machine, tmp_path: Path) -> None:
    box.sh("""cd /; python3 -c 'import time; time.sleep(60)' dnf >/dev/null 2>&1 &
        echo $! >/var/lib/dnf/rpmdb_lock.pid""")
    with inside(box, tmp_path) as host:
        args = {"name": "/srv/r/repo/tool-1.0-1.noarch.rpm", "disable_gpg_check": True}
        told = host.run("dnf", {**args, "lock_timeout": 0})
        assert told["failed"]
        assert "another process holds the lock" in told["msg"]
        assert box.sh("rpm -q tool", check=False).startswith("package tool is not")
        box.sh("kill $(cat /var/lib/dnf/rpmdb_lock.pid); rm /var/lib/dnf/rpmdb_lock.pid")
        assert host.run("dnf", args)["results"] == ["Installed: tool-1.0-1.noarch"]
        assert not host.run("dnf", args)["changed"]


@pytest.mark.parametrize("shell", ["busybox ash", "mksh", "bash --posix"])
def test_what_is_there_is_seen_by_every_shell(
    shell: str, box: disposable.Machine, tmp_path: Path
) -> None:
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"there is no {shell}")
    with inside(box, tmp_path, shell) as host:
        host.run("dnf", {"name": ["epsilon"]})
        args = {"name": ["epsilon >= 1.0", "a 'b\" $c*"], "state": "absent"}
        told = host.run("dnf", args, check=True)
        assert told["results"] == [
            "No match for argument: a 'b\" $c*",
            "Removed: epsilon-1.0-1.noarch",
        ]


def test_repositories_go_and_nobody_sees_passwords(box: disposable.Machine, tmp_path: Path) -> None:
    args = {"name": "far", "file": "both", "description": "d", "baseurl": "http://h/"}
    with inside(box, tmp_path) as host:
        host.run("yum_repository", {**args, "password": "hush hush"})
        host.run("yum_repository", {**args, "name": "near"})
        gone = {"name": "far", "file": "both", "state": "absent"}
        told = host.run("yum_repository", gone, diff=True)
        assert "password = ********\n" in told["diff"]["before"]
        assert "[far]" not in told["diff"]["after"]
        assert not host.run("yum_repository", gone)["changed"]
        assert box.sh("cat /etc/yum.repos.d/both.repo").startswith("[near]\n")
        assert host.run("yum_repository", {**gone, "name": "near"})["changed"]
        assert box.sh("ls /etc/yum.repos.d/both.repo", check=False) == ""
        box.sh("printf 'no section\n' >/etc/yum.repos.d/bad.repo")
        told = host.run("yum_repository", {**args, "file": "bad"})
        assert "/etc/yum.repos.d/bad.repo can't be read" in told["msg"]
        assert box.sh("cat /etc/yum.repos.d/bad.repo") == "no section\n"
        box.sh("rm /etc/yum.repos.d/bad.repo")


def test_facts_of_packages(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        host.run("dnf", {"name": "delta", "install_weak_deps": False})
        told = host.run("package_facts", {"manager": "auto"}, check=True)
        delta = {"name": "delta", "version": "1.0", "release": "1", "epoch": 2, "arch": "noarch"}
        assert told["ansible_facts"]["packages"]["delta"] == [{**delta, "source": "rpm"}]
        every = {"manager": ["apt", "dnf"], "strategy": "all"}
        found = host.run("package_facts", every)["ansible_facts"]["packages"]
        assert found["delta"][0]["source"] == "rpm"
        [libc] = [each for each in found["libc6"] if each["source"] == "apt"]
        assert libc["version"] == box.sh("dpkg-query -W -f '${Version}' libc6")
        assert set(libc) == {"name", "version", "arch", "category", "origin", "source"}
        told = host.run("package_facts", {"manager": "pacman"})
        assert "no package manager on this host of these: pacman" in told["msg"]
