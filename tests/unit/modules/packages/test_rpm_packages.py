"""dnf, yum, zypper, rpm_key and yum_repository on the real programs, beside recordings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.machine_cases import inside
from support.rpm_box import obstacle, rpm_box, steps, told
from support.scripts import Listening, cover, lines
from support.shellcheck import FEW, findings

from opsrun.modules.options import OptionError

pytestmark = pytest.mark.root


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


@pytest.mark.parametrize("module", ["dnf", "yum_repository", "rpm_key"])
def test_the_steps(module: str, box: disposable.Machine, tmp_path: Path) -> None:
    _stepped(module, box, tmp_path)


def _stepped(module: str, box: disposable.Machine, tmp_path: Path) -> None:
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
    scripts = {each: lines([each], str(tmp_path)) for each in sorted(listened)}
    assert findings(cover(scripts), tmp_path / "scripts", FEW) == ""


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
        told = host.run("package_facts", {"manager": "pkg_info"})
        assert "no package manager on this host of these: pkg_info" in told["msg"]


def test_the_steps_of_zypper(box: disposable.Machine, tmp_path: Path) -> None:
    _stepped("zypper", box, tmp_path)


MORE = "/etc/zypp/repos.d/more.repo"


@pytest.fixture
def more(box: disposable.Machine) -> Iterator[disposable.Machine]:
    """With a second repository for zypper, and nothing of it installed."""
    box.sh("for p in delta failing epsilon; do rpm -e $p; done; :")
    box.sh(f"sed 's/made/more/g; s/repo$/more/' /etc/zypp/repos.d/made.repo >{MORE}")
    yield box
    box.sh(f"rm -f {MORE}; rm -rf /var/cache/zypp/*/more")


def test_a_failing_script_of_a_package(more: disposable.Machine, tmp_path: Path) -> None:
    with inside(more, tmp_path) as host:
        told = host.run("zypper", {"name": "failing"})
        assert (told["failed"], told["changed"], told["rc"]) == (True, True, 107)
        assert told["results"] == ["Installed: failing-1.0-1.noarch"]
        assert "a script of theirs failed" in told["msg"]
        host.run("zypper", {"name": "failing", "state": "absent"})
        told = host.run("community.general.zypper", {"name": "failing", "skip_post_errors": True})
        assert (told["changed"], told["rc"], "failed" in told) == (True, 107, False)
        assert told["warnings"] == ["a script of a package that was installed failed"]


def test_repositories_that_can_not_be_used(more: disposable.Machine, tmp_path: Path) -> None:
    with inside(more, tmp_path) as host:
        more.sh(f"sed -i s/gpgcheck=0/gpgcheck=1/ {MORE}")
        told = host.run("zypper", {"name": "epsilon"})
        # It was installed all the same; what fails is said, and what was done.
        assert (told["failed"], told["changed"], told["rc"]) == (True, True, 106)
        assert "'repomd.xml' from repository 'more' is unsigned" in told["msg"]
        assert told["results"] == ["Installed: epsilon-1.0-1.noarch"]
        more.sh(f"sed -i s,/srv/r/more,/srv/none, {MORE}")
        told = host.run("zypper", {"name": "epsilon", "update_cache": True})
        assert (told["failed"], told["changed"], told["rc"]) == (True, False, 4)
        assert "Specified path '/srv/none' is not a directory" in told["msg"]
        assert told["cmd"][-1] == "refresh"


def test_a_lock_of_zyppers_is_told(box: disposable.Machine, tmp_path: Path) -> None:
    box.sh("echo 1 >/run/zypp.pid")
    with inside(box, tmp_path) as host:
        told = host.run("zypper", {"name": "no-such"})
    box.sh("rm /run/zypp.pid")
    assert (told["failed"], told["changed"], told["rc"]) == (True, False, 7)
    assert "locked by the application with pid 1" in told["msg"]
    assert "ZYPP_LOCK_TIMEOUT" in told["msg"]


def test_a_full_disk_in_mid_install(more: disposable.Machine, tmp_path: Path) -> None:
    more.sh("mkdir -p /srv/full; mount -t tmpfs -o size=1m none /srv/full")
    more.sh("sed 's/made/more/g; s/repo$/more/' /etc/yum.repos.d/made.repo >/run/more.repo")
    more.sh("mv /run/more.repo /etc/yum.repos.d/")
    with inside(more, tmp_path) as host:
        told = host.run("zypper", {"name": ["big", "epsilon"]})
        assert (told["failed"], told["changed"], told["rc"]) == (True, True, 8)
        assert "needs 3MB more space on the /srv/full filesystem" in told["msg"]
        assert "of that package nothing was installed" in told["msg"]
        # One package of the two came before there was no more room.
        assert told["results"] == ["Installed: epsilon-1.0-1.noarch"]
        told = host.run("dnf", {"name": ["big", "tool"]})
        assert (told["failed"], told["changed"]) == (True, False)
        assert "needs 3MB more space on the /srv/full filesystem" in told["msg"]
    assert more.sh("ls -A /srv/full; umount /srv/full; rm /etc/yum.repos.d/more.repo") == ""


def test_what_zypper_is_not_asked(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path) as host:
        told = host.run("zypper", {"name": "alp*", "state": "absent"})
        assert "wildcards are not for packages that are to go" in told["msg"]
        # Another version than the one that is to go is there, or none.
        assert not host.run("zypper", {"name": "gamma=7", "state": "absent"})["changed"]
        told = host.run("zypper", {"name": "no", "extra_args": "'x"})
        assert "extra_args: No closing quotation" in told["msg"]


def test_keys_of_urls_and_several_in_a_file(box: disposable.Machine, tmp_path: Path) -> None:
    script = next(each["sh"] for each in steps("rpm_key") if "sh" in each)
    box.sh(f"rm -rf /srv/k; {script}")
    there = "rpm -q gpg-pubkey --qf '%{VERSION}\n' | sort"
    both = "06d28b7f\nb8840e7a\n"
    with inside(box, tmp_path) as host:
        args = {"key": "file:///srv/k/both.asc", "fingerprint": ["AB CD"]}
        told = host.run("rpm_key", args)
        assert "was not imported: it has no fingerprint ABCD" in told["msg"]
        assert host.run("rpm_key", {"key": "/srv/k/two.asc"})["changed"]
        # One of two is not all.
        assert host.run("rpm_key", {"key": "file:///srv/k/both.asc"})["changed"]
        assert box.sh(there) == both
        assert not host.run("rpm_key", {"key": "file:///srv/k/cat.asc"})["changed"]
        assert host.run("rpm_key", {"key": "/srv/k/cat.asc", "state": "absent"})["changed"]
        assert "not installed" in box.sh(there)
        told = host.run("rpm_key", {"key": "http://u:hush@127.0.0.1:1/x"})
        assert "failed to fetch key" in told["msg"]
        assert "hush" not in str(told)
        for name in ("none.asc", "one.gpg"):
            told = host.run("rpm_key", {"key": f"/srv/k/{name}"})
            assert "holds no armored public key" in told["msg"]
        box.sh("sed 8,9d /srv/k/one.asc >/srv/k/cut.asc")
        told = host.run("rpm_key", {"key": "/srv/k/cut.asc"})
        assert "holds no key of OpenPGP" in told["msg"]
        assert "a file or a URL is needed" in host.run("rpm_key", {"key": "0xB8840E7A"})["msg"]


_SERVE = """
import functools, http.server, os, sys
answer = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/srv/k")
server = http.server.HTTPServer(("127.0.0.1", 0), answer)
print(server.server_port, flush=True)
if os.fork():
    os._exit(0)
