"""Archives of hosts that are up to something: nothing leaves the stage or is taken for good."""

from __future__ import annotations

import doctest
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.trees.archives import (
    END,
    directory,
    hard_link,
    link,
    member,
    pax,
    raw,
    stage,
    unpack,
)

from opsrun.trees import guard
from opsrun.trees.failures import ArchiveError, PlaceError, TreeError
from opsrun.trees.got import Limits, Rules
from opsrun.trees.guard import clean, leads_out
from opsrun.trees.tarread import TarReader
from opsrun.trees.unpack import Unpacker

LONG = "x/" * 3000 + "f"

REFUSED = {
    "absolute": (member("/etc/passwd"), "the host sent /etc/passwd, which is no name below"),
    "absolute directory": (directory("/"), "which is no name below"),
    "parent": (member("../f"), "which is no name below"),
    "parent inside": (member("a/../../f"), "which is no name below"),
    "parent at the end": (directory("a/.."), "which is no name below"),
    "parent alone": (directory(".."), "which is no name below"),
    "dot inside": (member("a/./f"), "which is no name below"),
    "empty part": (member("a//f"), "which is no name below"),
    "empty name": (pax({"path": b""}) + member("f"), "an empty name, which is no name below"),
    "empty long name": (raw(b"L", b"\0") + member("f"), "an empty name, which is no name below"),
    "NUL in a name": (pax({"path": b"a\0b"}) + member("f"), "which is no name below"),
    "long path": (member(LONG), "which is no name below"),
    "top as a file": (member("."), "which is no name below"),
    "pax absolute": (pax({"path": b"/f"}) + member("f"), "the host sent /f, which is no name"),
    "sparse name": (
        pax({"GNU.sparse.size": b"0", "GNU.sparse.map": b"", "GNU.sparse.name": b"../f"})
        + member("f"),
        "the host sent ../f, which is no name",
    ),
    "not asked for": (member("other"), "other, which it was not asked for"),
    "twice": (member("f") * 2, "f comes twice"),
    "twice as a link": (member("f") + link("f", "d"), "f comes twice"),
    "twice as a hard link": (member("f") + hard_link("f", "f"), "f comes twice"),
    "file over a directory": (directory("d") + member("d"), "d comes twice"),
    "directory over a file": (member("f") + directory("f"), "f is a directory and something else"),
    "below a file": (member("f") + member("f/g"), "f is a directory and something else"),
    "below a link": (link("l", "d") + member("l/g"), "l is a directory and something else"),
    "below a link upwards": (
        link("l", "..") + member("l/g"),
        "l is a directory and something else",
    ),
    "hard link outside": (hard_link("f", "/etc/passwd"), "which is no name below"),
    "hard link upwards": (hard_link("f", "../f"), "which is no name below"),
    "hard link to nothing": (hard_link("f", "g"), "a hard link to g, which is no file of this"),
    "hard link to a link": (link("l", "f") + hard_link("f", "l"), "which is no file of this"),
    "hard link to a directory": (directory("d") + hard_link("f", "d"), "which is no file of this"),
    "link to nothing": (pax({"linkpath": b""}) + link("l", "x"), "the link l leads nowhere"),
    "link with NUL": (pax({"linkpath": b"a\0b"}) + link("l", "x"), "the link l leads nowhere"),
    "no archive": (b"tar: no such file".ljust(512), "is no tar archive, or is damaged"),
    "bad checksum": (b"g" + member("f")[1:], "is no tar archive, or is damaged"),
    "negative size": (member("f")[:0] + tarfile.TarInfo("f").tobuf(), None),
    "path for all": (pax({"path": b"f"}, b"g") + member("f"), "sets path for all its members"),
    "size for all": (pax({"size": b"0"}, b"g") + member("f"), "sets size for all its members"),
    "size in words": (pax({"size": b"-1"}) + member("f"), "'-1' where a size should be"),
    "size too large": (pax({"size": b"9223372036854775808"}) + member("f"), "where a size"),
    "time in words": (pax({"mtime": b"now"}) + member("f"), "'now' where a time should be"),
    "pax without length": (
        raw(b"x", b"path=f\n") + member("f"),
        "header of the archive is damaged",
    ),
    "pax too long": (raw(b"x", b"99 path=f\n") + member("f"), "header of the archive is damaged"),
    "pax too short": (raw(b"x", b"3 path=f\n") + member("f"), "header of the archive is damaged"),
    "pax without end": (raw(b"x", b"9 path=fg") + member("f"), "header of the archive is damaged"),
    "headers without end": (raw(b"L", b"f\0") * 17 + member("f"), "headers without end"),
    "comments without end": (pax({"comment": b"f"}, b"g") * 17, "headers without end"),
    "header without a member": (raw(b"L", b"f\0"), "extended header without its member"),
    "zeros without end": (bytes(512 * 4097), "no end but zeros"),
    "unknown sparse version": (
        pax({"GNU.sparse.major": b"2", "GNU.sparse.minor": b"0"}) + member("f"),
        "sparse files of an unknown version",
    ),
}
del REFUSED["negative size"]
ASKED = {b"f", b"d", b"l", b"f/g", b"l/g"}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("size", [1 << 20, 100])
def test_refused(case: str, size: int) -> None:
    archive, why = REFUSED[case]
    with stage() as (there, descriptor):
        with pytest.raises(ArchiveError) as caught:
            unpack(descriptor, archive + END, size, allowed=ASKED.__contains__)
        assert why in str(caught.value)
        assert set(os.listdir(there)) <= {"f", "d", "l"}


