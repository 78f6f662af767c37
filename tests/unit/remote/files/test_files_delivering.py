"""Deliveries: whole or not at all, on every shell and userland."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.remote_files import (
    ODD_NAMES,
    archive,
    as_nobody,
    hosted,
    path,
    plain,
    put,
    sha256,
    tar_part,
    tree,
    write,
)
from support.shells import shared_shells

from opsrun.errors import HostError, TransferFailed, UsageError
from opsrun.remote.files.cksum import PosixCksum
from opsrun.remote.files.delivery import (
    Attributes,
    Backup,
    Delivered,
    Delivery,
    FilePart,
    NewDirectory,
    NewLink,
    Segment,
    TarPart,
)
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.tools import Check

NEW = tuple(NewDirectory(name, 0o755) for name in (b"deep", b"deep/-rf"))


def mode(directory: Path, name: bytes) -> int:
    return stat.S_IMODE(os.lstat(path(directory, name)).st_mode)


def test_odd_names_come_in_an_archive(files: RemoteFiles, top: Path) -> None:
    contents = {name: b"<" + name + b">" for name in ODD_NAMES}
    links = {b"li\nnk": b"to\nwhere", b"deep/-l": b"../plain"}
    data = archive(contents, links, mode=0o604)
    delivery = Delivery(path(top), (tar_part(data, contents, links),), NEW)
    assert put(files, delivery, contents, [data]) == Delivered()
    expected: dict[bytes, bytes | str | None] = {**contents, b"deep": None, b"deep/-rf": None}
    expected |= {b"li\nnk": "-> to\nwhere", b"deep/-l": "-> ../plain"}
    assert tree(top) == expected
    assert {mode(top, name) for name in contents} == {0o604}
    assert os.stat(path(top, b"plain")).st_mtime == 1_000_000_000
    assert os.stat(path(top, b"plain")).st_uid == os.geteuid()
    again = put(files, Delivery(path(top), (tar_part(data, contents, links),)), contents, [data])
    assert set(again.replaced) == set(contents) | set(links)


@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_modes_in_an_archive_hold_for_ordinary_users_too(public: Path, userland: str) -> None:
    """busybox's tar, told to keep them or not, has the umask taken off for all but root."""
    shell = shared_shells("dash", userland)
    top, prefix = public / "top", as_nobody()
    top.mkdir()
    top.chmod(0o777)
    env = () if shell.path is None else ("/usr/bin/env", f"PATH={shell.path}")
    data = archive({b"deep/a": b"a"}, {}, mode=0o646)
    with hosted(shell.words, (*prefix[:-2], *env, *prefix[-2:])) as host:
        delivery = Delivery(path(top), (tar_part(data, {b"deep/a": b"a"}, {}),), NEW[:1])
        assert put(host, delivery, {b"deep/a": b"a"}, [data]) == Delivered()
    assert (mode(top, b"deep/a"), mode(top, b"deep")) == (0o646, 0o755)


def test_odd_names_come_one_by_one(files: RemoteFiles, top: Path) -> None:
    contents = {name: name * 3 for name in ODD_NAMES} | {b"none": b""}
    links = tuple(NewLink(name, b"x\n" + name) for name in (b"-s", b"deep/l\n"))
    write(top, b"plain", b"old")
    delivery = Delivery(path(top), plain(contents, 0o640), NEW, links)
    assert put(files, delivery, contents).replaced == (b"plain",)
    expected: dict[bytes, bytes | str | None] = {**contents, b"deep": None, b"deep/-rf": None}
    expected |= {each.name: f"-> {os.fsdecode(each.target)}" for each in links}
    assert tree(top) == expected
    assert {mode(top, name) for name in contents} == {0o640}


def test_links_and_directories_alone(files: RemoteFiles, top: Path) -> None:
    assert put(files, Delivery(path(top)), {}) == Delivered()
    made = (NewDirectory(b"d", 0o700),)
    put(files, Delivery(path(top), (), made, (NewLink(b"d/l", b"x"),)), {})
    assert tree(top) == {b"d": None, b"d/l": "-> x"}