for number in range(3):
    os.dup2(os.open(os.devnull, os.O_RDWR), number)
server.handle_request()
"""


def test_a_key_of_a_web_server(box: disposable.Machine, tmp_path: Path) -> None:
    script = next(each["sh"] for each in steps("rpm_key") if "sh" in each)
    box.sh(f"rm -rf /srv/k; {script}")
    port = int(box.run("/usr/bin/python3", "-", stdin=_SERVE.encode()).stdout)
    with inside(box, tmp_path) as host:
        assert host.run("rpm_key", {"key": f"http://127.0.0.1:{port}/one.asc"})["changed"]
        assert not host.run("rpm_key", {"key": "/srv/k/one.asc"})["changed"]
        assert host.run("rpm_key", {"key": "/srv/k/one.asc", "state": "absent"})["changed"]


def test_package_where_zypper_is_meant(box: disposable.Machine, tmp_path: Path) -> None:
    box.sh("for p in delta epsilon; do rpm -e $p; done; :")
    args = {"name": "epsilon", "state": "present", "use": "zypper"}
    with inside(box, tmp_path) as host:
        assert host.run("package", args, check=True)["changed"]
        told = host.run("package", args)
        assert (told["changed"], told["cmd"][0]) == (True, "/usr/bin/zypper")
        assert box.sh("rpm -q epsilon") == "epsilon-1.0-1.noarch\n"
        assert not host.run("package", args)["changed"]
        assert host.run("package", {**args, "state": "absent"})["changed"]


def test_a_repository_that_is_wrongly_signed(more: disposable.Machine, tmp_path: Path) -> None:
    more.sh(f"""
        mkdir -m 700 /run/g; cd /srv/r/more/repodata
        g="gpg --homedir /run/g --batch --quiet --pinentry-mode loopback"
        $g --passphrase '' --quick-gen-key made rsa2048 sign never 2>/dev/null
        $g --armor --detach-sign -o repomd.xml.asc repomd.xml
        $g --armor --export >repomd.xml.key
        gpgconf --homedir /run/g --kill all
        rpm --import repomd.xml.key
        echo >>repomd.xml
        sed -i s/gpgcheck=0/gpgcheck=1/ {MORE}
        {{ echo '[more]'; echo name=more; echo baseurl=file:///srv/r/more; echo repo_gpgcheck=1
          echo gpgkey=file:///srv/r/more/repodata/repomd.xml.key; }} >/etc/yum.repos.d/more.repo
    """)
    with inside(more, tmp_path) as host:
        zypper = host.run("zypper", {"name": "big"})
        dnf = host.run("dnf", {"name": "big"})
    more.sh("rm -rf /run/g /etc/yum.repos.d/more.repo /srv/r/more/repodata/repomd.xml.*")
    more.sh("rpm -e --allmatches gpg-pubkey; sed -i '$d' /srv/r/more/repodata/repomd.xml")
    assert (zypper["failed"], dnf["failed"], "big" in more.sh("rpm -qa")) == (True, True, False)
    assert "Signature verification failed for file 'repomd.xml'" in zypper["msg"]
    assert "signature verification error: Bad GPG signature" in dnf["msg"]
    assert (zypper["changed"], dnf["changed"]) == (False, False)
