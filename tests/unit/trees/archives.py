"""Archives as no honest tar would write them, member by member."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opsrun.trees.got import Got
from opsrun.trees.unpack import Unpacker

END = bytes(1024)


def member(name: str, data: bytes = b"", **fields: Any) -> bytes:
    """A GNU member; ``fields`` are those of `tarfile.TarInfo`."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    form = fields.pop("form", tarfile.GNU_FORMAT)
    header = info.tobuf(form, "utf-8", "surrogateescape")
    return header + data + bytes(-len(data) % 512)


def directory(name: str, **fields: Any) -> bytes:
    return member(name, type=tarfile.DIRTYPE, mode=0o755, **fields)


def link(name: str, target: str, **fields: Any) -> bytes:
    return member(name, type=tarfile.SYMTYPE, linkname=target, **fields)


def hard_link(name: str, target: str) -> bytes:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def pax(records: dict[str, bytes], code: bytes = b"x") -> bytes:
    """An extended header."""
    body = b""
    for key, value in records.items():
        text = b" " + key.encode() + b"=" + value + b"\n"
        length = len(text)
        while len(str(length)) + len(text) != length:
            length = len(str(length)) + len(text)
        body += str(length).encode() + text
    return raw(code, body)


def raw(code: bytes, body: bytes, **fields: Any) -> bytes:
    """A header of any type with any body; sizes may be wrong."""
    return member("PaxHeader", body, type=code, **fields)


@contextmanager
def stage() -> Iterator[tuple[str, int]]:
    """A directory in a directory, and a descriptor; nothing but it may ever have changed."""
    with tempfile.TemporaryDirectory() as outside:
        inside = os.path.join(outside, "stage")
        os.mkdir(inside)
        descriptor = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield inside, descriptor
            assert os.listdir(outside) == ["stage"]
        finally:
            os.close(descriptor)


def unpack(descriptor: int, data: bytes, size: int = 1 << 20, **arguments: Any) -> Got:
    """Unpack what comes in pieces of ``size`` bytes."""
    with Unpacker(descriptor, **arguments) as unpacker:
        for at in range(0, len(data), size):
            unpacker.feed(data[at : at + size])
        return unpacker.close()
