"""Facts of whole machines, beside what the dialect's own engine found on the same ones."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.fact_cases import chosen, machines
from support.machine_cases import inside
from support.module_host import LocalController
from support.shells import SHELLS

from opsrun.modules.base import Context
from opsrun.modules.requests import Run
from opsrun.modules.setup import Setup

pytestmark = pytest.mark.skipif(
    disposable.obstacle() is not None, reason=disposable.obstacle() or ""
)

MACHINES = {each["name"]: each for each in machines()}
NETWORK = "a network of several interfaces"
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HANGING = """\
mkdir /run/fake
cat >/run/fake/stat <<'END'
#!/bin/sh
for last; do :; done
case $last in /mnt/far*) exec sleep 1000 ;; esac
exec /usr/bin/stat "$@"
END
chmod +x /run/fake/stat
mkdir /mnt/far /mnt/near
mount -t tmpfs -o size=1m /dev/near /mnt/near
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    directory = tmp_path_factory.mktemp("network")
    with disposable.machine(directory / "box", MACHINES[NETWORK]["prepare"]) as box:
        yield box


def found(box: disposable.Machine, directory: Path, shell: str = "sh", path: str = "") -> Any:
    with inside(box, directory, shell, path) as host:
        told = host.run("setup", {"gather_timeout": 20})
    return {name.removeprefix("ansible_"): each for name, each in told["ansible_facts"].items()}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_network_in_every_shell(shell: str, network: disposable.Machine, tmp_path: Path) -> None:
    case = MACHINES[NETWORK]
    assert chosen(found(network, tmp_path, shell), case["compared"]) == case["facts"]


@pytest.mark.parametrize("name", [name for name in MACHINES if name != NETWORK])
def test_a_machine(name: str, tmp_path: Path) -> None:
    case = MACHINES[name]
    with disposable.machine(tmp_path / "box", "umask 022; " + case["prepare"], seen=False) as box:
        assert chosen(found(box, tmp_path), case["compared"]) == case["facts"]


@pytest.mark.parametrize("way", ["busybox ip", "busybox ifconfig", "net-tools", "/proc/net"])
def test_a_network_without_the_usual_ip(
    way: str, network: disposable.Machine, tmp_path: Path
) -> None:
    """All of them tell the same, but for a second address that old programs don't see."""
    folder = f"/run/{way.replace('/', '').replace(' ', '-')}"
    network.sh(
        "set -eu; mkdir $1\n"
        "for p in $(busybox --list); do ln -s $(command -v busybox) $1/$p; done\n"
        "rm -f $1/ip $1/ifconfig\n"
        "for p in getent python3 busybox; do ln -s $(command -v $p) $1/$p; done\n"
        "case $2 in\n"
        "  busybox*) ln -s $(command -v busybox) $1/${2#* } ;;\n"
        "  net-tools) ln -s $(command -v ifconfig) $1/ifconfig ;;\n"
        "esac",
        folder,
        way,
    )
    facts = found(network, tmp_path, "busybox ash" if "busybox" in way else "sh", folder)
    wanted = MACHINES[NETWORK]["facts"]
    assert facts["default_ipv4"] == wanted["default_ipv4"]
    assert facts["default_ipv6"] == wanted["default_ipv6"]
    assert set(facts["all_ipv4_addresses"]) >= {"192.0.2.5", "10.9.0.1"}
    assert set(facts["all_ipv6_addresses"]) == set(wanted["all_ipv6_addresses"])
    assert facts["v1"] == wanted["v1"]
    assert facts["lo"] == wanted["lo"]
    assert facts["v1"]["macaddress"] == "02:00:00:00:00:03"
    reached = {each: set(told) for each, told in facts["locally_reachable_ips"].items()}
    assert reached["ipv6"] == set(wanted["locally_reachable_ips"]["ipv6"])
    assert reached["ipv4"] >= {"127.0.0.0/8", "127.0.0.1", "192.0.2.5"}


@pytest.mark.parametrize("shell", SHELLS)
def test_what_hangs_holds_nothing_up(shell: str, tmp_path: Path) -> None:
    """A file system whose server is away: it takes its limit, and no more; others are told."""
    with disposable.machine(tmp_path / "box", HANGING) as box:
        # Seen as a server's: the fake program is what hangs.
        box.sh("mount -t ramfs server:/x /mnt/far")
        with inside(box, tmp_path, shell, f"/run/fake:{PROGRAMS}") as host:
            told = host.run("setup", {"gather_timeout": 1, "gather_subset": ["!all", "mounts"]})
            assert host.run("ping")["ping"] == "pong"
        mounts = {each["mount"]: each for each in told["ansible_facts"]["ansible_mounts"]}
        assert "1 s" in mounts["/mnt/far"]["note"]
        assert mounts["/mnt/near"]["size_total"] == 1024 * 1024
        assert "size_total" not in mounts["/mnt/far"]
        assert any("gather_timeout" in each for each in told["warnings"])
        assert box.sh("ps -e -o args | grep -x '[s]leep 1000' || :") == ""


def test_few_processes(tmp_path: Path) -> None:
    """Programs that the script starts, whatever the number of files, links and devices."""
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    request = next(Setup().steps(Context(LocalController(tmp_path))))
    assert isinstance(request, Run)
    log = tmp_path / "log"
    words = ["strace", "-f", "-qq", "-e", "trace=execve", "-o", str(log), "dash", "-c"]
    path = {"PATH": PROGRAMS}
    subprocess.run([*words, request.script], check=True, capture_output=True, env=path)
    ran = re.findall(r'execve\("([^"]*)".* = 0$', log.read_text(), re.MULTILINE)
    own = [each for each in ran if not each.endswith("lsb_release")]
    assert 10 < len(own) < 40, own
    assert sum(each.endswith("/grep") for each in own) <= 4
