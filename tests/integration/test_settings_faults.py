"""Settings of a host whose disk is full or read-only, or whose shell is killed in mid-work.

What was there is there still, byte for byte, nothing lies beside it, and why is told in the host's
own words. The next run finds its way, and clears away what a killed one left.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import inside
from support.module_host import ModuleHost

pytestmark = pytest.mark.root

PREPARE = r"""
set -e
mkdir /t
mount -t tmpfs -o size=96m none /t
cp -a /etc /t/etc
rm -rf /t/etc/apt
cd /t/etc
mkdir -p apt/sources.list.d apt/keyrings apt/trusted.gpg.d sysctl.d modules-load.d modprobe.d
echo 'deb file:/srv/x ./' >apt/sources.list.d/x.list
echo 'Types: deb' >apt/sources.list.d/d.sources
echo 'a = 1' >sysctl.d/a.conf
echo old >hostname
echo Etc/UTC >timezone
export GNUPGHOME=/root/made
mkdir -m 700 "$GNUPGHOME"
for n in 1 2; do
  gpg --batch --quiet --passphrase '' --quick-gen-key "k$n@example.org" ed25519 sign never
  gpg --export "k$n@example.org" >"/srv/k$n.gpg"
  gpg --with-colons --list-keys "k$n@example.org" | awk -F: '/^fpr/ { print $10 }' >"/srv/k$n.id"
done 2>/dev/null
gpgconf --kill all
cat /srv/k1.gpg >apt/trusted.gpg
cat >/usr/local/sbin/cat <<X
#!/bin/sh
$(command -v cat) "\$@" || exit
[ ! -e /run/killing ] || kill -9 "\$PPID"
X
chmod +x /usr/local/sbin/*
cp -a /t/etc /kept
mount --bind /t/etc /etc
"""
KEPT = "apt sysctl.d modules-load.d modprobe.d hostname timezone localtime"
RESET = f"""
rm -f /run/killing /t/filler
mount -o remount,rw /t
cd /etc
rm -rf {KEPT} .*.opsrun .opsrun*
(cd /kept && tar cf - {KEPT}) | tar xf -
hostname old
"""
SIGHT = f"""
cd /etc
find {KEPT} -type f -exec sha256sum {{}} + -o -type l -printf '%l %p\\n' | sort -k 2
ls -A | grep opsrun
hostname
"""
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("sysctl", {"name": "b", "value": 1, "sysctl_file": "/etc/sysctl.d/a.conf", "reload": False}),
    ("apt_repository", {"repo": "deb file:/srv/new ./", "update_cache": False, "mode": "0600"}),
    ("apt_repository", {"repo": "deb file:/n ./", "filename": "x", "update_cache": False}),
    (
        "deb822_repository",
        {"name": "n", "uris": "file:/x", "suites": "./", "signed_by": "file:///srv/k2.gpg"},
    ),
    ("deb822_repository", {"name": "d", "uris": "file:/x", "suites": "./", "mode": "0600"}),
    ("apt_key", {"file": "/srv/k2.gpg"}),
    ("hostname", {"name": "new", "use": "debian"}),
    ("timezone", {"name": "Europe/Zurich"}),
    ("modprobe", {"name": "zz", "state": "absent", "persistent": "present", "params": "a=1"}),
]
IDS = [f"{module} {number}" for number, (module, _) in enumerate(TASKS)]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := disposable.obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg (Debian: apt-get install gpg gpg-agent)")
    with disposable.machine(tmp_path_factory.mktemp("faults") / "box", PREPARE) as made:
        yield made


@pytest.fixture
def host(box: disposable.Machine, tmp_path: Path) -> Iterator[ModuleHost]:
    with inside(box, tmp_path) as made:
        box.sh(RESET)
        yield made
        box.sh(RESET)


@pytest.mark.parametrize(("module", "args"), TASKS, ids=IDS)
def test_what_was_there_is_there(
    box: disposable.Machine, host: ModuleHost, module: str, args: dict[str, Any]
) -> None:
    before = box.sh(SIGHT)
    for fault, words in (
        ("cat /dev/zero >/t/filler 2>/dev/null || :", "No space left on device"),
        ("mount -o remount,ro /t", "Read-only file system"),
    ):
        box.sh(fault)
        told = host.run(module, args)
        assert told["failed"]
        assert words in told["msg"]
        assert box.sh(SIGHT) == before
        box.sh(RESET)
    assert not host.run(module, args).get("failed")
    after = box.sh(SIGHT)
    assert not host.run(module, args)["changed"]
    assert box.sh(SIGHT) == after


@pytest.mark.parametrize(("module", "args"), TASKS[1:], ids=IDS[1:])
def test_a_killed_shell_leaves_each_file_whole(
    box: disposable.Machine, tmp_path: Path, module: str, args: dict[str, Any]
) -> None:
    box.sh(f"{RESET}: >/run/killing")
    before = box.sh(SIGHT).splitlines()
    (tmp_path / "one").mkdir()
    with inside(box, tmp_path / "one") as host:
        assert host.run(module, args)["failed"]
    left = [line for line in box.sh(SIGHT).splitlines() if "opsrun" not in line]
    box.sh("rm /run/killing")
    (tmp_path / "two").mkdir()
    with inside(box, tmp_path / "two") as host:
        assert host.run(module, args)["changed"]
    after = box.sh(SIGHT).splitlines()
    assert set(left) <= {*before, *after}
    assert "opsrun" not in "".join(after)


def test_what_a_killed_shell_left_is_cleared_away(
    box: disposable.Machine, host: ModuleHost
) -> None:
    """A name with the number of a process that is no more; others are somebody's."""
    gone = box.sh("sh -c 'echo $$'").strip()
    for stays, number in ((False, gone), (True, "1"), (True, "x")):
        path = f"/etc/.hostname.{number}.opsrun"
        box.sh(f"echo half >{path}; echo old >/etc/hostname")
        assert host.run("hostname", {"name": "new", "use": "debian"})["changed"]
        assert box.sh(f"ls {path} 2>/dev/null || :") == (f"{path}\n" if stays else "")


def test_a_keyring_keeps_what_is_in_it(box: disposable.Machine, host: ModuleHost) -> None:
    """There may be no room for what gpg works with, or keys among others that it does not take."""
    ring, one = "/etc/apt/trusted.gpg", box.sh("cat /srv/k1.id").strip()
    box.sh(f"cat /srv/k1.gpg /srv/k2.gpg >{ring}")
    before = box.sh(SIGHT)
    # gpg takes no key whose user has not signed its own name: here its signature is broken.
    box.sh(
        "cp /srv/k2.gpg /srv/bad; printf x | "
        "dd of=/srv/bad bs=1 conv=notrunc seek=$(($(wc -c </srv/bad) - 3)) 2>/dev/null; "
        f"cat /srv/k1.gpg /srv/bad >{ring}"
    )
    broken = box.sh(SIGHT)
    told = host.run("apt_key", {"id": one, "state": "absent"})
    assert "could not all be kept, nothing was written" in told["msg"]
    assert box.sh(SIGHT) == broken
    box.sh(f"cat /srv/k1.gpg /srv/k2.gpg >{ring}")
    box.sh("cat /dev/zero >/t/filler 2>/dev/null || :")
    assert "No space left" in host.run("apt_key", {"id": one, "state": "absent"})["msg"]
    assert box.sh(SIGHT) == before
    box.sh("rm /t/filler")
    assert host.run("apt_key", {"id": one, "state": "absent"})["changed"]
    assert box.sh(f"cmp /srv/k2.gpg {ring}; ls -A /etc/apt") == box.sh("ls -A /etc/apt")
