"""Hosts for tests of `RemoteFiles`: local shells, with the programs and the user of choice."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.engines import make_engine

from opsrun.remote.files.delivery import Delivered, Delivery, FilePart, TarPart
from opsrun.remote.files.remote_files import Limits, RemoteFiles
from opsrun.remote.session import Session
from opsrun.transports.pipe import PipeConnection

NOBODY = 65534
LIMITS = Limits(timeout=60.0)
"""So that a script that hangs fails its test."""

ODD_NAMES = (
    b"plain",
    b"two words",
    b" edges ",
    b"-n",
    b"--",
    b"new\nline",
    b"\n",
    b"carriage\rreturn",
    b"back\\slash",
    b"quote'\"s",
    b"$(id)`id`",
    b"*?[a]",
    b"~",
    b"\xff\xfe",
    "žluť".encode(),
    b"\x01\x1b[2J",
    b"%s%n",
    b"tail\n\n",
    b"deep/-rf/x y",
)


@contextmanager
def hosted(
    shell: str = "sh", prefix: Sequence[str] = ("/bin/sh", "-c"), limits: Limits = LIMITS
) -> Iterator[RemoteFiles]:
    """A host that is a shell on this machine."""
    engine = make_engine()
    connection = PipeConnection(tuple(prefix), "here", engine)
    session = Session(connection, engine.now, host="here", shell=shell)
    try:
        yield RemoteFiles(session, "here", limits)
    finally:
        session.close()
        connection.close()


def as_nobody() -> tuple[str, ...]:
    """Words that run a script without any privilege."""
    if os.geteuid() != 0:
        return ("/bin/sh", "-c")
    program = shutil.which("setpriv")
    if program is None:
        pytest.skip("there is no setpriv (Debian: util-linux)")
    me = str(NOBODY)
    return (program, f"--reuid={me}", f"--regid={me}", "--clear-groups", "/bin/sh", "-c")


def need(*programs: str) -> None:
    """Skip where this machine lacks one of them."""
    for each in programs:
        if shutil.which(each) is None:
            pytest.skip(f"there is no {each}")


@contextmanager
def mounts(commands: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """A mount namespace of its own, in which ``commands`` have mounted something.

    Yields:
        Words that run a script in it, and what stands before a path to see it from outside.
    """
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    need("unshare", "nsenter", "mount")
    holder = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", f"{{ {commands}; }} >&2 && echo ready && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        try:
            if holder.stdout.readline() != b"ready\n":
                pytest.skip("nothing can be mounted here")
            yield (
                ("nsenter", "-t", str(holder.pid), "-m", "/bin/sh", "-c"),
                f"/proc/{holder.pid}/root",
            )
        finally:
            holder.stdin.close()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def path(directory: Path | bytes, name: bytes = b"") -> bytes:
    return os.path.join(os.fsencode(directory), name) if name else os.fsencode(directory)


def write(directory: Path, name: bytes, data: bytes, mode: int = 0o644) -> None:
    """Make a file, and the directories above it."""
    where = path(directory, name)
    os.makedirs(os.path.dirname(where), exist_ok=True)
    with open(where, "wb") as file:
        file.write(data)
    os.chmod(where, mode)


def tree(directory: Path) -> dict[bytes, bytes | str | None]:
    """All that is below a directory: data of files, what links say, None for directories."""
    top = os.fsencode(directory)
    found: dict[bytes, bytes | str | None] = {}
    for where, directories, files in os.walk(top):
        for name in [*directories, *files]:
            whole = os.path.join(where, name)
            below = os.path.relpath(whole, top)
            if os.path.islink(whole):
                found[below] = f"-> {os.fsdecode(os.readlink(whole))}"
            elif os.path.isdir(whole):
                found[below] = None
            elif os.path.isfile(whole):
                with open(whole, "rb") as file:
                    found[below] = file.read()
            else:
                found[below] = "special"
    return found


def archive(
    files: Mapping[bytes, bytes],
    links: Mapping[bytes, bytes] | None = None,
    mode: int = 0o644,
    mtime: int = 1_000_000_000,
) -> bytes:
    """A tar archive as senders make it; its owner is to be ignored."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo("./" + os.fsdecode(name))
            member.size, member.mode, member.mtime = len(data), mode, mtime
            member.uid = member.gid = 12345
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo("./" + os.fsdecode(name))
            member.type, member.linkname = tarfile.SYMTYPE, os.fsdecode(target)
            tar.addfile(member)
    return buffer.getvalue()


def tar_part(data: bytes, files: Iterable[bytes], links: Iterable[bytes] = ()) -> TarPart:
    return TarPart(len(data), tuple(files), tuple(links))


def put(
    files: RemoteFiles,
    delivery: Delivery,
    contents: Mapping[bytes, bytes],
    payload: Iterable[bytes] | None = None,
) -> Delivered:
    """Deliver files, each in a part of its own unless the payload is given."""
    chunks = payload if payload is not None else [contents[name] for name in delivery.files]
    return files.deliver(
        delivery, chunks, lambda: {name: sha256(data) for name, data in contents.items()}
    )


def plain(contents: Mapping[bytes, bytes], mode: int = 0o644) -> tuple[FilePart, ...]:
    """A part for each file."""
    return tuple(FilePart(name, len(data), mode) for name, data in contents.items())
