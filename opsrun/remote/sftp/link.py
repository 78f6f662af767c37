"""One life of an SFTP server: requests out, replies in, until it ends for whatever reason."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opsrun.errors import Cancelled, ConnectionFailed, ConnectionLost, HostError
from opsrun.remote.connection import Closed, Data, EndOfOutput, Exited, Packet, Process
from opsrun.remote.deadline import Clock
from opsrun.remote.running import Stopping
from opsrun.remote.sftp.packets import Decoder, Reply, hello, parse_reply, parse_version
from opsrun.remote.sftp.requests import Request
from opsrun.remote.sftp.wire import PacketError

PATIENCE = 60.0
"""Seconds that an answer may take, in which no other comes either and nothing more is taken."""

MOST_REQUESTS = 64
"""Requests under way at once."""

MOST_BYTES = 4 * 1024 * 1024
"""Bytes under way at once, there and back: what bounds memory, whatever the size of a file."""

_CHUNK = 128 * 1024
_LAST_WORDS = 4096
_AFTER_END = 2.0
"""Seconds for the reason of the server's end, once its output has ended."""

OnReply = Callable[[Reply], None]


class Link:
    """Has requests answered. Used by one task at a time.

    Args:
        process: its streams are an SFTP server's; it isn't closed here.
        clock: monotonic seconds.
        host: inventory name, for errors.
        stop: what may end the run from outside.
        patience: seconds, see `PATIENCE`.

    Raises:
        ConnectionFailed: there is no server of ours: nothing was asked of it.
        Cancelled: ``stop`` ended the run.
    """

    def __init__(
        self,
        process: Process,
        clock: Clock,
        host: str,
        stop: Stopping | None,
        patience: float,
    ) -> None:
        self._process = process
        self._clock = clock
        self.host = host
        self._stop = stop
        self._patience = patience
        self._heard = clock()
        self._decoder = Decoder()
        self._waiting: deque[tuple[Request, OnReply]] = deque()
        self._pending: dict[int, tuple[Request, OnReply]] = {}
        self._weight = 0
        self._number = 0
        self._outbox: deque[bytes] = deque([hello()])
        self._unsent = memoryview(b"")
        self._said = b""
        self._ended = ""
        self._output_over = False
        self._until: float | None = None
        self._dead: HostError | None = None
        self._greeted = False
        self.extensions: dict[bytes, bytes] = {}
        """What the server has beyond the draft, by name."""
        while not self._greeted:
            self.step()

    # -- asked by the one who uses it

    def ask(self, request: Request, on_reply: OnReply) -> None:
        """Have a request sent as soon as there is room; ``on_reply`` is called within `step`.

        Raises:
            HostError: the link has ended.
        """
        if self._dead is not None:
            raise self._dead
        if not self._pending:
            self._heard = self._clock()
        self._waiting.append((request, on_reply))

    def step(self) -> None:
        """Send what can be sent, wait for one piece of news and deal with it.

        Raises:
            ConnectionFailed, ConnectionLost: the link has ended.
            Cancelled: the run was ended.
        """
        if self._stop is not None and self._stop.cancelled:
            raise Cancelled(self._stop.reason, host=self.host)
        if self._dead is not None:
            raise self._dead
        try:
            self._write()
            packet = self._process.receive(self._left())
            if packet is not None:
                self._take(packet)
            elif not self._left():
                # Behind the look at what waits: it may have been us who did not listen.
                raise self._over() if self._output_over else self._silent()
        except (ConnectionLost, ConnectionFailed) as error:
            self._dead = error
            raise
        except PacketError as error:
            self._dead = self._garbled(str(error))
            raise self._dead from error

    def interrupt(self) -> None:
        """Have `step` look at the stop now; safe from any other task."""
        self._process.wake()

    @contextmanager
    def pardoned(self) -> Iterator[None]:
        """Time that whoever gives or takes a file's bytes needs; no fault of the host's."""
        before = self._clock()
        yield
        self._heard += self._clock() - before

    @contextmanager
    def farewell(self, seconds: float) -> Iterator[bool]:
        """For the last requests of a run that was ended: its end is no reason not to send them.

        They have so many seconds in all. Gives whether it makes sense to try; what was not sent
        before is given up.
        """
        stop, self._stop = self._stop, None
        self._until = self._clock() + seconds
        self._waiting.clear()
        try:
            yield self._dead is None
        finally:
            self._stop, self._until = stop, None

    # -- inside

    def _left(self) -> float:
        """Seconds until something has to have come."""
        patience = _AFTER_END if self._output_over else self._patience
        end = self._heard + patience
        if self._until is not None:
            end = min(end, self._until)
        return max(0.0, end - self._clock())

    def _write(self) -> None:
        while True:
            self._fill()
            if not self._unsent:
                if not self._outbox:
                    return
                self._unsent = memoryview(self._joined())
            sent = self._process.write(bytes(self._unsent[:_CHUNK]))
            short = sent < min(_CHUNK, len(self._unsent))
            self._unsent = self._unsent[sent:]
            if sent:
                self._heard = self._clock()
            if short:
                # `Writable` will come; until then there may be answers to read.
                return

    def _fill(self) -> None:
        """Number what has room under way; the others stay requests, and take next to no memory."""
        while self._waiting:
            request, on_reply = self._waiting[0]
            full = len(self._pending) >= MOST_REQUESTS
            if self._pending and (full or self._weight + request.weight > MOST_BYTES):
                return
            self._waiting.popleft()
            self._number = (self._number + 1) % (1 << 32)
            self._pending[self._number] = request, on_reply
            self._weight += request.weight
            self._outbox.append(request.encode(self._number))

    def _joined(self) -> bytes:
        """Small packets together: each write is a packet of the layer below."""
        if len(self._outbox) == 1:
            return self._outbox.popleft()
        parts, size = [self._outbox.popleft()], 0
        while self._outbox and (size := size + len(parts[-1])) < _CHUNK:
            parts.append(self._outbox.popleft())
        return b"".join(parts)

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Data):
            if packet.stream == "stderr":
                self._said = (self._said + packet.data)[-_LAST_WORDS:]
            else:
                self._read(packet.data)
        elif isinstance(packet, Exited):
            status = f"exit status {packet.rc}" if packet.signal is None else packet.signal
            self._ended = f" ({status})"
        elif isinstance(packet, EndOfOutput):
            self._output_over, self._heard = True, self._clock()
        elif isinstance(packet, Closed):
            raise self._over()
        if self._output_over and self._ended:
            raise self._over()

    def _read(self, data: bytes) -> None:
        for packet in self._decoder.feed(data):
            self._heard = self._clock()
            if not self._greeted:
                self.extensions, self._greeted = parse_version(packet), True
                continue
            number, reply = parse_reply(packet)
            asked = self._pending.pop(number, None)
            if asked is None:
                raise PacketError(f"an answer to request {number}, which was not asked")
            self._weight -= asked[0].weight
            asked[1](reply)

    def _over(self) -> HostError:
        words = self._said.decode(errors="replace").strip().rpartition("\n")[2]
        said = f": {words}" if words else ""
        if not self._greeted:
            return self._no_server(f"the server ended before it said a word{self._ended}{said}")
        return self._lost(f"the SFTP server ended{self._ended}{said}")

    def _silent(self) -> HostError:
        if not self._greeted:
            return self._no_server(f"no word from the server within {self._patience:g} s")
        return self._lost(f"no answer from the SFTP server within {self._patience:g} s")

    def _garbled(self, words: str) -> HostError:
        if self._greeted:
            return self._lost(f"what the server says is no SFTP: {words}")
        first = self._decoder.peek()[:200].decode(errors="replace").strip().partition("\n")[0]
        return self._no_server(
            f"what the server says is no SFTP: {first or words}",
            "does a login file (.bashrc) print something?",
        )

    def _no_server(self, words: str, hint: str = "") -> ConnectionFailed:
        hint = hint or "has it SFTP? See Subsystem in its sshd_config"
        return ConnectionFailed(words, host=self.host, phase="exec", hint=hint)

    def _lost(self, words: str) -> ConnectionLost:
        return ConnectionLost(words, host=self.host, hint="what it did is not known")
