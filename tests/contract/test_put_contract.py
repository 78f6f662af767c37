"""put on a shell of this machine and on a real sshd: whole or not at all, and never twice."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.copying import PRESERVING, Copying, bad, copying, good, left_behind, mode
from support.reach import Reach, local, over_ssh
from support.tangled import tangled
from unit.trees.shapes import Node, build, seen, two_directories

import opsrun.adhoc.meter as meter
import opsrun.trees.contents as contents
from opsrun.adhoc.put import PutOptions
from opsrun.adhoc.transfer import Finish, Rates
from opsrun.composition.transfers import PutAction
from opsrun.engine.base import Engine
from opsrun.events import Notice, Outcome, Progress
from opsrun.lab import Lab
from opsrun.trees.exclude import parse_excludes
from opsrun.trees.modes import Mode
from opsrun.trees.stdin import hold

OK, CHANGED = Outcome.OK, Outcome.CHANGED
Make = Callable[[Engine], Reach]


def there_and_back(make: Make, tree: Node) -> None:
    """Put, put again, get, get again: all as it was, and nothing sent twice."""
    with two_directories() as (source, _), two_directories() as (there, back):
        build(tree, source)
        with copying(make) as copy:
            data = good(copy.put(source + b"/", there + b"/", finish=PRESERVING), _changed(tree))
            assert seen(there, link_times=False) == seen(source, link_times=False)
            assert data["files"] == sum(kind == "file" for kind, *_ in seen(source).values())
            again = good(copy.put(source + b"/", there + b"/", finish=PRESERVING), OK)
            assert (again["changed"], again["transferred"], again["changes"]) == (False, 0, [])
            good(copy.get(there + b"/", back + b"/", finish=PRESERVING), _changed(tree))
            assert seen(back, link_times=False) == seen(source, link_times=False)
            again = good(copy.get(there + b"/", back + b"/", finish=PRESERVING), OK)
            assert (again["changed"], again["transferred"], again["changes"]) == (False, 0, [])
        for top in (there, back):
            assert left_behind(os.fsdecode(top)) == []


def _changed(tree: Node) -> Outcome:
    return CHANGED if tree.below else OK


@settings(max_examples=10)
@given(tree=tangled)
def test_trees_go_there_and_back(tree: Node) -> None:
    there_and_back(local, tree)


@settings(max_examples=3)
@given(tree=tangled)
def test_trees_go_there_and_back_over_ssh(lab: Lab, tree: Node) -> None:
    there_and_back(lambda engine: over_ssh(engine, lab, "web01", "sshd", kills=True), tree)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A directory of the host's."""
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "motd"
    path.write_bytes(b"hello\n")
    path.chmod(0o640)
    return path


def frames(copy: Copying) -> int:
    """Scripts that went out."""
    return len(copy.frames)


# -- round trips


def test_a_file_that_is_there_takes_a_look_and_a_checksum(
    copy: Copying, source: Path, there: Path
) -> None:
    good(copy.put(source, there), CHANGED)
    assert frames(copy) == 2, "a look, and the delivery"
    data = good(copy.put(source, there), OK)
    assert frames(copy) == 2, "a look, and a checksum"
    assert [frame.bytes for frame in copy.frames] == [0, 0]
    assert (data["changed"], data["unchanged"], data["transferred"]) == (False, 1, 0)
    source.write_bytes(b"longer than before\n")
    good(copy.put(source, there), CHANGED)
    assert frames(copy) == 2, "of another size, so nobody asks for its checksum"
    source.write_bytes(b"as long, but other\n")
    good(copy.put(source, there), CHANGED)
    assert frames(copy) == 3
    assert (there / "motd").read_bytes() == b"as long, but other\n"


