"""put, get and sync as another user than the one who logs in: real sshd, real sudo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.become_host import PASSWORDS, BecomeHost, become_host, obstacle
from support.copying import PRESERVING, Copying, bad, copying, good
from support.reach import Reach

from opsrun.adhoc.transfer import Finish
from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import find_ways
from opsrun.engine.base import Engine
from opsrun.events import Outcome
from opsrun.inventory import load_inventory
from opsrun.remote.connection import Transport
from opsrun.remote.session import Session
from opsrun.transports.targets.build import ConnectionDefaults
from opsrun.trees.modes import Mode

pytestmark = [pytest.mark.root, pytest.mark.sshd]
OK, CHANGED = Outcome.OK, Outcome.CHANGED


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BecomeHost]:
    """One host, with the users of `support.become_host`."""
    if reason := obstacle():
        pytest.skip(reason)
    with become_host(tmp_path_factory.mktemp("become")) as host:
        yield host


def as_user(box: BecomeHost, user: str, **variables: object) -> Any:
    """A way to the box."""

    def reach(engine: Engine) -> Reach:
        def make(**changes: Any) -> Transport:
            hosts = load_inventory([str(box.inventory(user, **variables))]).select("box")
            ways = find_ways(hosts, ConnectionDefaults(ssh_config="none"), becomes=True)
            [job] = Fleetway(engine).jobs(ways, ("test",), "test")
            return job.transport()

        return Reach("box", engine, make, ssh=True)

    return reach


@pytest.fixture
def alice(box: BecomeHost) -> Iterator[Copying]:
    """alice, who is root for all that is copied."""
    secret = {"ansible_become": True, "ansible_become_password": PASSWORDS["alice"]}
    with copying(as_user(box, "alice", **secret)) as copy:
        yield copy


@pytest.fixture
def only_alice(box: BecomeHost) -> Iterator[Copying]:
    """alice, who is nobody else."""
    with copying(as_user(box, "alice")) as copy:
        yield copy


def on(copy: Copying, script: str) -> str:
    """What a script prints there."""
    transport = copy.reach.make()
    try:
        session = Session(transport.connect(), copy.engine.now)
        ended = session.run(script, 60.0)
        session.close()
    finally:
        transport.close()
    assert ended.rc == 0, ended.stderr
    return ended.stdout.decode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "motd"
    path.write_bytes(os.urandom(200_000))
    path.chmod(0o644)
    return path


def test_into_a_directory_of_roots(alice: Copying, only_alice: Copying, source: Path) -> None:
    on(alice, "rm -rf /srv/mine && mkdir -m 700 /srv/mine")
    assert "Permission denied" in bad(only_alice.put(source, "/srv/mine/motd"))
    assert "Permission denied" in bad(only_alice.put(source, "/srv/motd"))
    good(alice.put(source, "/srv/mine/"), CHANGED)
    assert on(alice, "stat -c '%U %G %a %s' /srv/mine/motd; ls -A /srv/mine") == (
        "root root 644 200000\nmotd\n"
    )
    good(alice.put(source, "/srv/mine/"), OK)


def test_owner_and_mode_of_what_is_replaced_are_kept(alice: Copying, source: Path) -> None:
    on(alice, "rm -rf /srv/bobs; mkdir /srv/bobs; cd /srv/bobs; echo old >motd; chown bob:bob motd;"
              "chmod 640 motd")  # fmt: skip
    good(alice.put(source, "/srv/bobs/"), CHANGED)
    assert on(alice, "stat -c '%U %G %a' /srv/bobs/motd") == "bob bob 640\n"
    source.write_text("another")
    finish = Finish(mode=Mode.parse("0600"), owner="carol", group="carol")
    good(alice.put(source, "/srv/bobs/", finish=finish), CHANGED)
    assert on(alice, "stat -c '%U %G %a' /srv/bobs/motd") == "carol carol 600\n"
    good(alice.put(source, "/srv/bobs/", finish=finish), OK)


def test_as_a_user_who_is_not_root(box: BecomeHost, source: Path) -> None:
    variables = {
        "ansible_become": True,
        "ansible_become_user": "bob",
        "ansible_become_password": PASSWORDS["alice"],
    }
    with copying(as_user(box, "alice", **variables)) as copy:
        good(copy.put(source, "~/motd"), CHANGED)
        assert on(copy, "stat -c '%U %a %n' ~/motd") == "bob 644 /home/bob/motd\n"
        assert "Permission denied" in bad(copy.put(source, "/etc/motd.new"))


def test_a_file_that_only_root_may_read(
    alice: Copying, only_alice: Copying, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    on(alice, "rm -rf /srv/secrets; mkdir -m 700 /srv/secrets; cd /srv/secrets;"
              "for i in 1 2 3 4 5 6 7; do echo $i >$i; done; echo shadow >shadow; chmod 600 *"
       )  # fmt: skip
    assert "Permission denied" in bad(only_alice.get("/srv/secrets/shadow", here))
    assert "Permission denied" in bad(only_alice.get("/srv/secrets", here))
    assert list(here.iterdir()) == []
    good(alice.get("/srv/secrets/shadow", here), CHANGED)
    assert (here / "shadow").read_text() == "shadow\n"
    good(alice.get("/srv/secrets/", f"{here}/all/", finish=PRESERVING), CHANGED)
    assert len(list((here / "all").iterdir())) == 8


def test_a_mirror_of_roots(alice: Copying, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for number in range(8):
        (tree / f"sub/{number}").write_text(f"{number}")
    on(alice, "rm -rf /srv/mirror; mkdir -p /srv/mirror/extra")
    good(alice.sync(tree, "/srv/mirror", delete=True), CHANGED)
    assert on(alice, "cd /srv/mirror; ls; ls sub | wc -l; stat -c %U sub/3") == "sub\n8\nroot\n"
    good(alice.sync(tree, "/srv/mirror", delete=True), OK)