def test_sparse_files_stay_sparse(two: RemoteFiles, top: Path) -> None:
    size = 50_000_000
    segments = (Segment(0, 3), Segment(4096, 4), Segment(40_000_000, 5))
    whole = bytearray(size)
    whole[0:3], whole[4096:4100], whole[40_000_000:40_000_005] = b"abc", b"defg", b"hijkl"
    hole = bytes(1_000_000)
    contents = {b"s": bytes(whole), b"hole": hole}
    parts = (FilePart(b"s", size, 0o600, segments), FilePart(b"hole", 1_000_000, 0o600, ()))
    put(two, Delivery(path(top), parts), contents, [b"abcdefg", b"hijkl"])
    assert tree(top) == contents
    assert os.stat(top / "s").st_blocks * 512 < 1_000_000
    assert os.stat(top / "hole").st_blocks == 0


def test_large_files_are_hashed_as_others(two: RemoteFiles, top: Path) -> None:
    contents = {b"large": b"x" * (16 << 20), b"odd\\large": b"y" * (16 << 20), b"small": b"z"}
    put(two, Delivery(path(top), plain(contents)), contents)
    assert {name: sha256(data) for name, data in contents.items()} == {
        name: sha256(data) for name, data in tree(top).items() if isinstance(data, bytes)
    }


def test_new_directories_arrive_with_their_modes(two: RemoteFiles, top: Path) -> None:
    write(top, b"have/old", b"old")
    (top / "have").chmod(0o751)
    contents = {b"have/new/a": b"1", b"have/new/b/c": b"2", b"shut/x": b"3"}
    made = (
        NewDirectory(b"have/new", 0o2750),
        NewDirectory(b"have/new/b", 0o555),
        NewDirectory(b"shut", 0o500),
        NewDirectory(b"empty", 0o1777),
    )
    put(two, Delivery(path(top), plain(contents), made), contents)
    assert tree(top) == {
        b"have": None,
        b"have/old": b"old",
        b"have/new": None,
        b"have/new/b": None,
        b"shut": None,
        b"empty": None,
        **contents,
    }
    assert {each.name: mode(top, each.name) for each in made} == {
        each.name: each.mode for each in made
    }
    assert mode(top, b"have") == 0o751


@pytest.mark.parametrize("name", [b"", b"sub"])
def test_shut_directories_come_from_users_without_privilege(public: Path, name: bytes) -> None:
    """Only root may rename a directory that is not its to write, or remove what is in it."""
    below = name + b"/" if name else b""
    if name:
        (public / "sub").mkdir()
        (public / "sub").chmod(0o777)
    contents = {below + b"new/in/x": b"1"}
    made = (NewDirectory(below + b"new", 0o500), NewDirectory(below + b"new/in", 0o500))
    delivery = Delivery(path(public), plain(contents), made)
    bad = Delivery(path(public), plain(contents), made, validate="false %s")
    with hosted(prefix=as_nobody()) as host:
        with pytest.raises(TransferFailed, match="not valid"):
            put(host, bad, contents)
        assert set(tree(public)) == ({name} if name else set())
        put(host, delivery, contents)
    assert mode(public, below + b"new") == mode(public, below + b"new/in") == 0o500
    assert (public / os.fsdecode(below) / "new/in/x").read_bytes() == b"1"


def test_owners_modes_and_times_are_put_right_first(two: RemoteFiles, top: Path) -> None:
    contents = {b"a": b"1", b"b": b"2"}
    owner, group = os.geteuid(), os.getegid()
    if owner == 0:
        owner, group = 12, 34
    attributes = (
        Attributes((b"a", b"l"), owner=owner, group=group, mtime=1_700_000_000_123_456_789),
        Attributes((b"a",), mode=0o6711),
        Attributes((b"b",), group=group, mtime=-5_000_000_000),
    )
    delivery = Delivery(
        path(top), plain(contents), links=(NewLink(b"l", b"nowhere"),), attributes=attributes
    )
    put(two, delivery, contents)
    a, b, link = (os.lstat(top / name) for name in ("a", "b", "l"))
    assert stat.S_IMODE(a.st_mode) == 0o6711
    assert (a.st_uid, a.st_gid, link.st_uid) == (owner, group, owner)
    assert a.st_mtime_ns in (1_700_000_000_123_456_789, 1_700_000_000_000_000_000)
    assert link.st_mtime_ns // 10**9 == 1_700_000_000
    assert (b.st_gid, b.st_mtime) == (group, -5)


