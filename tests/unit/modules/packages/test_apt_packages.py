"""apt and package on real apt-get, in a machine that is thrown away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.debian_repository import MAKE, obstacle
from support.machine_cases import inside
from support.module_host import ModuleHost
from support.scripts import Listening, cover
from support.shellcheck import findings
from support.shells import shared_shells

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path_factory.mktemp("apt") / "box", MAKE) as made:
        yield made


@pytest.fixture(scope="module")
def host(box: disposable.Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleHost]:
    with inside(box, tmp_path_factory.mktemp("host"), "dash") as made:
        made.hands = Listening(made.hands)  # type: ignore[assignment]
        yield made


CLEAN = """
names=$(dpkg-query -W -f '${Package} ' 'zz*' 2>/dev/null) || exit 0
dpkg --purge --force-all $names || :
"""


@pytest.fixture(autouse=True)
def clean(box: disposable.Machine) -> Iterator[None]:
    yield
    box.sh(CLEAN)


def have(box: disposable.Machine) -> dict[str, str]:
    """What is installed of the repository, and its version."""
    said = box.sh("dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\\n' 'zz*' || :")
    rows = (line.split() for line in said.splitlines())
    return {row[1]: row[2] for row in rows if row[0] == "installed"}


def both(host: ModuleHost, box: disposable.Machine, args: dict[str, Any], **more: Any) -> Any:
    """In check mode, in earnest and again: check mode says what comes, and changes nothing; and
    then there is nothing left."""
    before = have(box)
    said = host.run("apt", args, check=True, diff=True)
    assert have(box) == before
    done = host.run("apt", args, diff=True)
    assert not done.get("failed"), done
    assert said["changed"] == done["changed"]
    assert said.get("diff") == done.get("diff")
    again = host.run("apt", args)
    assert not again["changed"], again
    return done


def test_from_nothing_to_gone(host: ModuleHost, box: disposable.Machine) -> None:
    done = both(host, box, {"name": "zza=1.0"})
    assert done["diff"]["prepared"].startswith("The following NEW packages will be installed:\n")
    assert done["cache_updated"] is False
    assert done["cache_update_time"] > 0
    assert not both(host, box, {"name": "zza"})["changed"]
    both(host, box, {"name": "zza=1.*"})
    assert have(box) == {"zza": "1.5"}
    assert not both(host, box, {"name": "zza>=1.2"})["changed"]
    both(host, box, {"name": "zza>=1.7"})
    assert have(box) == {"zza": "2.0"}
    refused = host.run("apt", {"name": "zza=1.0"})
    assert "allow_downgrade: true" in refused["msg"]
    assert host.run("apt", {"name": "zza=1.0", "allow_downgrade": True})["changed"]
    assert both(host, box, {"name": "zza", "state": "latest"})["changed"]
    assert "cache_updated" not in both(host, box, {"name": "zza", "state": "absent"})
    assert both(host, box, {"name": "zza", "state": "absent", "purge": True})["changed"]
    assert "zz" not in box.sh("dpkg-query -W 'zz*' 2>/dev/null || :")


def test_what_comes_along(host: ModuleHost, box: disposable.Machine) -> None:
    both(host, box, {"name": ["zzb"], "install_recommends": False})
    assert set(have(box)) == {"zza", "zzb", "zzlib"}
    both(host, box, {"name": "zzb", "state": "absent"})
    assert both(host, box, {"autoremove": True, "purge": True})["changed"]
    assert have(box) == {}
    both(host, box, {"pkg": "zzb, zza", "install_recommends": True})
    assert "zzrec" in have(box)
    both(host, box, {"name": "zzb", "state": "absent", "autoremove": True})
    assert set(have(box)) == {"zza"}


def test_patterns_architectures_and_what_is_provided(
    host: ModuleHost, box: disposable.Machine
) -> None:
    both(host, box, {"name": ["zzmail*", "zzonly"]})
    assert set(have(box)) == {"zzmail1", "zzmail2", "zzonly1"}
    assert not both(host, box, {"name": "zzmail"})["changed"]
    both(host, box, {"name": "zzmail*", "state": "absent"})
    refused = host.run("apt", {"name": "zzmail"})
    assert "zzmail2 1.0" in refused["msg"]
    both(host, box, {"name": f"zzarch:{box.sh('dpkg --print-architecture').strip()}"})
    assert "zzarch" in have(box)
    assert "--add-architecture" in host.run("apt", {"name": "zzarch:sparc"})["msg"]
    assert not both(host, box, {"name": "zza", "only_upgrade": True})["changed"]
    assert "zza" not in have(box)


def test_held_packages_stay(host: ModuleHost, box: disposable.Machine) -> None:
    both(host, box, {"name": "zza=1.0"})
    box.sh("echo zza hold | dpkg --set-selections")
    assert not host.run("apt", {"name": "zza", "state": "present"})["changed"]
    refused = host.run("apt", {"name": "zza=2.0"})
    assert "allow_change_held_packages: true" in refused["msg"]
    told = host.run("apt", {"name": "zza=2.0", "allow_change_held_packages": True})
    assert told["changed"]
    assert have(box) == {"zza": "2.0"}


def test_names_that_nothing_has(host: ModuleHost) -> None:
    told = host.run("apt", {"name": "zzmial1"})
    assert told["failed"]
    assert told["msg"] == "no package is called 'zzmial1'; did you mean 'zzmail1'?"
    told = host.run("apt", {"name": "zza=1.4"})
    assert "versions of zza that there are: 2.0, 1.5, 1.0; did you mean '1.5'?" in told["msg"]
    assert "at least 7: what can be had is 2.0" in host.run("apt", {"name": "zza>=7"})["msg"]
    assert "zzbroken : Depends: zznothing" in host.run("apt", {"name": "zzbroken"})["msg"]
    assert "expected NAME" in host.run("apt", {"name": "zz a"})["msg"]
    # As a regular expression it would be another's name.
    assert host.run("apt", {"name": "zz.b"})["failed"]


def test_removal_that_is_not_wanted(host: ModuleHost, box: disposable.Machine) -> None:
    both(host, box, {"name": "zza"})
    assert host.run("apt", {"name": "zzconf", "fail_on_autoremove": True})["failed"]
    assert set(have(box)) == {"zza"}


def test_files(host: ModuleHost, box: disposable.Machine) -> None:
    both(host, box, {"deb": "/srv/repo/zzb_1.0_all.deb"})
    assert {"zza", "zzb", "zzlib"} <= set(have(box))
    refused = host.run("apt", {"deb": "/srv/repo/zza_1.0_all.deb"})
    assert "allow_downgrade" in refused["msg"]
    assert "No such file" in host.run("apt", {"deb": "/srv/none.deb"})["msg"]
    told = host.run("apt", {"deb": "http://127.0.0.1:9/x.deb"})
    assert told["msg"].startswith("http://127.0.0.1:9/x.deb: ")
    assert told["failed"]


def test_lists(host: ModuleHost, box: disposable.Machine) -> None:
    box.sh("touch -d 2020-01-01 /var/lib/apt/lists; rm -rf /var/lib/apt/periodic")
    old = host.run("apt", {"name": []})
    assert old == {"changed": False, "cache_updated": False, "cache_update_time": 1577836800}
    told = host.run("apt", {"cache_valid_time": 3600, "name": "zza"})
    assert told["cache_updated"]
    assert told["cache_update_time"] > old["cache_update_time"]
    told = host.run("apt", {"update_cache": True, "cache_valid_time": 3600})
    assert not told["changed"]
    assert not told["cache_updated"]
    assert host.run("apt", {"update_cache": True})["changed"]
    box.sh("mv /etc/apt/sources.list /srv/; sed 's/.trusted=yes.//' /srv/sources.list "
           ">/etc/apt/sources.list")  # fmt: skip
    told = host.run("apt", {"update_cache": True, "update_cache_retries": 1})
    box.sh("mv /srv/sources.list /etc/apt/; apt-get update -qq")
    assert told["msg"].startswith("the lists of packages were not updated: E: ")


def test_a_lock_that_is_held_is_waited_for_and_its_holder_told(
    host: ModuleHost, box: disposable.Machine
) -> None:
    hold = (
        "import fcntl,sys,time; f=open('/var/lib/dpkg/lock-frontend','w'); fcntl.lockf(f, 2); "
        "print(1, flush=True); sys.stdin.read()"
    )
    words = box.entering("python3", "-c", hold)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        told = host.run("apt", {"name": "zza", "lock_timeout": 1})
        holder.stdin.close()
    assert "It is held by process" in told["msg"]
    assert "waited for 1 s (lock_timeout)" in told["msg"]
    assert have(box) == {}
    assert host.run("apt", {"name": "zza"})["changed"]


def test_what_breaks_in_the_middle_is_told_with_what_is_left(
    host: ModuleHost, box: disposable.Machine
) -> None:
    told = host.run("apt", {"name": "zzfails"})
    assert told["rc"] == 100
    assert "what dpkg was left with: The following packages are only half configured" in told["msg"]
    assert "zzfails" in told["msg"]
    box.sh("mkdir -p /var/lib/dpkg/updates; echo 'Package: zza' >/var/lib/dpkg/updates/0001")
    told = host.run("apt", {"name": "zza"})
    box.sh("rm /var/lib/dpkg/updates/0001")
    assert "dpkg --configure -a" in told["msg"]


def test_a_full_disk(host: ModuleHost, box: disposable.Machine) -> None:
    box.sh("mount -t tmpfs -o size=4k none /usr/share/zza 2>/dev/null || "
           "{ mkdir -p /usr/share/zzlib; mount -t tmpfs -o size=4k none /usr/share/zzlib; }; "
           "head -c 4096 /dev/zero >/usr/share/zzlib/full")  # fmt: skip
    told = host.run("apt", {"name": "zzlib"})
    box.sh("umount /usr/share/zzlib")
    assert "No space left on device" in told["msg"]
    assert "the file system is full" in told["msg"]
    assert have(box) == {}


def test_services_can_be_kept_from_starting(host: ModuleHost, box: disposable.Machine) -> None:
    both(host, box, {"name": "zzserves", "policy_rc_d": 101})
    assert box.sh("cat /srv/policy; ls /usr/sbin/policy-rc.d 2>&1 || :").startswith("101\nls: ")
    box.sh("dpkg --purge zzserves; printf 'mine' >/usr/sbin/policy-rc.d")
    both(host, box, {"name": "zzserves", "policy_rc_d": 102})
    assert box.sh("cat /srv/policy /usr/sbin/policy-rc.d") == "102\nmine"
    box.sh("rm /usr/sbin/policy-rc.d*")


def test_package_asks_what_the_host_has(host: ModuleHost, box: disposable.Machine) -> None:
    args = {"name": ["zza", "zzlib"], "state": "present"}
    assert host.run("package", args, check=True)["changed"]
    assert host.run("package", args)["changed"]
    assert not host.run("package", args)["changed"]
    assert set(have(box)) == {"zza", "zzlib"}
    assert "enablerepo" in host.run("package", {**args, "enablerepo": "x"})["msg"]
    assert "did you mean 'apt'" in host.run("package", {**args, "use": "aptt"})["msg"]
    assert host.run("package", {"name": "zza", "state": "absent", "use": "apt"})["changed"]


@pytest.mark.parametrize("shell", ["bash", "mksh", "busybox ash"])
def test_every_shell(shell: str, box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path, shared_shells(shell, "system").words) as host:
        both(host, box, {"name": ["zzmail*", "zza=1.0", "zzb"], "autoclean": True})
        assert host.run("apt", {"update_cache": True})["cache_updated"]
        both(host, box, {"upgrade": "dist"})
        assert host.run("apt", {"name": "zznone"})["failed"]
        assert not host.run("package", {"name": "zza", "state": "present"})["changed"]
        both(host, box, {"deb": "/srv/repo/zzonly1_1.0_all.deb", "policy_rc_d": 101})
    assert have(box)["zza"] == "2.0"


def test_shellcheck_reads_every_line(host: ModuleHost, tmp_path: Path) -> None:
    """Of what was sent in this file."""
    sent: list[str] = sorted(set(host.hands.scripts))
    # Of calls, their options are a matter of their own.
    shapes = {each: {" ".join(line.split()[:2]) for line in each.splitlines()} for each in sent}
    assert findings(cover(shapes), tmp_path / "scripts") == ""
