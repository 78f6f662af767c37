"""Large values of a record: kept once each, compressed, by the hash of what they are."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from opsrun.journal.codec import from_text, to_text

INLINE = 512
"""Bytes up to which a value stays in its record."""
CAP = 1024 * 1024
"""Bytes of one value that are kept, before they are compressed."""
_SMALL = (int, float, bool)
_REF = "$opsrun.output"
_CUT = "$opsrun.cut"


@dataclass(frozen=True, slots=True)
class Output:
    """What is kept beside the records."""

    hash: bytes
    size: int
    """Bytes, not compressed."""
    data: bytes
    """Compressed (RFC 1950)."""

    @classmethod
    def of(cls, plain: bytes) -> Output:
        """Of content as it is."""
        mark = hashlib.blake2b(plain, digest_size=16).digest()
        return cls(mark, len(plain), zlib.compress(plain, 1))


class Cleaner(Protocol):
    """Takes secrets out."""

    def text(self, ascii_json: str) -> str:
        """Of JSON in ASCII."""

    def bytes(self, data: bytes) -> bytes:
        """Of output."""


def taken_apart(record: Mapping[str, Any], cleaner: Cleaner) -> tuple[dict[str, Any], list[Output]]:
    """A record without its large values, which are beside it: those of its fields, and of its
    mappings one below.

    Args:
        record: fields by name.
        cleaner: for what is taken out, and all bytes; whoever writes the record does so for the
            rest of it.
    """
    outputs: list[Output] = []

    def part(value: Any, depth: int) -> Any:
        if value is None or type(value) in _SMALL:
            return value
        if isinstance(value, bytes):
            return _bytes(cleaner.bytes(value), outputs)
        if isinstance(value, str):
            return value if len(value) <= INLINE else _text(value, outputs, cleaner)
        if depth and isinstance(value, Mapping):
            return {name: part(each, depth - 1) for name, each in value.items()}
        if not isinstance(value, (Mapping, list, tuple)) or not value:
            return value
        return _data(value, outputs, cleaner)

    return {name: part(value, 1) for name, value in record.items()}, outputs


def put_together(text: str, find: Callable[[bytes], bytes]) -> Any:
    """A record as it was before `taken_apart`.

    Args:
        text: the record, as `to_text` wrote it.
        find: gives what is kept under a hash.
    """

    def part(value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            return value
        if _REF in value:
            return _whole(find(bytes.fromhex(value[_REF])), value)
        if _CUT in value:
            return f"(not kept: {value[_CUT]} bytes)"
        return {name: part(each, depth - 1) for name, each in value.items()} if depth else value

    return {name: part(value, 1) for name, value in from_text(text).items()}


def was_cut(text: str) -> bool:
    """Whether a record lacks something that was too large to be kept."""
    return _CUT in text


def _bytes(value: bytes, outputs: list[Output]) -> Any:
    if len(value) <= INLINE:
        return value
    return _kept(value[:CAP], "bytes", outputs, max(0, len(value) - CAP))


def _text(value: str, outputs: list[Output], cleaner: Cleaner) -> Any:
    written, cut = cleaner.text(json.dumps(str(value))), 0
    if len(value) > CAP:
        # Not before it is clean: a secret that the cut goes through would not be found.
        clean = json.loads(written)
        written, cut = json.dumps(clean[:CAP]), max(0, len(clean) - CAP)
    return _kept(written.encode("ascii"), "json", outputs, cut)


def _data(value: Any, outputs: list[Output], cleaner: Cleaner) -> Any:
    written = to_text({"": value})
    if len(written) <= INLINE:
        return value
    if len(written) > CAP:
        return {_CUT: len(written)}
    return _kept(cleaner.text(written).encode("ascii"), "data", outputs, 0)


def _kept(plain: bytes, form: str, outputs: list[Output], cut: int) -> dict[str, Any]:
    output = Output.of(plain)
    outputs.append(output)
    more = {_CUT: cut} if cut else {}
    return {_REF: output.hash.hex(), "form": form, **more}


def _whole(plain: bytes, reference: Mapping[str, Any]) -> Any:
    if reference["form"] == "bytes":
        return plain
    if reference["form"] == "json":
        return json.loads(plain)
    return from_text(plain.decode("ascii"))[""]
