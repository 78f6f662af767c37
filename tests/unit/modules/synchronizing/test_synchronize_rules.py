"""What is sent and what is deleted, beside rsync itself: random trees, random rules."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.module_host import LocalController

from opsrun.modules.base import Context, ModuleError
from opsrun.modules.synchronizing.ends import Reading
from opsrun.modules.synchronizing.filters import Filters, kept
from opsrun.modules.synchronizing.here import Here
from opsrun.modules.synchronizing.itemized import lines_of
from opsrun.modules.synchronizing.planning import compared
from opsrun.modules.synchronizing.rsync_options import passed
from opsrun.modules.synchronizing.wanted import Receiver, Wanted
from opsrun.trees.walk import walk

RSYNC = shutil.which("rsync")
pytestmark = pytest.mark.skipif(
    RSYNC is None and not os.environ.get("OPSRUN_REQUIRE_SSHD"), reason="there is no rsync"
)

NAMES = st.sampled_from(["a", "b", "ab", "a.b", "b.o", "dd", "é", "x y", "[a]", "-n", "a*b", "\\a"])
LEAVES = st.sampled_from(["f0", "f1", "g0", "la", "lb"])
"""A file of some bytes at some time, or a link to somewhere."""
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda below: st.dictionaries(NAMES, LEAVES | below, max_size=4),
    max_leaves=12,
)
PIECES = st.sampled_from(
    ["a", "b", "ab", "dd", ".o", "*", "**", "***", "?", "/", "/", "[ab]", "[!a]", ".", "\\a", "é"]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=5).map("".join)
PATTERNS = PATTERNS.filter(lambda text: text.strip("/") != "" and "//" not in text)
OPTIONS = st.one_of(
    PATTERNS.map(lambda text: f"--exclude={text}"),
    PATTERNS.map(lambda text: f"--include={text}"),
    st.tuples(st.sampled_from(["P", "R", "H", "S", "-", "+", "-s", "-r", "+!"]), PATTERNS).map(
        lambda pair: f"--filter={pair[0]} {pair[1]}"
    ),
    st.sampled_from(
        ["--delete-excluded", "--existing", "--ignore-existing", "--update", "--size-only"]
    ),
    st.sampled_from(["--no-t", "--no-p", "--chmod=D750,F640", "-O", "-J", "--max-size=1"]),
    st.sampled_from(["--force", "-c", "-I", "--no-l", "--exclude=!", "--min-size=2"]),
)


def grown(top: Path, tree: Mapping[str, object], age: int) -> None:
    """Makes a tree; ``age`` is that of directories."""
    top.mkdir()
    for name, told in tree.items():
        path = top / name
        if isinstance(told, Mapping):
            grown(path, told, age)
        elif str(told).startswith("l"):
            path.symlink_to(str(told))
            os.utime(path, ns=(0, 10**18), follow_symlinks=False)
        else:
            path.write_text(str(told)[1:] * (1 if told != "g0" else 3))
            path.chmod(0o644 if told != "f1" else 0o600)
            os.utime(path, (1, 1000 + 50 * int(str(told)[1])))
    os.utime(top, (1, age))


def by_rsync(options: Sequence[str], source: Path, dest: Path) -> tuple[list[str], str]:
    assert RSYNC is not None
    ended = subprocess.run(
        [RSYNC, "-a8", "--out-format=%i %n%L", *options, f"{source}/", f"{dest}/"],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8"},
    )
    return ended.stdout.splitlines(), ended.stderr


def by_us(options: Sequence[str], source: Path, dest: Path) -> list[str]:
    found = passed(options)
    archive = dict.fromkeys(("recursive", "links", "perms", "times", "owner", "group"), True)
    said = {**archive, **found.said}
    filters = Filters(kept(found.rules), said.get("delete_excluded", False))  # type: ignore[arg-type]
    sizes = {"max_size": found.max_size, "min_size": found.min_size}
    wanted = Wanted(**said, **sizes, chmod=found.chmod, filters=filters)  # type: ignore[arg-type]
    listing = Here(Context(LocalController(source))).listing(
        Reading(os.fsencode(source), filters=filters)
    )
    try:
        while True:
            next(listing)
    except StopIteration as ended:
        entries = ended.value
    there = list(walk(dest, contents=False))
    receiver = Receiver(0o022, os.geteuid(), frozenset({os.getegid()}))

    def same(one: object, other: object) -> bool:
        left, right = (
            (top / os.fsdecode(each.path)).read_bytes()  # type: ignore[attr-defined]
            for top, each in ((source, one), (dest, other))
        )
        return left == right

    if not wanted.links:
        from dataclasses import replace

        from opsrun.trees.entry import Kind

        entries = [
            replace(each, kind=Kind.OTHER) if each.kind is Kind.LINK else each for each in entries
        ]
    return lines_of(compared(entries, there, wanted, receiver, same), ">")


def refused(words: Sequence[str], source: Path, dest: Path) -> tuple[list[str], str]:
    try:
        return by_us(words, source, dest), ""
    except ModuleError as error:
        return [], error.msg


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(TREES, TREES, st.lists(OPTIONS, max_size=4), st.booleans(), st.booleans())
def test_what_rsync_would_do(
    tmp_path: Path,
    ours: Mapping[str, object],
    theirs: Mapping[str, object],
    options: list[str],
    delete: bool,
    old: bool,
) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    for each in (source, dest):
        shutil.rmtree(each, ignore_errors=True)
    grown(source, ours, 5000)
    grown(dest, theirs, 5000 if old else 6000)
    words = [*options, "--delete"] if delete else options
    planned, refusal = refused(words, source, dest)
    if refusal:
        _, errors = by_rsync(words, source, dest)
        assert "could not make way" in errors, refusal
        return
    # In earnest: a trial run tells of directories as deleted in which something stays.
    lines, errors = by_rsync(words, source, dest)
    notes = ("skipping non-regular", "cannot delete non-empty", "not creating")
    assert sorted(each for each in planned if not each.startswith(notes)) == sorted(
        each for each in lines if not each.startswith(notes)
    ), errors