def sized(size: int, code: bytes = b"0") -> bytes:
    """A header that promises ``size`` bytes."""
    info = tarfile.TarInfo("f")
    info.type = code
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("code", [b"L", b"K", b"x", b"g"])
@pytest.mark.parametrize("size", [1024 * 1024 + 1, 2**62])
def test_headers_of_any_length_are_not_gathered(code: bytes, size: int) -> None:
    with stage() as (_, descriptor), pytest.raises(ArchiveError, match="headers without end"):
        unpack(descriptor, sized(size, code))


@pytest.mark.parametrize("size", [-1, -(2**60), 2**63, 2**80])
def test_sizes_that_cannot_be(size: int) -> None:
    with stage() as (there, descriptor):
        with pytest.raises(ArchiveError, match=f"the archive says that f has {size} bytes"):
            unpack(descriptor, sized(size))
        assert os.listdir(there) == []


@pytest.mark.parametrize("left", range(1, 5 * 512, 256))
def test_an_archive_that_ends_too_early(left: int) -> None:
    archive = pax({"path": b"f"}) + member("x", b"a" * 700) + bytes(512)
    with (
        stage() as (_, descriptor),
        pytest.raises(ArchiveError, match=r"end(s|) (too early|in the)"),
    ):
        unpack(descriptor, archive[: len(archive) - left])


def test_nothing_at_all_is_no_archive() -> None:
    with stage() as (_, descriptor), pytest.raises(ArchiveError, match="after 0 bytes"):
        unpack(descriptor, b"")


def test_after_an_error_there_is_nothing_but_that_error() -> None:
    with stage() as (there, descriptor), Unpacker(descriptor) as unpacker:
        with pytest.raises(ArchiveError) as first:
            unpacker.feed(member("../f"))
        for again in (lambda: unpacker.feed(member("f") + END), unpacker.close):
            with pytest.raises(ArchiveError) as caught:
                again()
            assert caught.value is first.value
        assert os.listdir(there) == []