def test_only_attributes_differ(copy: Copying, source: Path, there: Path) -> None:
    good(copy.put(source, there), CHANGED)
    data = good(copy.put(source, there, finish=Finish(mode=Mode.parse("0600"))), CHANGED)
    assert (data["files"], data["attributes"], data["transferred"]) == (0, 1, 0)
    assert frames(copy) == 3, "a look, a checksum, chmod"
    assert mode(there / "motd") == 0o600
    os.utime(source, (1_000_000_000, 1_000_000_000))
    data = good(copy.put(source, there, finish=PRESERVING), CHANGED)
    assert (data["files"], data["attributes"]) == (0, 1)
    assert (there / "motd").stat().st_mtime == 1_000_000_000
    assert mode(there / "motd") == 0o640


def test_hundreds_of_files_take_no_more_frames_than_one(
    near: Copying, tmp_path: Path, there: Path
) -> None:
    top = tmp_path / "many"
    for part in range(20):
        (top / f"{part}").mkdir(parents=True)
        for number in range(30):
            (top / f"{part}/{number}").write_text(f"{part} {number}")
    data = good(near.put(top, there), CHANGED)
    assert frames(near) == 2
    assert data["files"] == 600
    data = good(near.put(top, there), OK)
    assert frames(near) == 2
    assert data["unchanged"] == 600


# -- what a result says


def test_what_a_result_says(copy: Copying, source: Path, there: Path) -> None:
    data = good(copy.put(source, there), CHANGED)
    digest = hashlib.sha256(b"hello\n").hexdigest()
    seconds = data.pop("seconds")
    assert seconds > 0
    assert data == {
        "changed": True, "verb": "sent", "files": 1, "bytes": 6, "transferred": 6, "others": 0,
        "attributes": 0, "deleted": 0, "unchanged": 0, "changes": ["+ motd"], "checksum": digest,
    }  # fmt: skip
    data = good(copy.put(source, there), OK)
    data.pop("seconds")
    assert data == {
        "changed": False, "verb": "sent", "files": 0, "bytes": 0, "transferred": 0, "others": 0,
        "attributes": 0, "deleted": 0, "unchanged": 1, "changes": [], "checksum": digest,
    }  # fmt: skip


def test_progress_begins_at_nothing_and_ends_with_all(
    near: Copying, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "EVERY", 0.0)
    (tmp_path / "big").write_bytes(os.urandom(3 << 20))
    good(near.put(tmp_path / "big", there), CHANGED)
    told = near.of(Progress)
    assert (told[0].done, told[0].total) == (0, 3 << 20)
    assert (told[-1].done, told[-1].total) == (3 << 20, 3 << 20)
    assert len(told) > 3


def test_a_file_is_read_once_for_twenty_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: Counter[int] = Counter()
    pread = contents._pread

    def counting(descriptor: int, size: int, offset: int) -> bytes:
        data = pread(descriptor, size, offset)
        reads[offset] += len(data)
        return data

    monkeypatch.setattr(contents, "_pread", counting)
    data = os.urandom(2_500_000)
    (tmp_path / "big").write_bytes(data)
    # All hosts are this machine: who is last takes the others' file for what was there before.
    hosts = [f"web{number:02}" for number in range(1, 21)]
    with copying(local, hosts) as copy:
        action = PutAction.prepare([tmp_path / "big"], tmp_path / "there")
        for result in copy.all(action).values():
            assert result.outcome in (OK, CHANGED), result.error
    assert (tmp_path / "there").read_bytes() == data
    assert sum(reads.values()) == len(data)


# -- modes and owners


def test_without_p_modes_are_those_of_cp(near: Copying, tmp_path: Path, there: Path) -> None:
    top = tmp_path / "tree"
    (top / "open").mkdir(parents=True)
    (top / "open").chmod(0o777)
    (top / "run").write_text("#!/bin/sh")
    (top / "run").chmod(0o777)
    (there / "tree").mkdir(mode=0o700)
    (there / "tree/run").write_text("old")
    (there / "tree/run").chmod(0o604)
    umask = os.umask(0o027)
    try:
        good(near.put(top, there), CHANGED)
    finally:
        os.umask(umask)
    assert mode(there / "tree") == 0o700, "was there"
    assert mode(there / "tree/run") == 0o604, "was there"
    assert mode(there / "tree/open") == 0o750


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("0640", 0o640), ("u=rwx,go=", 0o700), ("a+x", 0o755), ("04711", 0o4711), ("u+s", 0o4644)],
)
def test_mode(near: Copying, source: Path, there: Path, asked: str, expected: int) -> None:
    source.chmod(0o644)
    finish = Finish(mode=Mode.parse(asked))
    good(near.put(source, there, finish=finish), CHANGED)
    assert mode(there / "motd") == expected
    good(near.put(source, there, finish=finish), OK)
    assert mode(there / "motd") == expected


