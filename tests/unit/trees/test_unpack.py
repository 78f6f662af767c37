"""Archives of honest hosts come out as they went in, whichever tar wrote them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.trees.archives import END, directory, hard_link, link, member, pax, raw, stage, unpack
from unit.trees.shapes import Node, build, seen, tops

from opsrun.trees.got import Got, GotDirectory, GotFile, Rules
from opsrun.trees.writing import StagedFile

EXACT = Rules(preserve=True, unsafe_links=True)
WRITERS = {
    "gnu": ["tar", "--format=gnu"],
    "gnu -S": ["tar", "--format=gnu", "-S"],
    "pax": ["tar", "--format=posix"],
    "pax -S": ["tar", "--format=posix", "-S"],
    "pax -S 0.0": ["tar", "--format=posix", "-S", "--sparse-version=0.0"],
    "pax -S 0.1": ["tar", "--format=posix", "-S", "--sparse-version=0.1"],
    "busybox": ["busybox", "tar"],
}


def written(words: list[str], top: bytes) -> bytes:
    done = subprocess.run([*words, "-cf", "-", "-C", top, "."], capture_output=True, check=True)
    return done.stdout


def with_directories_done(top: str, got: Got) -> None:
    for path in sorted(got.directories, key=lambda path: path.count(b"/"), reverse=True):
        attributes = got.directories[path]
        place = os.path.join(os.fsencode(top), path)
        os.chmod(place, attributes.mode)
        if attributes.mtime is not None:
            os.utime(place, ns=(attributes.mtime, attributes.mtime))


@pytest.mark.parametrize("writer", WRITERS)
@given(tree=tops, size=st.sampled_from([1, 511, 512, 513, 10_000, 1 << 20]))
def test_a_tree_comes_out_as_it_went_in(writer: str, tree: Node, size: int) -> None:
    with stage() as (source, _), stage() as (there, descriptor):
        build(tree, os.fsencode(source))
        data = written(WRITERS[writer], os.fsencode(source))
        got = unpack(descriptor, data, size if len(data) < 200_000 else 10_000, rules=EXACT)
        with_directories_done(there, got)
        assert seen(there) == seen(source)
        for path, file in got.files.items():
            content = Path(there, os.fsdecode(path)).read_bytes()
            assert file == GotFile(len(content), hashlib.sha256(content).hexdigest())


@given(tree=tops, other=tops)
def test_several_archives_one_behind_the_other_are_one(tree: Node, other: Node) -> None:
    both = Node(0o755, 0, below={b"one": tree, b"two": other})
    with stage() as (source, _), stage() as (there, descriptor):
        build(both, os.fsencode(source))
        data = b"".join(
            subprocess.run(
                ["tar", "-cf", "-", "-C", source, name], capture_output=True, check=True
            ).stdout
            for name in ("one", "two")
        )
        got = unpack(descriptor, data, rules=EXACT)
        with_directories_done(there, got)
        assert seen(there) == seen(source)


@pytest.mark.parametrize("writer", [name for name in WRITERS if "-S" in name])
def test_holes_stay_holes(writer: str) -> None:
    with stage() as (source, _), stage() as (there, descriptor):
        with open(os.path.join(source, "sparse"), "wb") as file:
            for part in range(60):
                file.seek(part * 1024 * 1024 + 4096)
                file.write(b"data")
            file.truncate(100 * 1024 * 1024)
        data = written(WRITERS[writer], os.fsencode(source))
        assert len(data) < 2 * 1024 * 1024
        got = unpack(descriptor, data, 32 * 1024)
        status = os.stat(os.path.join(there, "sparse"))
        assert status.st_size == got.files[b"sparse"].size == 100 * 1024 * 1024
        assert status.st_blocks * 512 < 2 * 1024 * 1024
        assert seen(there)[b"sparse"][3] == seen(source)[b"sparse"][3]


def test_zeros_become_holes_where_the_file_was_sparse() -> None:
    data = b"a" * 5000 + bytes(1024 * 1024) + b"b" * 100
    archive = member("yes", data) + member("no", data) + END
    with stage() as (there, descriptor):
        unpack(descriptor, archive, 32_768, sparse=lambda path: path == b"yes")
        for name in ("yes", "no"):
            assert Path(there, name).read_bytes() == data
        allocated = {name: os.stat(Path(there, name)).st_blocks * 512 for name in ("yes", "no")}
        assert allocated["yes"] < 200_000 < 1_000_000 < allocated["no"]


@given(
    parts=st.lists(
        st.one_of(st.binary(max_size=50), st.integers(0, 20_000).map(bytes)), max_size=12
    ),
    cuts=st.integers(1, 30_000),
)
def test_holes_change_no_byte_wherever_the_pieces_are_cut(parts: list[bytes], cuts: int) -> None:
    data = b"".join(parts)
    with stage() as (there, descriptor):
        file = StagedFile(descriptor, b"f", b"f", holes=True)
        for at in range(0, len(data), cuts):
            file.write(at, data[at : at + cuts])
        digest = file.finish(len(data), 0o600, None)
        assert Path(there, "f").read_bytes() == data
        assert digest == hashlib.sha256(data).hexdigest()


def test_hard_links_are_links_to_the_file_of_the_archive() -> None:
    archive = directory("d") + member("d/a", b"data", mode=0o640) + hard_link("b", "d/a") + END
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive)
        assert os.path.samefile(Path(there, "d/a"), Path(there, "b"))
        assert got.files[b"b"] == got.files[b"d/a"]


@pytest.mark.parametrize(
    ("rules", "modes"),
    [
        (Rules(umask=0o027), (0o740, 0o750, 0o750)),
        (Rules(umask=0o027, preserve=True), (0o767, 0o755, 0o750)),
        (Rules(umask=0o027, keep_setuid=True), (0o4740, 0o3750, 0o750)),
        (Rules(umask=0, preserve=True, keep_setuid=True), (0o4767, 0o3755, 0o777)),
    ],
)
def test_modes(rules: Rules, modes: tuple[int, int, int]) -> None:
    archive = member("f", mode=0o4767, mtime=77)
    archive += member("d", type=tarfile.DIRTYPE, mode=0o3755, mtime=78) + member("e/f") + END
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive, rules=rules)
        assert os.stat(Path(there, "f")).st_mode & 0o7777 == modes[0]
        assert (os.stat(Path(there, "f")).st_mtime == 77) == rules.preserve
        expected = 78_000_000_000 if rules.preserve else None
        assert got.directories[b"d"] == GotDirectory(modes[1], expected)
        assert got.directories[b"e"] == GotDirectory(modes[2], None)
        # Not their final modes: what is in them still has to be taken out.
        assert os.stat(Path(there, "d")).st_mode & 0o7777 == 0o700
        told = {entry.path for entry in got.told}
        assert told == (set() if rules.keep_setuid else {b"f"})


def test_owners_are_never_changed() -> None:
    with stage() as (there, descriptor):
        unpack(descriptor, member("f", uid=4242, gid=4242, uname="daemon", gname="daemon") + END)
        status = os.stat(Path(there, "f"))
        assert (status.st_uid, status.st_gid) == (os.geteuid(), os.stat(there).st_gid)


def test_pax_records_count_and_later_ones_count_more() -> None:
    archive = pax({"comment": b"by nobody", "mtime": b"5"}, b"g")
    archive += pax({"path": b"no", "mtime": b"-1.5"}) + pax({"path": b"a\xff\nb", "size": b"3"})
    archive += raw(b"L", b"also no\0") + pax({"path": b"a\xff\nb"})
    archive += member("x", b"abc") + member("y", mtime=9) + END
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive, 7, rules=EXACT)
        assert list(got.files) == [b"a\xff\nb", b"y"]
        place = os.path.join(os.fsencode(there), b"a\xff\nb")
        assert os.stat(place).st_mtime_ns == -1_500_000_000
        assert os.stat(Path(there, "y")).st_mtime == 9


@pytest.mark.parametrize("mtime", ["9" * 20, "-" + "9" * 20, "0.9999999999999", "5."])
def test_times_beyond_what_a_system_has(mtime: str) -> None:
    with stage() as (_, descriptor):
        got = unpack(descriptor, pax({"mtime": mtime.encode()}) + member("f") + END, rules=EXACT)
        assert list(got.files) == [b"f"]


@pytest.mark.parametrize("name", ["./", ".", "./."])
def test_the_top_itself_is_no_member_of_its_own(name: str) -> None:
    with stage() as (there, descriptor):
        got = unpack(descriptor, directory(name) + member("./f") + END, allowed={b"f"}.__contains__)
        assert os.listdir(there) == ["f"]
        assert got.directories[b""].mode == 0o755


def test_directories_may_come_again_or_not_at_all() -> None:
    directories = directory("a", mtime=1) + directory("a/b/") + END
    archive = member("a/b/f") + directories + member("a/b/g") + directories
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive, rules=EXACT)
        assert sorted(os.listdir(Path(there, "a/b"))) == ["f", "g"]
        assert got.directories == {
            b"a": GotDirectory(0o755, 1_000_000_000),
            b"a/b": GotDirectory(0o755, 0),
        }


def test_links_within_the_tree_are_made() -> None:
    archive = directory("d") + link("d/l", "../x/y", mtime=3) + link("m", "d/./l") + END
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive, rules=Rules(preserve=True))
        assert got.links == {b"d/l": b"../x/y", b"m": b"d/./l"}
        assert os.readlink(Path(there, "d/l")) == "../x/y"
        assert os.lstat(Path(there, "d/l")).st_mtime == 3
        assert got.told == []
