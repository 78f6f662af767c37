"""apt_repository, apt_key, dpkg_selections and debconf on a machine that is thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import disposable
from support.debian_repository import MAKE, obstacle
from support.machine_cases import inside
from support.module_host import ModuleHost
from support.shells import shared_shells

pytestmark = pytest.mark.root

KEYS = """
set -e
export GNUPGHOME=/root/made
mkdir -m 700 "$GNUPGHOME"
for n in 1 2; do
  gpg --batch --quiet --passphrase '' --quick-gen-key "k$n@example.org" ed25519 sign never
  gpg --armor --export "k$n@example.org" >"/srv/k$n.asc"
  gpg --with-colons --list-keys "k$n@example.org" | awk -F: '/^fpr/ { print $10 }' >"/srv/k$n.id"
done 2>/dev/null
gpgconf --kill all
rm -f /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d/*
"""
RECORDED = """\
X-Repolib-Name: My source
Signed-By: /etc/apt/keyrings/my-source.asc
Suites: ./
Trusted: yes
Types: deb
URIs: file:/srv/other
"""
"""The fields in the order in which the dialect's own engine writes them."""
SIGHT = (
    "cd /etc/apt; find . -type f | sort | xargs stat -c '%n %a' ; cat sources.list.d/* 2>&1 || :"
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := obstacle():
        pytest.skip(f"no disposable machine: {reason}")
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg (Debian: apt-get install gpg gpg-agent)")
    made = tmp_path_factory.mktemp("sources") / "box"
    with disposable.machine(made, MAKE) as there:
        there.sh(KEYS)
        there.sh("cp -r /srv/repo /srv/other; chmod -R a+rX /srv")
        yield there


@pytest.fixture(params=["dash", "bash", "mksh", "busybox ash"])
def host(
    box: disposable.Machine, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[ModuleHost]:
    with inside(box, tmp_path, shared_shells(request.param, "system").words) as made:
        yield made


def both(host: ModuleHost, box: disposable.Machine, module: str, args: dict[str, Any]) -> Any:
    """In check mode, in earnest and again."""
    before = box.sh(SIGHT)
    said = host.run(module, args, check=True, diff=True)
    assert box.sh(SIGHT) == before
    done = host.run(module, args, diff=True)
    assert not done.get("failed"), done
    # What is there behind it is not told in check mode.
    assert {**done, **said} == done
    assert not host.run(module, args)["changed"]
    return done


def test_a_repository_comes_and_goes(host: ModuleHost, box: disposable.Machine) -> None:
    other = {"repo": "deb [trusted=yes]  file:/srv/other  ./ # why", "mode": "0640"}
    path = "/etc/apt/sources.list.d/file_srv_other.list"
    done = both(host, box, "apt_repository", other)
    assert done["sources_added"] == [path]
    assert box.sh(f"stat -c %a {path}; cat {path}") == "640\ndeb [trusted=yes] file:/srv/other ./\n"
    assert "file:/srv/other" in box.sh("apt-cache policy zza")
    box.sh(f"sed -i 's/^/# /' {path}")
    assert both(host, box, "apt_repository", other)["sources_added"] == []
    done = both(host, box, "apt_repository", {**other, "state": "absent", "update_cache": False})
    assert done["sources_removed"] == [path]
    assert box.sh("ls /etc/apt/sources.list.d") == ""


def test_a_repository_that_is_not_reached_is_put_back(
    host: ModuleHost, box: disposable.Machine
) -> None:
    before = box.sh(SIGHT)
    bad = {"repo": "deb http://127.0.0.1:9/x stable main", "update_cache_retries": 1}
    told = host.run("apt_repository", bad)
    assert "127.0.0.1:9" in told["msg"]
    assert told["msg"].endswith("the sources are as they were")
    assert box.sh(SIGHT) == before
    unsigned = {"repo": "deb file:/srv/other ./", "update_cache_retries": 1}
    assert host.run("apt_repository", unsigned)["failed"]
    assert box.sh(SIGHT) == before
    assert "expected 'deb" in host.run("apt_repository", {"repo": "deb x"})["msg"]
    assert "Launchpad" in host.run("apt_repository", {"repo": "ppa:a/b"})["msg"]


def test_keys_come_and_go(host: ModuleHost, box: disposable.Machine) -> None:
    one, two = box.sh("cat /srv/k1.id /srv/k2.id").split()
    done = both(host, box, "apt_key", {"file": "/srv/k1.asc"})
    assert done["id"] == one[-16:]
    assert done["after"] == [one[-16:]]
    data = box.sh("cat /srv/k2.asc")
    both(host, box, "apt_key", {"data": data, "id": f"0x{two}"})
    listed = box.sh("apt-key list 2>/dev/null || gpg --show-keys /etc/apt/trusted.gpg")
    assert "k1@example.org" in listed
    assert "k2@example.org" in listed
    both(host, box, "apt_key", {"id": one[-8:], "state": "absent"})
    assert not host.run("apt_key", {"id": two})["changed"]
    both(host, box, "apt_key", {"file": "/srv/k2.asc", "state": "absent"})
    assert "trusted.gpg" not in box.sh("ls /etc/apt | grep -v '[.]d$'")
    ring = {"file": "/srv/k1.asc", "keyring": "/etc/apt/keyrings/one.gpg"}
    both(host, box, "apt_key", ring)
    both(host, box, "apt_key", {**ring, "state": "absent"})


def test_keys_that_are_none(host: ModuleHost, box: disposable.Machine) -> None:
    wrong = host.run("apt_key", {"id": "DEADBEEF", "file": "/srv/k1.asc"})
    assert wrong["msg"].startswith("what was given is not the key DEADBEEF, but ")
    assert "no key of OpenPGP" in host.run("apt_key", {"data": "none"})["msg"]
    assert "No such file" in host.run("apt_key", {"file": "/srv/none"})["msg"]
    assert "expected 8 to 40" in host.run("apt_key", {"id": "x"})["msg"]
    assert host.run("apt_key", {"url": "http://127.0.0.1:9/k"})["failed"]
    assert box.sh("ls /etc/apt/trusted.gpg 2>/dev/null || :") == ""


def test_selections(host: ModuleHost, box: disposable.Machine) -> None:
    box.sh("apt-get install -y zzlib; echo zzlib install | dpkg --set-selections")
    hold = {"name": "zzlib", "selection": "hold"}
    assert host.run("dpkg_selections", hold, check=True)["changed"]
    told = host.run("dpkg_selections", hold)
    assert told == {"changed": True, "before": "install", "after": "hold"}
    assert not host.run("dpkg_selections", hold)["changed"]
    assert box.sh("apt-mark showhold") == "zzlib\n"
    longer = {"name": "zzlib:all", "selection": "install"}
    told = {"changed": True, "before": "hold", "after": "install"}
    assert host.run("dpkg_selections", longer, check=True) == told
    assert host.run("dpkg_selections", longer) == told
    assert not host.run("dpkg_selections", longer)["changed"]
    told = host.run("dpkg_selections", {"name": "zznone", "selection": "hold"})
    assert told["msg"].startswith("dpkg knows of no package zznone")


def test_answers(host: ModuleHost, box: disposable.Machine) -> None:
    if shutil.which("debconf-set-selections") is None:
        pytest.skip("there is no debconf-set-selections (Debian: apt-get install debconf)")
    args = {"name": "zzq", "question": "zzq/b", "vtype": "boolean", "value": True}
    assert host.run("debconf", args, check=True)["changed"]
    done = host.run("debconf", args, diff=True)
    assert done["current"] == {"zzq/b": "true"}
    assert done["previous"] == {"zzq/b": ""}
    assert not host.run("debconf", args)["changed"]
    many = {"name": "zzq", "question": "zzq/m", "vtype": "multiselect", "value": ["a", "b"]}
    assert host.run("debconf", many)["changed"]
    assert not host.run("debconf", {**many, "value": "b, a"})["changed"]
    secret = {"name": "zzq", "question": "zzq/p", "vtype": "password", "value": "hidden word"}
    assert "hidden" not in str(host.run("debconf", secret, diff=True))
    assert not host.run("debconf", secret)["changed"]
    assert host.run("debconf", {**secret, "value": "other"}, check=True)["changed"]
    told = host.run("debconf", {"name": "zzq"})
    assert told["current"] == {"zzq/b": "true", "zzq/m": "a, b", "zzq/p": "(password omitted)"}
    seen = {**args, "vtype": "seen", "value": False}
    assert host.run("debconf", seen)["changed"]
    assert not host.run("debconf", seen)["changed"]
    assert host.run("debconf", {**args, "value": "a\nb"})["failed"]
    box.sh("echo PURGE | debconf-communicate zzq")


def test_sources_with_keys_of_their_own(host: ModuleHost, box: disposable.Machine) -> None:
    args = {
        "name": "My source",
        "uris": "file:/srv/other",
        "suites": "./",
        "signed_by": "file:///srv/k1.asc",
        "trusted": True,
    }
    done = both(host, box, "deb822_repository", args)
    assert done["dest"] == "/etc/apt/sources.list.d/my-source.sources"
    assert done["key_filename"] == "/etc/apt/keyrings/my-source.asc"
    assert (done["mode"], done["owner"]) == ("0644", "root")
    assert done["repo"] == RECORDED
    box.sh("cmp /srv/k1.asc /etc/apt/keyrings/my-source.asc; apt-get update -qq")
    assert "file:/srv/other" in box.sh("apt-cache policy zza")
    both(host, box, "deb822_repository", {**args, "mode": "0600", "enabled": False})
    armored = {**args, "signed_by": box.sh("cat /srv/k2.asc"), "architectures": ["all", "amd64"]}
    both(host, box, "deb822_repository", armored)
    box.sh("apt-get update -qq")
    both(host, box, "deb822_repository", {"name": "My source", "state": "absent"})
    assert "my-source" not in box.sh("ls /etc/apt/sources.list.d /etc/apt/keyrings")
    assert host.run("deb822_repository", {**args, "signed_by": "http://127.0.0.1:9/k"})["failed"]
    assert host.run("deb822_repository", {**args, "name": "!"})["failed"]
    assert "my-source" not in box.sh("ls /etc/apt/sources.list.d /etc/apt/keyrings")