@pytest.mark.parametrize("many", [False, True], ids=["plain", "archived"])
def test_setuid_is_dropped_unless_it_is_to_be_kept(
    near: Copying, tmp_path: Path, there: Path, many: bool
) -> None:
    top = tmp_path / "bin"
    top.mkdir()
    for number in range(8 if many else 1):
        (top / f"tool{number}").write_text(f"#!/bin/sh {number}")
    (top / "tool0").chmod(0o6755)
    good(near.put(top, there, finish=PRESERVING), CHANGED)
    assert mode(there / "bin/tool0") == 0o755
    keeping = Finish(preserve=True, keep_setuid=True)
    data = good(near.put(top, there, finish=keeping), CHANGED)
    assert (data["attributes"], data["files"]) == (1, 0)
    assert mode(there / "bin/tool0") == 0o6755
    (top / "tool0").write_text("another")
    (top / "tool0").chmod(0o6755)
    good(near.put(top, there, finish=keeping), CHANGED)
    assert mode(there / "bin/tool0") == 0o6755


def test_a_setuid_file_that_is_replaced_loses_the_bit(
    near: Copying, source: Path, there: Path
) -> None:
    (there / "motd").write_text("old")
    (there / "motd").chmod(0o4755)
    good(near.put(source, there), CHANGED)
    assert mode(there / "motd") == 0o755


@pytest.mark.root
def test_owner_and_group(near: Copying, source: Path, there: Path) -> None:
    good(near.put(source, there, finish=Finish(owner="nobody", group="7")), CHANGED)
    there_now = (there / "motd").stat()
    assert (there_now.st_uid, there_now.st_gid) == (65534, 7)
    good(near.put(source, there, finish=Finish(owner="nobody", group="7")), OK)
    source.write_text("a later version")
    good(near.put(source, there), CHANGED)
    there_now = (there / "motd").stat()
    assert (there_now.st_uid, there_now.st_gid) == (65534, 7), "who had it keeps it"
    data = good(near.put(source, there, finish=Finish(owner="root")), CHANGED)
    assert (data["files"], data["attributes"]) == (0, 1)
    assert (there / "motd").stat().st_uid == 0


def test_names_that_the_host_does_not_know(near: Copying, source: Path, there: Path) -> None:
    words = bad(near.put(source, there, finish=Finish(owner="nobodi")))
    assert "nobodi" in words
    words = bad(near.put(source, there, finish=Finish(group="no-such-group")))
    assert "no-such-group" in words
    assert [frame.bytes for frame in near.frames] == [0, 0], "before anything is sent"
    assert list(there.iterdir()) == []


# -- where it goes


def test_a_directory_or_a_name(near: Copying, source: Path, there: Path) -> None:
    good(near.put(source, there / "other"), CHANGED)
    assert (there / "other").read_bytes() == b"hello\n"
    good(near.put(source, f"{there}/new/"), CHANGED)
    assert (there / "new/motd").read_bytes() == b"hello\n"
    assert "is no directory" in bad(near.put(source, f"{there}/other/"))


def test_a_parent_that_is_missing(copy: Copying, source: Path, there: Path) -> None:
    words = bad(copy.put(source, there / "a/b/c"))
    assert f"{there}/a/b is not there" in words
    assert "--parents" in words
    good(copy.put(source, there / "a/b/c", parents=True), CHANGED)
    assert (there / "a/b/c").read_bytes() == b"hello\n"
    assert frames(copy) == 3, "a look, the directories, the delivery"
    assert "is no directory" in bad(copy.put(source, there / "a/b/c/d", parents=True))


