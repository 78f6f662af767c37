"""One life of a persistent shell: frames out, results in, until it ends for whatever reason."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opsrun.errors import (
    Cancelled,
    ConnectionFailed,
    ConnectionLost,
    HostError,
    TransferFailed,
)
from opsrun.remote.connection import (
    Closed,
    Connection,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Packet,
    Process,
    Victim,
)
from opsrun.remote.deadline import Clock, Deadline
from opsrun.remote.framing import (
    Frame,
    FramingError,
    OnOutput,
    Part,
    StreamDecoder,
    encoded_phrase,
    new_mark,
)
from opsrun.remote.killing import GRACE, Quarry, Toll, end_all, fate
from opsrun.remote.limits import Limits
from opsrun.remote.loop import GARBLED, NOT_TAKEN, start_script
from opsrun.remote.phrases import Phrases
from opsrun.remote.running import SIGNAL_ANSWER, Stopping, at
from opsrun.remote.ticket import Allowed, Ticket

_CHUNK = 256 * 1024
_AFTER_EXIT = 2.0
"""Seconds for what the shell wrote last, once its end is known."""

_GREETING_CAP = 4096

_GRACE_OF_INTAKES = 5.0
"""Seconds between asking a script that takes a stream to end and killing it: it may have thousands
of files to remove. Beyond it, `Run` would not wait for us."""

_UNREAD = 256
"""Packets that are still looked at once a deadline is over: an endless output is not an answer."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How a session's shell is talked to: whose host it is, and who may end it."""

    host: str
    clock: Clock
    stop: Stopping | None
    greeting: float
    """Seconds for the shell to come up."""