SKIPPED = {
    "device": (member("n", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "a device"),
    "block device": (member("n", type=tarfile.BLKTYPE, devmajor=8), "a device"),
    "fifo": (member("n", type=tarfile.FIFOTYPE), "a fifo"),
    "unknown": (member("n", b"data" * 200, type=b"Z"), "of an unknown type"),
    "absolute link": (link("n", "/etc/passwd"), "leads out of the tree, to /etc/passwd"),
    "link upwards": (link("n", "../x"), "leads out of the tree, to ../x"),
    "link to above": (link("n", ".."), "leads out of the tree"),
    "link down and up": (link("n", "d/../../x"), "leads out of the tree"),
    "link over a link": (link("n", "l/.."), "leads out of the tree"),
    "deep link": (link("d/n", "../../x"), "leads out of the tree"),
}


@pytest.mark.parametrize("case", SKIPPED)
def test_left_out_and_told(case: str) -> None:
    archive, why = SKIPPED[case]
    with stage() as (there, descriptor):
        got = unpack(descriptor, archive + member("after") + END, 300)
        assert [why in told.why for told in got.told] == [True]
        assert got.told[0].path.endswith(b"n")
        assert os.listdir(there) == ["after"]


@pytest.mark.parametrize("case", [case for case in SKIPPED if "link" in case])
def test_unsafe_links_are_made_if_that_is_wanted(case: str) -> None:
    archive, _ = SKIPPED[case]
    with stage() as (_, descriptor):
        got = unpack(descriptor, archive + END, rules=Rules(unsafe_links=True))
        assert len(got.links) == 1
        assert got.told == []


def test_what_is_told_is_bounded() -> None:
    archive = b"".join(member(f"n{n}", type=tarfile.FIFOTYPE) for n in range(1500))
    with stage() as (_, descriptor):
        got = unpack(descriptor, archive + END)
        assert (len(got.told), got.untold) == (1000, 500)


@pytest.mark.parametrize(
    ("limits", "archive", "why"),
    [
        (Limits(members=3), directory("d") + member("d/a/f") + member("d/a/g"), "more than 3"),
        (Limits(members=3), directory("d") * 4, "more than 3 members"),
        (Limits(members=3), member("a/b/c/d/e/f"), "more than 3 members"),
        (Limits(names=50), member("a" * 51), "more than 0 members"),
        (Limits(names=50), link("a", "b" * 60), "more than 1 members"),
        (Limits(largest=99), member("f", b"x" * 100), "f is said to have 100 bytes"),
        (Limits(total=150), member("f", b"x" * 100) + member("g", b"x" * 51), "more than 150"),
    ],
)
def test_limits(limits: Limits, archive: bytes, why: str) -> None:
    with stage() as (_, descriptor), pytest.raises(ArchiveError, match=why):
        unpack(descriptor, archive + member("g2", b"") + END, limits=limits)


def test_a_hole_has_a_limit_too() -> None:
    size = str(2**60).encode()
    sparse = pax({"GNU.sparse.size": size, "GNU.sparse.map": b""})
    with stage() as (_, descriptor), pytest.raises(ArchiveError, match="is said to have"):
        unpack(descriptor, sparse + member("f") + END)


MAPS = {
    "overlapping": (b"0,10,5,10", 20),
    "backwards": (b"10,10,0,10", 20),
    "behind the end": (b"95,10", 10),
    "too much stored": (b"0,10", 20),
    "too little stored": (b"0,10,20,10", 10),
    "half a pair": (b"0,10,20", 10),
    "overflowing": (b"9223372036854775807,10", 10),
}


@pytest.mark.parametrize("case", MAPS)
@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_parts_of_a_sparse_file_that_cannot_be(case: str, version: str) -> None:
    text, stored = MAPS[case]
    numbers = text.split(b",")
    data = b"x" * stored
    records = {"GNU.sparse.size": b"100", "GNU.sparse.map": text}
    head = pax(records)
    if version == "1.0":
        if len(numbers) % 2:
            numbers.append(b"")
        lines = [b"%d" % (len(numbers) // 2), *numbers]
        head = pax(
            {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"100"}
        )
        data = (b"\n".join(lines) + b"\n").ljust(512, b"\0") + data
    elif version == "0.0":
        keys = ["GNU.sparse.offset", "GNU.sparse.numbytes"]
        body = pax({"GNU.sparse.size": b"100"})[512:].rstrip(b"\0")
        for at, value in enumerate(numbers):
            body += pax({keys[at % 2]: value})[512:].rstrip(b"\0")
        head = raw(b"x", body)
    with stage() as (there, descriptor):
        with pytest.raises(ArchiveError, match=r"parts can't be so|where a size should be"):
            unpack(descriptor, head + member("f", data) + END)
        assert os.listdir(there) == []


@pytest.mark.parametrize(
    "text", [b"", b"1", b"x\n", b"1\n0\n", b"9999999\n" + b"0\n" * 600, b"1" * 2000]
)
def test_maps_that_never_end_well(text: bytes) -> None:
    head = pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"9"})
    with stage() as (_, descriptor), pytest.raises(ArchiveError):
        unpack(descriptor, head + member("f", text) + END)


def feed_without_end(unpacker: Unpacker, data: bytes) -> None:
    for _ in range(100):
        unpacker.feed(data)


def test_a_map_without_end_is_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsrun.trees.sparsemap.MOST", 5_000)
    head = pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"9"})
    with stage() as (_, descriptor), Unpacker(descriptor) as unpacker:
        unpacker.feed(head + sized(2**40) + b"999999999999\n")
        with pytest.raises(ArchiveError, match="too many parts"):
            feed_without_end(unpacker, b"0\n0\n" * 100)