def test_a_directory_for_a_file_and_a_file_for_a_directory(
    near: Copying, source: Path, there: Path
) -> None:
    (there / "motd/in").mkdir(parents=True)
    assert "a directory" in bad(near.put(source, there))
    assert list(there.iterdir()) == [there / "motd"]
    assert "is no directory" in bad(near.put(there / "motd", source))
    assert source.read_bytes() == b"hello\n"


def test_a_link_is_refused_unless_it_is_to_be_followed(
    copy: Copying, source: Path, there: Path
) -> None:
    (there / "real").write_text("old")
    (there / "motd").symlink_to("real")
    for dest in (there / "motd", there):
        assert "link" in bad(copy.put(source, dest))
    assert (there / "real").read_text() == "old"
    good(copy.put(source, there / "motd", follow=True), CHANGED)
    assert (there / "motd").is_symlink()
    assert (there / "real").read_bytes() == b"hello\n"
    assert sorted(path.name for path in there.iterdir()) == ["motd", "real"]


def test_a_link_to_a_directory_is_that_directory(near: Copying, source: Path, there: Path) -> None:
    (there / "real").mkdir()
    (there / "link").symlink_to("real")
    good(near.put(source, there / "link"), CHANGED)
    assert (there / "real/motd").read_bytes() == b"hello\n"
    assert (there / "link").is_symlink()


def test_several_sources_and_patterns(near: Copying, tmp_path: Path, there: Path) -> None:
    for name in ("a.conf", "b.conf", "c.txt", "[x].conf"):
        (tmp_path / name).write_text(name)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/d").write_text("d")
    good(near.put([f"{tmp_path}/*.conf", tmp_path / "sub"], there), CHANGED)
    found = sorted(os.path.relpath(path, there) for path in there.rglob("*"))
    assert found == ["[x].conf", "a.conf", "b.conf", "sub", "sub/d"]
    words = bad(near.put([tmp_path / "a.conf", tmp_path / "c.txt"], there / "nowhere"))
    assert "several sources need a directory" in words


def test_what_is_excluded_is_not_sent(near: Copying, tmp_path: Path, there: Path) -> None:
    top = tmp_path / "tree"
    (top / ".git").mkdir(parents=True)
    (top / ".git/config").write_text("x")
    (top / "a.pyc").write_text("x")
    (top / "keep.pyc").write_text("x")
    exclude = parse_excludes(["+ keep.pyc", "*.pyc", ".git/"])
    good(near.put(top, there, exclude=exclude), CHANGED)
    assert [os.path.relpath(path, there) for path in sorted(there.rglob("*"))] == [
        "tree", "tree/keep.pyc",
    ]  # fmt: skip


def test_links_are_sent_as_links_or_as_what_they_lead_to(
    near: Copying, tmp_path: Path, there: Path
) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    (tmp_path / "outside").write_text("outside")
    (top / "link").symlink_to("../outside")
    good(near.put(top, there), CHANGED)
    assert os.readlink(there / "tree/link") == "../outside"
    good(near.put(f"{top}/", f"{there}/deref/", dereference=True), CHANGED)
    assert (there / "deref/link").read_text() == "outside"
    assert not (there / "deref/link").is_symlink()


def test_fifos_and_sockets_are_left_out_and_told(
    copy: Copying, tmp_path: Path, there: Path
) -> None:
    top = tmp_path / "tree"
    top.mkdir()
    (top / "a").write_text("a")
    os.mkfifo(top / "pipe")
    data = good(copy.put(top, there), CHANGED)
    assert data["skipped"] == ["tree/pipe: neither file, directory nor link"]
    assert [path.name for path in (there / "tree").iterdir()] == ["a"]
    assert any("tree/pipe" in notice.message for notice in copy.of(Notice))


# -- what stands before a file's place


def test_validate(copy: Copying, source: Path, there: Path) -> None:
    (there / "motd").write_text("old")
    refusing = Finish(validate="grep -q goodbye %s || { echo no goodbye >&2; exit 3; }")
    words = bad(copy.put(source, there, finish=refusing))
    assert "is not valid" in words
    assert "no goodbye" in words
    assert (there / "motd").read_text() == "old"
    assert left_behind(there) == []
    good(copy.put(source, there, finish=Finish(validate="grep -q hello %s")), CHANGED)
    assert (there / "motd").read_bytes() == b"hello\n"


