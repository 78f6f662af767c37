"""Archives in words: a format, then as JSON what is in it.

``tar``, ``tar.gz``, ``tar.bz2``, ``tar.xz`` and ``zip`` hold a list of members: name, kind (``d``,
``f``, ``l``), mode, and content or target. ``gz``, ``bz2`` and ``xz`` hold one text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

_BEGINNINGS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ": "xz"}
_OPEN = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
_MAKE = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
_KINDS = {tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l"}
_TYPES = {"d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "f": tarfile.REGTYPE}
_AT = (2020, 2, 3, 4, 5, 6)

Members = list[tuple[str, str, str, str]]


def told(data: bytes) -> str | None:
    """What bytes are, in words; None for no archive."""
    if data.startswith(b"PK"):
        return f"zip {_json(sorted(_of_zip(data)))}"
    kind = next((each for start, each in _BEGINNINGS.items() if data.startswith(start)), "")
    if not kind and data[257:262] != b"ustar":
        return None
    plain = _OPEN[kind](data) if kind else data
    if plain[257:262] != b"ustar" and plain.strip(b"\0"):
        return f"{kind} {_json(plain.decode())}"
    return f"tar{kind and '.'}{kind} {_json(sorted(_of_tar(plain)))}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _of_tar(data: bytes) -> Iterator[tuple[str, str, str, str]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for each in archive:
            file = archive.extractfile(each) if each.isfile() else None
            content = each.linkname if file is None else file.read().decode()
            yield each.name, _KINDS.get(each.type, "f"), f"{each.mode & 0o7777:o}", content


def _of_zip(data: bytes) -> Iterator[tuple[str, str, str, str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for each in archive.infolist():
            mode = f"{each.external_attr >> 16 & 0o7777:o}"
            kind = "d" if each.is_dir() else "f"
            yield each.filename.rstrip("/"), kind, mode, archive.read(each).decode()


def pack(words: str) -> bytes:
    """The bytes of an archive; its members are of one day, and belong to nobody in particular."""
    kind, _, rest = words.partition(" ")
    content = json.loads(rest)
    if kind == "zip":
        return _zip(content)
    _, _, press = kind.partition(".") if kind.startswith("tar") else ("", "", kind)
    plain = _tar(content) if kind.startswith("tar") else content.encode()
    return _MAKE[press](plain) if press else plain


def _tar(members: Members) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind, mode, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = _TYPES[kind], int(mode, 8), 1_580_702_706
            if kind == "l":
                info.linkname = content
            data = content.encode() if kind == "f" else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def _zip(members: Members) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kind, mode, content in members:
            info = zipfile.ZipInfo(f"{name}/" if kind == "d" else name, _AT)
            info.external_attr = (0o040000 if kind == "d" else 0o100000 | int(mode, 8)) << 16
            if kind == "d":
                info.external_attr = (0o040000 | int(mode, 8)) << 16 | 0x10
            archive.writestr(info, content)
    return made.getvalue()
