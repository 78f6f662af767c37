"""The playbooks that come with the project, on real hosts."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import disposable
from support.cli import Ran, opsrun
from support.disposable import machine

from opsrun.lab import Lab

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
WEB = ("web01", "web02", "web03")


def packed(folder: Path, version: str, *, works: bool = True) -> Path:
    """A release: a page, and a file that says that it can run."""
    tree = folder / f"tree-{version}"
    tree.mkdir()
    (tree / "index.html").write_text(version)
    if works:
        (tree / "works").touch()
    archive = folder / f"site-{version}.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for name in sorted(os.listdir(tree)):
            file.add(tree / name, name)
    return archive


class Tier:
    """Three web servers and a balancer, all with their files below one directory."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.folder = folder
        self._lab = lab
        (folder / "balancer.yml").write_text("balancer:\n  hosts:\n    db01:\n")
        (folder / "upstream").write_text("# backends\n")

    def release(self, version: str, *words: str) -> Ran:
        host = f"{self.folder}/{{{{ inventory_hostname }}}}"
        told: Mapping[str, str] = {
            "site": host,
            "health": f"cmd:test -e {host}/running/works",
            "restart": f"rm -rf {host}/running; cp -R {host}/current/. {host}/running",
            "upstream": f"{self.folder}/upstream",
            "reload_balancer": f"cp {self.folder}/upstream {self.folder}/loaded",
            "backend": "server {{ inventory_hostname }}:80",
            "version": version,
            "archive": f"{self.folder}/site-{version}.tar.gz",
        }
        variables = [
            word for name, value in told.items() for word in ("-e", f"{{{name}: '{value}'}}")
        ]
        sources = ("-i", self._lab.inventory, "-i", self.folder / "balancer.yml")
        path = PLAYBOOKS / "release.yml"
        return opsrun(
            "playbook", path, *sources, "--limit", "web[01-03],balancer", *variables, *words
        )

    def live(self) -> list[str]:
        return [(self.folder / host / "running" / "index.html").read_text() for host in WEB]

    def backends(self) -> list[str]:
        return sorted((self.folder / "loaded").read_text().splitlines()[1:])


@pytest.mark.sshd
def test_a_release_goes_out_in_turns_and_stops_where_it_fails(
    few_hosts: Lab, tmp_path: Path
) -> None:
    tier = Tier(few_hosts, tmp_path)
    packed(tmp_path, "1.0")
    packed(tmp_path, "2.0", works=False)
    first = tier.release("1.0")
    assert first.status == 0, first.out + first.err
    assert tier.live() == ["1.0"] * 3
    assert tier.backends() == [f"server {host}:80;" for host in WEB]

    again = tier.release("1.0")
    assert again.status == 0
    assert "changed 0" in again.out
    assert "changed 1" not in again.out

    broken = tier.release("2.0")
    assert broken.status == 1
    assert "2.0 did not come up on web01" in broken.out
    # The one that was tried is as before and out of the balancer; nobody else was touched.
    assert tier.live() == ["1.0"] * 3
    assert tier.backends() == ["server web01:80 down;", "server web02:80;", "server web03:80;"]
    assert not (tmp_path / "web02" / "releases" / "2.0").exists()

    unsaid = tier.release("")
    assert unsaid.status == 1
    assert "say which version" in unsaid.out


@pytest.mark.root
def test_people_come_and_go(tmp_path: Path) -> None:
    if reason := disposable.obstacle():
        pytest.skip(reason)
    with machine(tmp_path / "box", "userdel -rf deploy; mkdir -p /etc/sudoers.d") as box:
        run = lambda *more: opsrun(  # noqa: E731
            "playbook", PLAYBOOKS / "users.yml", "-i", box.inventory(), *more
        )
        assert "changed" in run("--check").out
        assert box.run("id", "oncall", check=False).returncode != 0
        first = run()
        assert first.status == 0, first.out + first.err
        assert "wheelers" in box.sh("id -nG oncall")
        assert box.sh("cat ~deploy/.ssh/authorized_keys").count("ssh-ed25519") == 1
        assert box.sh("stat -c %a /etc/sudoers.d/wheelers") == "440\n"
        assert "changed 0 " in run().out

        gone = run("-e", '{"people": [], "gone": ["deploy"]}')
        assert gone.status == 0, gone.out
        assert box.run("id", "deploy", check=False).returncode != 0
        assert box.sh("ls ~oncall/.ssh") == "authorized_keys\n"


@pytest.mark.root
def test_everything_up_to_date(tmp_path: Path) -> None:
    if reason := disposable.obstacle():
        pytest.skip(reason)
    # No sources of packages: there is no network in there.
    prepare = (
        "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; touch /var/run/reboot-required"
    )
    with machine(tmp_path / "box", prepare) as box:
        ran = opsrun(
            *("playbook", PLAYBOOKS / "patching.yml", "-i", box.inventory(["a", "b"])),
            *("-e", "reboot=false", "-e", "health=ssh"),
        )
        assert ran.status == 0, ran.out + ran.err
        assert ran.out.count("failed 0") == 2