def test_backup(copy: Copying, source: Path, there: Path) -> None:
    (there / "motd").write_text("old")
    data = good(copy.put(source, there, finish=Finish(backup=True)), CHANGED)
    [kept] = data["backups"]
    assert kept.startswith("motd.")
    assert (there / kept).read_text() == "old"
    assert (there / "motd").read_bytes() == b"hello\n"
    data = good(copy.put(source, there, finish=Finish(backup=True)), OK)
    assert "backups" not in data, "nothing was replaced"
    assert len(list(there.iterdir())) == 2


# -- bytes


def test_standard_input(copy: Copying, there: Path) -> None:
    data = os.urandom(1 << 20) + b"\0\n"

    def stdin() -> object:
        return hold(io.BytesIO(data))

    good(copy.put("-", there / "in", stdin=stdin), CHANGED)
    assert (there / "in").read_bytes() == data
    assert mode(there / "in") == 0o644
    good(copy.put("-", there / "in", stdin=stdin), OK)
    assert "say which file standard input is to become" in bad(copy.put("-", there, stdin=stdin))


def test_a_source_that_changes_meanwhile(near: Copying, source: Path, there: Path) -> None:
    (there / "motd").write_text("old")
    action = PutAction.prepare([source], there)
    source.write_bytes(b"grew a lot meanwhile\n")
    words = bad(near.one(action))
    assert "motd" in words
    assert (there / "motd").read_text() == "old"
    assert left_behind(there) == []


# -- rates: a clock that is driven, and waits that are counted


class Driven:
    """The clock of a stop's: waiting takes no time, and is written down."""

    def __init__(self, copy: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited = 0.0
        engine = copy.engine
        real = engine.now
        monkeypatch.setattr(engine, "now", lambda: real() * 0 + self.waited, raising=True)

        def wait(seconds: float) -> bool:
            self.waited += seconds
            return False

        monkeypatch.setattr(copy.stop, "wait", wait)


def test_a_rate_for_each_host(
    near: Copying, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    clock = Driven(near, monkeypatch)
    good(near.put(tmp_path / "big", there, rates=Rates(each=100_000)), CHANGED)
    # The last piece, a quarter of a second at most, is not waited for.
    assert 9.7 <= clock.waited <= 10.0


def test_a_rate_for_all_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    with copying(local, ("web01", "web02")) as copy:
        waits: list[float] = []
        monkeypatch.setattr(copy.stop, "wait", waits.append)
        options = PutOptions(rates=Rates(total=100_000))
        # Two directories of one machine: each host gets all of it.
        monkeypatch.setattr(copy.engine, "now", lambda: 0.0)
        action = PutAction.prepare([tmp_path / "big"], tmp_path / "to", options)
        results = copy.all(action)
        assert {result.outcome for result in results.values()} <= {OK, CHANGED}
    # The clock stands still: the last place in the line tells how long it has become.
    sent = sum(result.data["transferred"] for result in results.values())
    assert max(waits) == pytest.approx(sent / 100_000, abs=0.5)
    assert sent >= 1_000_000


def test_a_server_that_does_little_more_than_run_commands(mock_host: Lab, tmp_path: Path) -> None:
    """mock-ssh-server tells commands of no end of their input."""
    (tmp_path / "motd").write_bytes(os.urandom(200_000))
    (tmp_path / "here").mkdir()

    def make(engine: Engine) -> Reach:
        return over_ssh(engine, mock_host, "web01", "mock", kills=False)

    with copying(make) as copy:
        good(copy.put(tmp_path / "motd", tmp_path / "there"), CHANGED)
        good(copy.put(tmp_path / "motd", tmp_path / "there"), OK)
        good(copy.get(tmp_path / "there", tmp_path / "here"), CHANGED)
    assert (tmp_path / "here/there").read_bytes() == (tmp_path / "motd").read_bytes()
