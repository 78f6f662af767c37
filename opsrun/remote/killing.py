"""Ends what a command started, over a second channel of the same connection.

A signal over the channel itself (RFC 4254 section 6.9) is honoured by few, OpenSSH refuses it for
root and for forced commands, and it reaches one process group. So every command carries a random
tag in its environment (`Manner.tag`), and one script on the host finds whoever has it, whoever
descends from these, and where there is no tag what there is instead; see `kill_script`. It asks
them to end, waits, kills them, looks again for those that were born meanwhile, and names whoever
goes on: as whose user it runs is the connection's business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from opsrun.errors import HostError
from opsrun.remote.connection import (
    CARRIER,
    TAG,
    Closed,
    Connection,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Process,
    Victim,
    Writable,
)
from opsrun.remote.deadline import Clock, Deadline
from opsrun.remote.framing import new_mark
from opsrun.remote.kill_script import GONE, LAUNCH, LEFT, OVER, SCRIPT

PATIENCE = 3.0
"""Seconds that opening a second channel may take."""

LOOKING = 6.0
"""Seconds that looking for processes may take in all. With a thousand of them it takes 0.1 s of a
processor's time, but a host that is at its limit is where commands run past theirs."""

GRACE = 1.0
"""Seconds between asking processes to end and killing them."""

LAST = 0.5
"""Seconds that killed processes have to be gone."""

NAMED = 4
"""So many processes that go on are named in an error; the others are counted."""

_TICK = 0.05
_LONGEST_ANSWER = 256 * 1024
_SLACK = 300.0
"""Seconds by which this machine's clock and the host's may differ about when a command began."""


@dataclass(frozen=True, slots=True)
class Quarry:
    """What is to be ended."""

    tag: str
    """What it carries in its environment, see `Manner.tag`."""
    started: float
    """When it was started, on the clock."""
    victim: Victim | None = None
    """Its first process, where that is known."""


@dataclass(frozen=True, slots=True)
class Toll:
    """What became of it."""

    found: int
    """So many processes were its own."""
    left: tuple[str, ...] = ()
    """Process id and name of those that go on: ``1234 sleep``."""


def end_all(
    connection: Connection, quarry: Quarry, clock: Clock, *, grace: float = GRACE
) -> Toll | None:
    """Have everything end that a command started; bounded by `PATIENCE`, `LOOKING` and ``grace``.

    Args:
        connection: as whose user the signals are sent.
        quarry: nothing happens to another process that got the number of one of its.
        clock: monotonic seconds.
        grace: seconds between TERM and KILL; 0 for KILL at once.

    Returns:
        None where nobody could have a look.
    """
    mark = new_mark()
    script = _script(mark, quarry, clock, grace)
    patience = Deadline("run", PATIENCE + LOOKING + grace + LAST, clock)
    try:
        process = connection.start(LAUNCH, Manner(patience=PATIENCE, tag=f"kill-{mark}"))
    except HostError:
        return None
    try:
        return _parse(_talk(process, script.encode(), mark.encode(), patience), mark)
    except HostError:
        return None
    finally:
        process.close()


def fate(toll: Toll | None, *, seen: bool) -> str:
    """What became of a command, in words.

    Args:
        toll: of all that it started; None where that is not known.
        seen: the command itself was seen to end.
    """
    if toll is not None and toll.left:
        more = f", +{len(toll.left) - NAMED} more" if len(toll.left) > NAMED else ""
        return f"told to end, this may still be running: {', '.join(toll.left[:NAMED])}{more}"
    if not seen:
        return "told to end, it did not answer: it may still be running"
    if toll is None:
        return "it was ended; whether all that it started was, could not be seen"
    return "it was ended"


def _script(mark: str, quarry: Quarry, clock: Clock, grace: float) -> str:
    victim = quarry.victim
    words = {
        "mark": mark,
        "name": TAG,
        "carrier": CARRIER,
        "tag": quarry.tag,
        "root": victim.pid if victim else "",
        "born": victim.began if victim else "",
        "session": (victim.session or "") if victim else "",
        # Twice: a clock that stood still while this machine slept counted too little.
        "window": math.ceil(2 * max(0.0, clock() - quarry.started) + _SLACK),
        "grace": math.ceil(grace / _TICK),
        "last": math.ceil(LAST / _TICK),
    }
    return SCRIPT % words


def _talk(process: Process, script: bytes, mark: bytes, patience: Deadline) -> str:
    """Feed the shell its script; all that it says up to its last word."""
    said, unsent, over = b"", script, b"%s %s\n" % (mark, OVER.encode())
    while True:
        if unsent:
            unsent = unsent[process.write(unsent) :]
            if not unsent:
                process.close_stdin()
        packet = process.receive(patience.remaining())
        if isinstance(packet, Data) and packet.stream == "stdout":
            said = (said + packet.data)[-_LONGEST_ANSWER:]
        if over in said or isinstance(packet, (Closed, EndOfOutput)) or patience.expired:
            return said.decode("utf-8", "replace")
        if isinstance(packet, (Exited, Writable)):
            continue


def _parse(said: str, mark: str) -> Toll | None:
    found, left, over = 0, [], False
    for line in said.split("\n"):
        _, ours, words = line.partition(f"{mark} ")
        kind, _, rest = words.partition(" ")
        if not ours:
            continue
        if kind == GONE and rest.isdecimal():
            found = int(rest)
        elif kind == LEFT:
            left.append(rest)
        over = over or kind == OVER
    return Toll(found, tuple(left)) if over else None