def test_backups_keep_the_old_files(files: RemoteFiles, top: Path) -> None:
    write(top, b"a", b"old a", 0o751)
    write(top, b"sub/new\nline", b"old n")
    os.symlink("somewhere", top / "l")
    contents = {b"a": b"new a", b"sub/new\nline": b"new n", b"fresh": b"f"}
    delivery = Delivery(
        path(top), plain(contents), links=(NewLink(b"l", b"elsewhere"),), backup=b".2000~"
    )
    done = put(files, delivery, contents)
    assert set(done.backups) == {
        Backup(name, name + b".2000~") for name in (b"a", b"sub/new\nline", b"l")
    }
    assert tree(top) == {
        b"sub": None,
        b"a.2000~": b"old a",
        b"sub/new\nline.2000~": b"old n",
        b"l": "-> elsewhere",
        b"l.2000~": "-> somewhere",
        **contents,
    }
    assert mode(top, b"a.2000~") == 0o751
    with pytest.raises(TransferFailed, match="has a backup of that name already"):
        put(files, delivery, contents)
    assert len(list(top.iterdir())) == 6


def test_what_is_not_valid_is_not_put_in_place(files: RemoteFiles, top: Path) -> None:
    write(top, b"a b", b"old")
    bad = {b"a b": b"bad", b"ok": b"good"}
    good = {b"a b": b"good"}
    command = "grep -q good %s || { echo 'line 1: no good'; cat; exit 3; }"
    with pytest.raises(TransferFailed, match=r"/a b is not valid: line 1: no good"):
        put(files, Delivery(path(top), plain(bad), validate=command), bad)
    assert tree(top) == {b"a b": b"old"}
    put(files, Delivery(path(top), plain(good), validate=command), good)
    assert tree(top) == good
    assert files._scripts.session.opened == 1


def test_another_checksum_leaves_all_as_it_was(files: RemoteFiles, top: Path) -> None:
    write(top, b"a", b"old")
    contents = {b"a": b"1", b"b\n": b"2", b"c": b"3"}
    for wrong in contents:
        digests = {name: sha256(data) for name, data in contents.items()} | {wrong: sha256(b"")}
        with pytest.raises(TransferFailed) as caught:
            files.deliver(
                Delivery(path(top), plain(contents)),
                contents.values(),
                lambda digests=digests: digests,  # type: ignore[misc]
            )
        shown = os.fsdecode(path(top, wrong))
        assert caught.value.message == f"{shown} arrived changed: its checksum is another one"
        assert caught.value.host == "here"
        assert tree(top) == {b"a": b"old"}
    assert files._scripts.session.opened == 1


def test_without_sha256_the_crc_is_compared(host: RemoteFiles, top: Path) -> None:
    contents = {b"a": b"123", b"b\n": bytes(70_000), b"sub/c": b""}
    made = (NewDirectory(b"sub", 0o755),)
    delivery = Delivery(path(top), plain(contents), made, check=Check.CKSUM)
    sums = {name: PosixCksum(data).text() for name, data in contents.items()}
    with pytest.raises(TransferFailed, match="arrived changed"):
        host.deliver(delivery, contents.values(), lambda: {**sums, b"b\n": "1 70000"})
    assert tree(top) == {}
    host.deliver(delivery, contents.values(), lambda: sums)
    assert tree(top) == {b"sub": None, **contents}
    entries = host.entries(path(top), list(contents))
    assert host.digests(path(top), entries, Check.CKSUM) == sums


REFUSED = [
    (b"dir", "is a directory"),
    (b"link", "is a symbolic link"),
    (b"way", "is a symbolic link"),
    (b"fifo", "is neither a file nor a directory"),
    (b"way/x", "is no directory that is reached over no link"),
    (b"file/x", "is no directory"),
    (b"none/x", "is no directory"),
]


@pytest.mark.parametrize(("name", "words"), REFUSED)
def test_what_is_in_the_way_is_refused(
    two: RemoteFiles, top: Path, name: bytes, words: str
) -> None:
    (top / "dir").mkdir()
    write(top, b"file", b"old")
    os.symlink("file", top / "link")
    os.symlink("dir", top / "way")
    os.mkfifo(top / "fifo")
    before = tree(top)
    contents = {b"other": b"1", name: b"2"}
    with pytest.raises(TransferFailed, match=words) as caught:
        put(two, Delivery(path(top), plain(contents)), contents)
    about = name if b"/" not in name else name[: name.index(b"/")]
    assert os.fsdecode(path(top, about)) in caught.value.message
    assert tree(top) == before