class Shell:
    """A loop on a host, from its start to its end. Used by one task at a time.

    Frames go out as fast as the pipe takes them, and before the loop has greeted: opening a
    session costs no round trip of its own.

    Raises:
        ConnectionFailed: see `Connection.start`.
    """

    def __init__(self, connection: Connection, ends: Ends, shell: str = "sh") -> None:
        self._ends = ends
        self._connection = connection
        self._decoders = {"stdout": StreamDecoder(), "stderr": StreamDecoder()}
        self._pending: deque[Ticket] = deque()
        self._outbox: deque[Iterator[bytes]] = deque()
        self._unsent = memoryview(b"")
        self._phrases = Phrases()
        self._victim: Victim | None = None
        self._exited: Exited | None = None
        self.dead = False
        """Nothing more can be sent; whatever was pending has failed."""
        mark = new_mark()
        self._greeting: Ticket | None = self._expect(mark, Allowed(_GREETING_CAP, ends.greeting))
        self._started = ends.clock()
        self._tag = new_mark()
        script = start_script(mark, shell, self._tag)
        self._process: Process = connection.start(script, Manner(tag=self._tag))

    def send(self, frame: Frame, allowed: Allowed, on_stdout: OnOutput | None = None) -> Ticket:
        """Send a frame ahead; waits for nothing but a stream's own chunks."""
        mark = new_mark()
        ticket = self._expect(mark, allowed, on_stdout)
        ticket.tag = new_mark()
        ticket.takes = frame.stream is not None
        self._pending[0].begin()
        script, new = self._phrases.shortened(frame.script)
        for number, text in new:
            self._outbox.append(iter((encoded_phrase(number, text),)))
        self._outbox.append(replace(frame, script=script).encode(mark, ticket.tag))
        self._guarded(self._write)
        return ticket

    def interrupt(self) -> None:
        """Have `step` look at the stop now; safe from any other task."""
        self._process.wake()

    def step(self) -> None:
        """Wait for one piece of news and deal with it."""
        if self._ends.stop is not None and self._ends.stop.cancelled:
            self._end(Cancelled(self._ends.stop.reason, host=self._ends.host))
            return
        self._guarded(self._look)

    def _look(self) -> None:
        limits = self._pending[0].begin()
        if limits.expired:
            if not self._came_in_time(limits):
                self._expire(limits)
            return
        packet = self._process.receive(_AFTER_EXIT if self._exited else limits.remaining())
        if packet is not None:
            self._take(packet)
        elif self._exited is not None:
            self._die(self._obituary())

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except ConnectionLost as error:
            self._die(error.message)
        except FramingError as error:
            self._die(str(error))
        except HostError as error:
            # Of whoever gives or takes a frame's bytes: what the host still sends is nobody's.
            self._end(error)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the loop: it is idle, or what runs in it is given up."""
        held = [each for each in self._pending if each is not self._greeting and not each.idle]
        if held and self._greeting is None and not self.dead:
            self._kill()
        self._process.close_stdin()
        self._die("the session was closed")

    def is_greeting(self, ticket: Ticket) -> bool:
        """Whether ``ticket`` stands for the loop's first words, which carry no exit status."""
        return ticket is self._greeting

    # -- inside

    def _expect(self, mark: str, allowed: Allowed, on_stdout: OnOutput | None = None) -> Ticket:
        ticket = Ticket(self, mark, allowed, self._ends.clock)
        self._decoders["stdout"].expect(mark, allowed.cap, on_stdout)
        self._decoders["stderr"].expect(mark, allowed.cap)
        self._pending.append(ticket)
        return ticket

    def _write(self) -> None:
        while self._unsent or self._outbox:
            if not self._unsent:
                with self._pardoned():
                    self._unsent = memoryview(self._next_chunk())
                continue
            chunk = self._unsent[:_CHUNK]
            sent = self._process.write(chunk)
            self._unsent = self._unsent[sent:]
            if sent and self._pending:
                self._pending[0].begin().heard()
            if sent < len(chunk):
                # `Writable` will come; until then there may be answers to read.
                return

    def _next_chunk(self) -> bytes:
        chunk = next(self._outbox[0], None)
        if chunk is None:
            self._outbox.popleft()
        return chunk or b""

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Data):
            if self._pending:
                self._pending[0].begin().heard()
            with self._pardoned():
                ended = self._decoders[packet.stream].feed(packet.data)
            for part in ended:
                self._end_part(packet.stream, part)
        elif isinstance(packet, Exited):
            self._exited = packet
        elif isinstance(packet, (EndOfOutput, Closed)):
            if isinstance(packet, Closed) or self._exited is not None:
                self._die(self._obituary())
        else:
            self._write()

    def _end_part(self, stream: str, part: Part) -> None:
        ticket = next(each for each in self._pending if each.mark == part.mark)
        if ticket is self._greeting and stream == "stdout":
            self._victim = _greeted(part.status)
        ticket.add(stream, part, self._ends.host)
        while self._pending and self._pending[0].done:
            self._pending.popleft()
        if self._greeting is not None and self._greeting.done:
            self._greeting = None
        if self._pending:
            self._pending[0].begin()

    @contextmanager
    def _pardoned(self) -> Iterator[None]:
        """Time that whoever gives or takes a frame's bytes here needs; no fault of the host's."""
        before = self._ends.clock()
        yield
        if self._pending:
            self._pending[0].begin().pardon(self._ends.clock() - before)

    def _came_in_time(self, limits: Limits) -> bool:
        """Whether the frame had ended, or said something, when nobody was looking."""
        for _ in range(_UNREAD):
            packet = self._process.receive(0)
            if packet is None:
                break
            self._take(packet)
            if self.dead or not self._pending or self._pending[0].begin() is not limits:
                return True
        return not limits.expired

    def _expire(self, limits: Limits) -> None:
        expiry = limits.expiry()
        if self._greeting is not None:
            words = f"no answer from its shell within {self._ends.greeting:g} s"
            self._end(self._no_shell(words))
            return
        toll = self._kill()
        words = fate(toll, seen=self._exited is not None)
        self._pending[0].fail(expiry.error(words, self._ends.host))
        self._die("the session was ended, because a script before this one took too long")

    def _no_shell(self, message: str) -> ConnectionFailed:
        came = b" ".join(decoder.peek() for decoder in self._decoders.values())
        words = came.decode(errors="replace").strip().partition("\n")[0][:200]
        return ConnectionFailed(
            message + (f": {words}" if words else ""),
            host=self._ends.host,
            phase="exec",
            hint="it has to be a POSIX shell",
        )

    def _not_taken(self) -> TransferFailed:
        words = self._decoders["stderr"].peek().decode(errors="replace").strip()
        return TransferFailed(
            words.partition("\n")[0] or "the host did not take what it was sent",
            host=self._ends.host,
        )

    def _obituary(self) -> str:
        return at(self._process) + self._last_news()

    def _last_news(self) -> str:
        if self._exited is None:
            return "the session's channel was closed without an exit status"
        if self._exited.signal is not None:
            return f"the session's shell was ended by signal {self._exited.signal}"
        if self._exited.rc == GARBLED:
            return "the session's shell lost its place: the host's head(1) or dd(1) reads wrong"
        return f"the session's shell ended with exit status {self._exited.rc}"

    def _end(self, error: HostError) -> None:
        self._kill()
        for ticket in self._pending:
            ticket.fail(error)
        self._die(error.message)

    def _die(self, message: str) -> None:
        if self.dead:
            return
        self.dead = True
        failure: HostError
        if self._greeting is not None:
            failure = self._no_shell(message)
        elif self._exited is not None and self._exited.rc == NOT_TAKEN:
            failure = self._not_taken()
        else:
            failure = ConnectionLost(
                message, host=self._ends.host, hint="what the script did is not known"
            )
        for ticket in self._pending:
            ticket.fail(failure)
        self._pending.clear()
        self._outbox.clear()
        self._unsent = memoryview(b"")
        self._process.close()

    def _kill(self) -> Toll | None:
        """End the loop and what the frame under way started; what became of it.

        What earlier frames left behind stays: it has other tags, and only its session is the same.
        """
        victim = self._victim and replace(self._victim, session=0)
        tag = self._pending[0].tag if self._pending else ""
        takes = bool(self._pending) and self._pending[0].takes
        quarry = Quarry(tag or self._tag, self._started, victim)
        try:
            if takes:
                # A program that was born as the signals went out reads on, and its shell waits.
                self._process.close_stdin()
            grace = _GRACE_OF_INTAKES if takes else GRACE
            toll = end_all(self._connection, quarry, self._ends.clock, grace=grace)
            if not self._ends_within(SIGNAL_ANSWER):
                self._process.signal("KILL")
                self._ends_within(GRACE)
        except HostError:
            return None
        return toll

    def _ends_within(self, seconds: float) -> bool:
        patience = Deadline("run", seconds, self._ends.clock)
        while self._exited is None and not patience.expired:
            packet = self._process.receive(patience.remaining())
            if isinstance(packet, Closed):
                break
            if isinstance(packet, Exited):
                self._exited = packet
        return self._exited is not None


def _greeted(text: str) -> Victim:
    try:
        return Victim.parse(text)
    except ValueError:
        raise FramingError(f"the session's shell greeted with {text!r}") from None
