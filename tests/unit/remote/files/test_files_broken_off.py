"""Deliveries that end early: the old files are as they were, and nothing is left beside them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.engines import make_engine
from support.remote_files import archive, mounts, path, plain, put, sha256, tar_part, tree, write
from support.remote_files import hosted as hosted_on
from support.shells import SHELLS, shared_shells

from opsrun.engine.stop import Stop
from opsrun.errors import Cancelled, HostError, TransferFailed
from opsrun.remote.files.delivery import Delivery, FilePart, NewDirectory, Segment, TarPart
from opsrun.remote.files.intake import Intake
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.framing import Frame, Stream, new_mark
from opsrun.remote.loop import NOT_TAKEN, start_script

COMBINATIONS = [(shell, userland) for shell in SHELLS for userland in ("system", "busybox")]

OLD = {b"a": b"old a", b"sub/b": b"old b", b"sub": None}
CONTENTS = {b"a": b"new a" * 3_000, b"sub/b": b"new b", b"sub/c": b"c" * 700, b"new/d": b"d"}


def delivery(top: Path) -> tuple[Delivery, bytes]:
    """One with parts of both kinds, and its payload."""
    archived = {name: CONTENTS[name] for name in (b"sub/b", b"sub/c", b"new/d")}
    data = archive(archived)
    holes = FilePart(b"s", 20_000, 0o600, (Segment(5_000, 4),))
    parts = (FilePart(b"a", len(CONTENTS[b"a"]), 0o600), tar_part(data, archived), holes)
    made = (NewDirectory(b"new", 0o700),)
    return Delivery(path(top), parts, made), CONTENTS[b"a"] + data + b"hole"


def frame(top: Path) -> bytes:
    """All that a session would be sent for it."""
    what, payload = delivery(top)
    intake = Intake(what)
    whole = bytes(5_000) + b"hole" + bytes(20_000 - 5_004)
    digests = {name: sha256(data) for name, data in {**CONTENTS, b"s": whole}.items()}
    stream = Stream(what.size + intake.trailer, iter([payload, intake.closing(digests)]))
    return b"".join(Frame(intake.script(), stream=stream).encode(new_mark()))


def old(top: Path) -> None:
    for name, data in OLD.items():
        if data is not None:
            write(top, name, data)


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_cut_at_any_byte(top: Path, tmp_path: Path, combination: tuple[str, str]) -> None:
    """The session's input ends in mid-payload, as it does when a connection is lost."""
    shell = shared_shells(*combination)
    old(top)
    whole = frame(top)
    size = delivery(top)[0].size
    begins = len(whole) - size - 400
    cuts = random.Random(1).sample(range(begins, len(whole) - 40), 12)
    for cut in [*cuts, begins + 20_000, len(whole) - 41]:
        ended = subprocess.run(
            [*shell.prefix, start_script(new_mark(), shell.words)],
            input=whole[:cut],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == NOT_TAKEN, ended.stderr
        assert tree(top) == OLD, cut
    ended = subprocess.run(
        [*shell.prefix, start_script(new_mark(), shell.words)],
        input=whole,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert tree(top).keys() == {*OLD, *CONTENTS, b"new", b"s"}


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
@pytest.mark.parametrize("name", ["TERM", "HUP", "INT"])
def test_signals(top: Path, tmp_path: Path, combination: tuple[str, str], name: str) -> None:
    """To the whole group, as a terminal or an init sends them."""
    shell = shared_shells(*combination)
    old(top)
    whole = frame(top)
    process = subprocess.Popen(
        [*shell.prefix, start_script(new_mark(), shell.words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    with process:
        process.stdin.write(whole[:-3_000])
        process.stdin.flush()
        while not [each for each in os.listdir(top) if each.startswith(".opsrun-")]:
            assert process.poll() is None
        os.killpg(process.pid, getattr(signal, f"SIG{name}"))
        # What a shell that is killed leaves to do, its subshell does at the end of the input.
        process.stdin.close()
        assert process.stdout is not None
        process.stdout.read()
    assert tree(top) == OLD


def test_a_reader_that_went_away_does_not_keep_the_stage(top: Path) -> None:
    """Neither standard output nor error can be written to."""
    old(top)
    whole = frame(top)
    out, into = os.pipe()
    os.close(out)
    with subprocess.Popen(
        ["/bin/sh", "-c", start_script(new_mark())], stdin=subprocess.PIPE, stdout=into, stderr=into
    ) as process:
        os.close(into)
        try:
            process.communicate(whole[:-3_000], timeout=60)
        except BrokenPipeError:
            pass
    assert tree(top) == OLD


def test_a_sender_that_fails_in_the_middle(two: RemoteFiles, top: Path) -> None:
    old(top)

    class FileGoneError(HostError):
        pass

    def chunks() -> Iterator[bytes]:
        yield bytes(4 << 20)
        raise FileGoneError("it shrank")

    with pytest.raises(FileGoneError):
        put(two, Delivery(path(top), (FilePart(b"a", 8 << 20, 0o600),)), {}, chunks())
    assert tree(top) == OLD


def test_a_run_that_is_cancelled_in_the_middle(two: RemoteFiles, top: Path) -> None:
    """Killed as a command is, with a signal first that lets the shell remove the stage."""
    old(top)
    stop = Stop(make_engine())
    two._scripts.session._ends = replace(two._scripts.session._ends, stop=stop)

    def chunks() -> Iterator[bytes]:
        yield bytes(4 << 20)
        stop.cancel("enough")
        yield bytes(1 << 20)

    with pytest.raises(Cancelled, match="enough"):
        put(two, Delivery(path(top), (FilePart(b"a", 8 << 20, 0o600),)), {}, chunks())
    assert tree(top) == OLD


def test_a_full_file_system(tmp_path: Path, top: Path) -> None:
    """Plain files, holes and archives, with either userland: the tool's own words."""
    for userland in ("system", "busybox"):
        shell = shared_shells("dash", userland)
        with mounts(f"mount -t tmpfs -o size=512k none {top}") as (prefix, root):
            inside = Path(f"{root}{top}")
            write(inside, b"a", b"old")
            env = ("/usr/bin/env", f"PATH={shell.path}") if shell.path else ()
            words = (*prefix[:-2], *env, *prefix[-2:])
            with hosted_on(shell.words, words) as host:
                data = bytes(3 << 20)
                tar = archive({b"a": data})
                for part, payload in (
                    (FilePart(b"a", len(data), 0o600), data),
                    (FilePart(b"a", 4 << 20, 0o600, (Segment(1 << 20, len(data)),)), data),
                    (TarPart(len(tar), (b"a",)), tar),
                ):
                    with pytest.raises(TransferFailed, match="No space left on device") as caught:
                        put(host, Delivery(path(top), (part,)), {b"a": data}, [payload])
                    assert os.fsdecode(path(top)) in caught.value.message
                    assert "\n" not in caught.value.message
                    assert caught.value.hint.startswith("the file system is full")
                    assert tree(inside) == {b"a": b"old"}
                small = {b"a": b"small enough"}
                put(host, Delivery(path(top), plain(small)), small)
                assert tree(inside) == small


def test_a_read_only_file_system(top: Path) -> None:
    commands = f"mount -t tmpfs none {top} && mount -o remount,ro {top}"
    with mounts(commands) as (prefix, _), hosted_on(prefix=prefix) as host:
        assert not host.look(path(top)).dest.writable
        with pytest.raises(TransferFailed, match="Read-only file system") as caught:
            put(host, Delivery(path(top), plain({b"a": b"1"})), {b"a": b"1"})
        assert caught.value.hint == "it is mounted read-only"


def test_a_file_that_is_a_mount_can_not_be_replaced(top: Path) -> None:
    write(top, b"file", b"old")
    write(top, b"other", b"other")
    with mounts(f"mount --bind {top}/other {top}/file") as (prefix, root):
        with hosted_on(prefix=prefix) as host:
            with pytest.raises(HostError, match="Device or resource busy") as caught:
                put(host, Delivery(path(top), plain({b"file": b"1"})), {b"file": b"1"})
            assert "a mount of its own" in caught.value.hint
        assert tree(Path(f"{root}{top}")) == {b"file": b"other", b"other": b"other"}


def test_past_a_mount_point_all_is_staged_once_more(tmp_path: Path, top: Path) -> None:
    for userland in ("system", "busybox"):
        shell = shared_shells("dash", userland)
        shutil.rmtree(top)
        (top / "sub/mnt").mkdir(parents=True)
        with mounts(f"mount -t tmpfs -o size=512k none {top}/sub/mnt") as (prefix, root):
            inside = Path(f"{root}{top}")
            write(inside, b"sub/mnt/in/a", b"old")
            write(inside, b"b", b"old")
            contents = {b"sub/mnt/in/a": b"new", b"sub/mnt/d/n": b"1", b"b": b"2"}
            made = (NewDirectory(b"sub/mnt/d", 0o755),)
            env = ("/usr/bin/env", f"PATH={shell.path}") if shell.path else ()
            with hosted_on(shell.words, (*prefix[:-2], *env, *prefix[-2:])) as host:
                before = tree(inside)
                large = {**contents, b"sub/mnt/in/a": bytes(2 << 20)}
                with pytest.raises(TransferFailed, match="No space left"):
                    put(host, Delivery(path(top), plain(large), made), large)
                assert tree(inside) == before
                put(host, Delivery(path(top), plain(contents), made), contents)
            assert tree(inside) == {
                b"sub": None,
                b"sub/mnt": None,
                b"sub/mnt/in": None,
                b"sub/mnt/d": None,
                **contents,
            }