def test_a_link_is_replaced_where_that_is_asked_for(two: RemoteFiles, top: Path) -> None:
    (top / "dir").mkdir()
    os.symlink("dir", top / "way")
    contents = {b"way": b"file now"}
    done = put(two, Delivery(path(top), plain(contents), replace_links=True), contents)
    assert done.replaced == (b"way",)
    assert tree(top) == {b"dir": None, b"way": b"file now"}


def test_a_new_directory_that_is_there_by_now_is_refused(two: RemoteFiles, top: Path) -> None:
    contents = {b"new/x": b"1"}
    delivery = Delivery(path(top), plain(contents), (NewDirectory(b"new", 0o755),))
    (top / "new").mkdir()
    with pytest.raises(TransferFailed, match=r"/new is there by now"):
        put(two, delivery, contents)
    assert tree(top) == {b"new": None}


def test_a_destination_that_became_a_link_gets_nothing(two: RemoteFiles, top: Path) -> None:
    (top / "real").mkdir()
    os.symlink("real", top / "dest")
    with pytest.raises(TransferFailed, match=r"/dest is no directory that is reached over no"):
        put(two, Delivery(path(top, b"dest"), plain({b"x": b"1"})), {b"x": b"1"})
    assert tree(top) == {b"real": None, b"dest": "-> real"}


def test_links_put_in_the_place_of_directories_meanwhile(two: RemoteFiles, top: Path) -> None:
    """The checks are made once more when all has arrived."""
    write(top, b"sub/x", b"old")
    (top / "away").mkdir()

    # More than pipes hold: the host has begun when the second chunk is asked for.
    contents = {b"a": bytes(8 << 20), b"sub/x": b"2"}

    def chunks() -> Iterator[bytes]:
        yield contents[b"a"]
        (top / "sub").rename(top / "moved")
        os.symlink("away", top / "sub")
        yield contents[b"sub/x"]

    with pytest.raises(TransferFailed, match=r"/sub is no directory that is reached over no link"):
        put(two, Delivery(path(top), plain(contents)), contents, chunks())
    assert tree(top) == {b"moved": None, b"moved/x": b"old", b"away": None, b"sub": "-> away"}


def test_no_permission_is_said_in_the_tools_words(public: Path) -> None:
    (public / "mine").mkdir(mode=0o755)
    write(public, b"mine/x", b"old")
    if os.geteuid() != 0:
        (public / "mine").chmod(0o555)
    contents = {b"x": b"new"}
    with hosted(prefix=as_nobody()) as host:
        with pytest.raises(TransferFailed, match=r"mine: mkdir: .*Permission denied") as caught:
            put(host, Delivery(path(public, b"mine"), plain(contents)), contents)
        assert caught.value.hint == "with -b, another user does it"
        contents = {b"mine/x": b"new", b"y": b"1"}
        with pytest.raises(TransferFailed, match=r"mine: mkdir: .*Permission denied"):
            put(host, Delivery(path(public), plain(contents)), contents)
        if os.geteuid() == 0:
            given_away = Delivery(
                path(public), plain({b"z": b"1"}), attributes=(Attributes((b"z",), owner=0),)
            )
            with pytest.raises(TransferFailed, match=r"chown: .*Operation not permitted"):
                put(host, given_away, {b"z": b"1"})
    assert tree(public) == {b"mine": None, b"mine/x": b"old"}


def test_a_file_that_is_no_archive(two: RemoteFiles, top: Path) -> None:
    junk = b"\x01" * 4096
    with pytest.raises(TransferFailed, match=r"tar: "):
        put(two, Delivery(path(top), (TarPart(len(junk), (b"a",)),)), {b"a": b""}, [junk])
    assert tree(top) == {}


