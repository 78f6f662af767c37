"""Bytes of files to text, and single lines of it for messages."""

from __future__ import annotations

from opsrun.errors import InputError, InventoryError

SHOWN = 160
"""Characters of a line that an error prints at most."""


class Unsealed(str):
    """Text that was encrypted in its file: errors tell where they are, and show no line of it."""

    __slots__ = ()


def decode(data: bytes, path: str, error: type[InputError] = InventoryError) -> str:
    """``data`` as UTF-8 text, without a byte-order mark; ``error`` is raised where it is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        head = data[: wrong.start]
        line = head.count(b"\n") + 1
        column = len(head.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise error(
            f"not UTF-8: byte 0x{data[wrong.start]:02x}", path=path, line=line, column=column
        ) from wrong


def line_at(text: str, number: int) -> str | None:
    """The 1-based line ``number``, cut to `SHOWN` characters; None if there is none."""
    lines = text.split("\n", number)
    return lines[number - 1][:SHOWN].rstrip("\r") if 0 < number <= len(lines) else None


def shown_line(text: str, number: int) -> str | None:
    """What an error shows of the line: as `line_at`, and nothing of what was encrypted."""
    return None if isinstance(text, Unsealed) else line_at(text, number)
