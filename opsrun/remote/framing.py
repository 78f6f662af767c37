"""Frames of a persistent shell: pure, bytes in and frames out.

Towards the host, a frame is a header, the script, data for the script's standard input, a trailer::

    KIND SCRIPT_BYTES DATA_BYTES NAME\\n   script   data   . MARK\\n

(or ``SCRIPT_LINES`` and an ``l``, see `opsrun.remote.phrases.measured`; a phrase is a header
``d SCRIPT_BYTES - NUMBER`` and a text, and has no answer.)
Lengths, not delimiters, so that neither quotes nor NULs nor newlines can break it. The mark, 128
random bits, comes *behind* the script: while that runs, nothing on the host knows it, so nothing
can print it, not even ``set`` or a look into the shell's memory.

From the host, both streams carry the script's output as it is, then the mark, the exit status and a
newline.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from opsrun.errors import OpsrunError, UsageError
from opsrun.remote.phrases import measured

LONGEST_STATUS = 64
"""Bytes that may stand between a mark and its newline."""

_NAME = re.compile(r"[0-9a-f]{32}\Z")


class FramingError(OpsrunError):
    """What came is no frame; nothing that follows on this stream can be believed."""


def new_mark() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


OnOutput = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes for a script to take that need not be in memory at once."""

    size: int
    """How many there are."""
    chunks: Iterator[bytes]
    """Pulled as the host takes them. An error that this raises ends the session, and is the
    frame's."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One script for a persistent shell.

    Raises:
        UsageError: the script holds a NUL, which no shell can read.
    """

    script: str
    """POSIX sh; runs in a subshell of its own."""
    data: bytes | None = None
    """Its standard input, exactly; None for ``/dev/null``."""
    apart: bool = False
    """Its output takes the way through files, so that what it leaves behind and that prints late
    can't reach the next frame."""
    stream: Stream | None = None
    """In place of ``data``: the script reads the session's own input, and takes exactly so many
    bytes of it with ``_otake N``, or leaves with `opsrun.remote.loop.NOT_TAKEN`."""

    def __post_init__(self) -> None:
        if "\0" in self.script:
            raise UsageError("the script holds a NUL byte")

    def encode(self, mark: str, name: str | None = None) -> Iterator[bytes]:
        """The bytes that go to the shell, piece by piece.

        Args:
            mark: see `new_mark`; never used before.
            name: for the directory of a frame that runs apart; as random as a mark.

        Raises:
            FramingError: the stream is shorter or longer than it was said to be.
        """
        name = name or new_mark()
        assert _NAME.match(mark)
        assert _NAME.match(name)
        length, script = measured(self.script)
        kind, size = self._kind_and_size()
        yield f"{kind} {length} {size} {name}\n".encode() + script
        if self.stream is not None:
            yield from _exactly(self.stream)
        elif self.data:
            yield self.data
        yield f". {mark}\n".encode()

    def _kind_and_size(self) -> tuple[str, str]:
        if self.stream is not None:
            return "t", str(self.stream.size)
        return "f" if self.apart else "r", "-" if self.data is None else str(len(self.data))


def encoded_phrase(number: int, text: str) -> bytes:
    """What tells a shell a phrase, see `opsrun.remote.phrases`."""
    length, script = measured(text)
    return f"d {length} - {number}\n".encode() + script


def _exactly(stream: Stream) -> Iterator[bytes]:
    left = stream.size
    for chunk in stream.chunks:
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise FramingError(f"a stream of {stream.size} bytes is {'short' if left > 0 else 'long'}")


@dataclass(frozen=True, slots=True)
class Part:
    """One stream's share of a frame that has ended."""

    mark: str
    status: str
    """What stood behind the mark."""
    output: bytes
    truncated: bool
    """More came than was kept."""


class StreamDecoder:
    """Cuts one stream into the frames' shares.

    Marks are expected in the order in which the frames were sent. Bytes that come while none is
    expected belong to nobody (something printed late) and are dropped. Memory is bounded by the
    cap of the frame under way, whatever the other side sends.
    """

    def __init__(self) -> None:
        self._expected: deque[tuple[bytes, int, OnOutput | None]] = deque()
        self._tail = b""
        self._kept = bytearray()
        self._truncated = False
        self.stray = 0
        """Bytes that belonged to no frame."""

    def expect(self, mark: str, cap: int, on_output: OnOutput | None = None) -> None:
        """A frame was sent that ends with ``mark``.

        Args:
            mark: see `new_mark`.
            cap: bytes of its output to keep.
            on_output: takes the output as it comes, in place of keeping any.
        """
        self._expected.append((mark.encode(), cap, on_output))

    def feed(self, data: bytes) -> list[Part]:
        """Take the next bytes of the stream; the shares that end in them, in order.

        Raises:
            FramingError: a mark is followed by no status.
        """
        ended: list[Part] = []
        # The tail is shorter than a mark with its status: no byte is looked at more than twice.
        rest = self._tail + data
        while self._expected:
            mark, cap, on_output = self._expected[0]
            at = rest.find(mark)
            if at < 0:
                held = min(len(rest), len(mark) - 1)
                self._tail = rest[len(rest) - held :]
                self._keep(rest[: len(rest) - held], cap, on_output)
                return ended
            self._keep(rest[:at], cap, on_output)
            rest = rest[at:]
            status, newline, behind = rest[len(mark) :].partition(b"\n")
            if len(status) > LONGEST_STATUS:
                raise FramingError("a frame's end carries no status")
            if not newline:
                self._tail = rest
                return ended
            ended.append(self._end(mark, status))
            rest = behind
        self.stray += len(rest)
        self._tail = b""
        return ended

    def peek(self) -> bytes:
        """What has come of the frame under way, without the last few bytes."""
        return bytes(self._kept) + self._tail

    def _keep(self, data: bytes, cap: int, on_output: OnOutput | None) -> None:
        if on_output is not None:
            if data:
                on_output(data)
            return
        room = cap - len(self._kept)
        self._kept += data[:room]
        self._truncated = self._truncated or len(data) > room

    def _end(self, mark: bytes, status: bytes) -> Part:
        part = Part(
            mark.decode(),
            status.decode("ascii", "replace").strip(),
            bytes(self._kept),
            self._truncated,
        )
        self._expected.popleft()
        self._kept = bytearray()
        self._truncated = False
        return part