def test_an_unknown_owner(two: RemoteFiles, top: Path) -> None:
    delivery = Delivery(
        path(top), plain({b"a": b""}), attributes=(Attributes((b"a",), owner="no such one"),)
    )
    with pytest.raises(TransferFailed, match=r"no such one"):
        put(two, delivery, {b"a": b""})
    assert tree(top) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"directory": b"here"}, "no absolute path"),
        ({"parts": (FilePart(b"../x", 1, 0o600),)}, "no name below"),
        ({"links": (NewLink(b"x", b""), NewLink(b"x", b""))}, "twice"),
        ({"directories": (NewDirectory(b"a", 0), NewDirectory(b"a/b/c", 0))}, "have to be named"),
        ({"backup": b"/x"}, "no slash"),
        ({"validate": "true"}, "no %s"),
        ({"stage": b"a b"}, "no name for a stage"),
        ({"stage": b".."}, "no name for a stage"),
    ],
)
def test_deliveries_that_make_no_sense(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Delivery(**{"directory": b"/tmp", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("who", ["", "a:b", "x\0", -1])
def test_users_that_are_none(who: str | int) -> None:
    with pytest.raises(UsageError, match="no user or group"):
        Attributes((b"a",), owner=who)


def test_new_directories_below_old_ones_are_fine() -> None:
    directories = (NewDirectory(b"old/new", 0), NewDirectory(b"old/new/er", 0))
    assert Delivery(b"/tmp", directories=directories).files == ()


NAMES = st.binary(min_size=1, max_size=40).map(lambda b: b.replace(b"\0", b"0").replace(b"/", b"%"))
PATHS = st.lists(NAMES.filter(lambda b: b not in (b".", b"..")), min_size=1, max_size=3).map(
    b"/".join
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.dictionaries(PATHS, st.binary(max_size=50), min_size=1, max_size=6),
    archived=st.booleans(),
)
def test_any_names_arrive_are_listed_and_are_removed(
    two: RemoteFiles, top: Path, contents: dict[bytes, bytes], archived: bool
) -> None:
    above = {
        b"/".join(name.split(b"/")[:n]) for name in contents for n in range(1, name.count(b"/") + 1)
    }
    contents = {name: data for name, data in contents.items() if name not in above}
    made = tuple(NewDirectory(name, 0o755) for name in sorted(above))
    data = archive(contents)
    parts = (tar_part(data, contents),) if archived else plain(contents)
    put(two, Delivery(path(top), parts, made), contents, [data] if archived else None)
    assert tree(top) == {**contents, **dict.fromkeys(above)}
    entries = two.entries(path(top), list(contents))
    assert [each.path for each in entries] == list(contents)
    assert two.digests(path(top), entries) == {n: sha256(d) for n, d in contents.items()}
    two.remove(path(top), [*contents, *above])
    assert tree(top) == {}


def test_many_files_take_few_commands(two: RemoteFiles, top: Path) -> None:
    contents = {b"d%d/%04d" % (n % 3, n): b"%d" % n for n in range(3_500)}
    data = archive(contents)
    made = tuple(NewDirectory(b"d%d" % n, 0o755) for n in range(3))
    part = tar_part(data, contents)
    put(two, Delivery(path(top), (part,), made), contents, [data])
    assert put(two, Delivery(path(top), (part,)), contents, [data]).replaced == tuple(
        sorted(contents)
    )
    assert tree(top) == {**contents, b"d0": None, b"d1": None, b"d2": None}
    assert len(two.look(path(top), list(contents)).entries) == 3_500


def test_names_of_four_kibibytes(two: RemoteFiles, top: Path) -> None:
    parts = [b"n" * 250] * 14
    above = [b"/".join(parts[:n]) for n in range(1, 15)]
    name = above[-1] + b"/x"
    made = tuple(NewDirectory(each, 0o755) for each in above)
    put(two, Delivery(path(top), plain({name: b"1"}), made), {name: b"1"})
    done = put(two, Delivery(path(top), plain({name: b"2"})), {name: b"2"})
    assert done.replaced == (name,)
    longer = above[-1] + b"/" + above[1] + b"/" + b"x" * 200
    with pytest.raises(HostError) as caught:
        put(two, Delivery(path(top), plain({longer: b"2"})), {longer: b"2"})
    assert len(caught.value.message) < 1_000
    two.remove(path(top), above[:1])
    assert tree(top) == {}


def test_the_stage_is_made_where_it_was_looked_at(two: RemoteFiles, top: Path) -> None:
    """A destination that somebody exchanges in mid-payload: neither place keeps a stage."""
    write(top, b"dest/a", b"old")
    (top / "trap").mkdir()
    contents = {b"a": bytes(8 << 20), b"b": b"2"}

    def chunks() -> Iterator[bytes]:
        yield contents[b"a"]
        (top / "dest").rename(top / "moved")
        os.symlink("trap", top / "dest")
        yield contents[b"b"]

    with pytest.raises(HostError):
        put(two, Delivery(path(top, b"dest"), plain(contents)), contents, chunks())
    assert tree(top / "moved") == {b"a": b"old"}
    assert tree(top / "trap") == {}