def test_an_old_map_without_end_is_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsrun.trees.sparsemap.MOST", 1_000)
    head = bytearray(sized(512, b"S"))
    head[386:398] = head[398:410] = b"00000000001\0"
    head[482] = 1
    head[483:495] = b"00000001000\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    block = (b"00000000001\0" * 42 + b"\1").ljust(512, b"\0")
    with stage() as (_, descriptor), Unpacker(descriptor) as unpacker:
        unpacker.feed(bytes(head))
        with pytest.raises(ArchiveError, match="too many parts"):
            feed_without_end(unpacker, block)


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with stage() as (_, descriptor):
        monkeypatch.setattr("os.pwrite", full)
        with pytest.raises(PlaceError, match="can't write d/f: No space left on device"):
            unpack(descriptor, member("d/f", b"data") + END)


def test_a_name_too_long_for_the_system_is_named() -> None:
    with stage() as (_, descriptor), pytest.raises(PlaceError, match="File name too long"):
        unpack(descriptor, member("d" * 300 + "/f") + END)


@given(st.binary(max_size=40))
def test_a_clean_name_leads_down_and_nowhere_else(name: bytes) -> None:
    for is_directory in (True, False):
        try:
            path = clean(name, directory=is_directory)
        except ArchiveError:
            continue
        if path:
            assert not {b"", b".", b".."} & set(path.split(b"/"))
            assert os.path.normpath(b"/top/" + path) == b"/top/" + path
        else:
            assert is_directory


@given(
    st.lists(st.sampled_from([b"..", b".", b"a", b"b", b""]), min_size=1, max_size=6).map(
        b"/".join
    ),
    st.sampled_from([b"l", b"a/l", b"a/b/l"]),
)
def test_no_link_that_is_made_leads_out(target: bytes, path: bytes) -> None:
    if not leads_out(path, target):
        # Wherever names lead, as long as it is below: `..` comes before all of them.
        place = os.path.normpath(b"/1/2/3/" + os.path.dirname(path) + b"/" + target)
        assert (place + b"/").startswith(b"/1/2/3/")
        assert b".." not in target.lstrip(b"./").split(b"/")


def test_the_examples_in_the_docstring_are_right() -> None:
    assert doctest.testmod(guard) == (0, 1)


HONEST = (
    directory("d", mtime=5)
    + member("d/f", b"data" * 300, mode=0o4755)
    + link("l", "d/f")
    + hard_link("h", "d/f")
    + pax({"path": b"p\xff", "mtime": b"1.5"})
    + member("x", b"pax")
    + member("n" * 150, b"long")
    + pax({"GNU.sparse.size": b"9000", "GNU.sparse.map": b"0,4,8000,3", "GNU.sparse.name": b"s"})
    + member("y", b"data123")
    + pax({"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"9000"})
    + member("z", b"1\n10\n4\n".ljust(512, b"\0") + b"data")
    + END
)


def survives(archive: bytes, size: int) -> None:
    """Whatever comes, the end is an error of the room's own, or none."""
    with stage() as (there, descriptor):
        try:
            unpack(descriptor, archive, size)
        except TreeError:
            pass
        for place, _, _ in os.walk(there):
            assert Path(place).resolve().is_relative_to(Path(there).resolve())


sizes = st.sampled_from([1, 3, 512, 513, 1 << 20])


@given(st.binary(max_size=3000), sizes)
def test_random_bytes(data: bytes, size: int) -> None:
    survives(data, size)


@given(
    st.lists(
        st.tuples(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=20)), max_size=5
    ),
    st.integers(0, len(HONEST)),
    sizes,
    st.booleans(),
)
def test_mutated_and_cut_archives(
    changes: list[tuple[int, bytes]], end: int, size: int, valid: bool
) -> None:
    archive = bytearray(HONEST)
    for at, data in changes:
        archive[at : at + len(data)] = data
    archive = archive[:end] if end else archive
    if valid:
        _correct_sums(archive)
    survives(bytes(archive), size)


def _correct_sums(archive: bytearray) -> None:
    """Give every block that looks like a header its checksum, so that its fields are looked at."""
    for at in range(0, len(archive) - 511, 512):
        if archive[at + 257 : at + 262] == b"ustar":
            archive[at + 148 : at + 156] = b" " * 8
            archive[at + 148 : at + 156] = b"%06o\0 " % sum(archive[at : at + 512])


@given(
    st.lists(
        st.one_of(
            st.builds(
                member,
                st.sampled_from(["a", "a/b", "l", "l/x", "../a", "/a", "d", "d/l", "d/l/x"]),
                st.binary(max_size=600),
                type=st.sampled_from(
                    [b"0", b"1", b"2", b"3", b"5", b"6", b"7", b"S", b"Z", b"L", b"x"]
                ),
                linkname=st.sampled_from(["", "a", "..", "../..", "/tmp", "d", "l", "."]),
                mode=st.integers(0, 0o7777),
            ),
            st.builds(
                pax,
                st.dictionaries(
                    st.sampled_from(
                        [
                            *("path", "linkpath", "size", "mtime", "GNU.sparse.map"),
                            *("GNU.sparse.size", "GNU.sparse.major", "GNU.sparse.name"),
                        ]
                    ),
                    st.sampled_from([b"", b"0", b"1", b"a", b"..", b"l/x", b"0,1", b"/x", b"-1"]),
                ),
                st.sampled_from([b"x", b"g"]),
            ),
        ),
        max_size=8,
    ),
    sizes,
    st.booleans(),
)
def test_members_in_any_company(members: list[bytes], size: int, unsafe: bool) -> None:
    archive = b"".join(members) + END
    with stage() as (there, descriptor):
        try:
            unpack(descriptor, archive, size, rules=Rules(unsafe_links=unsafe, keep_setuid=True))
        except TreeError:
            pass
        if not unsafe:
            for place, directories, files in os.walk(there):
                for name in directories + files:
                    # Not Path.resolve, to which a link to itself is an error.
                    resolved = Path(os.path.realpath(os.path.join(place, name)))
                    assert resolved.is_relative_to(os.path.realpath(there))


def test_pieces_make_no_difference() -> None:
    events = []

    class Receiver:
        def begin(self, header: object) -> None:
            events.append((header, bytearray()))

        def data(self, offset: int, data: memoryview) -> None:
            events[-1][1].extend(b"%d:" % offset if not events[-1][1] else b"")
            events[-1][1].extend(data)

        def end(self) -> None:
            events.append("end")

    seen = []
    for size in (1, 7, 511, 512, 513, 5000, 1 << 20):
        events.clear()
        reader = TarReader(Receiver())
        for at in range(0, len(HONEST), size):
            reader.feed(HONEST[at : at + size])
        reader.close()
        seen.append([tuple(map(str, event)) for event in events])
    assert all(one == seen[0] for one in seen)
    assert len(seen[0]) == 16
