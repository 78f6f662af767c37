"""The SFTP client: many requests under way, in bounded memory, whatever the server does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support import sftp as server
from support.engines import make_engine
from support.sftp import Asked, Scripted

from opsrun.errors import Cancelled, ConnectionFailed, ConnectionLost, HostError, TransferFailed
from opsrun.remote.connection import Data, EndOfOutput, Exited
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused
from opsrun.remote.sftp.link import MOST_BYTES, MOST_REQUESTS
from opsrun.remote.sftp.listing import tree
from opsrun.remote.sftp.packets import Code, Kind, Open, framed
from opsrun.remote.sftp.reading import contents
from opsrun.remote.sftp.wire import Attributes, uint32, uint64


class Clock:
    """Goes on when nothing comes, by as long as was waited."""

    def __init__(self) -> None:
        self.now = 0.0
        self.process: Scripted | None = None

    def __call__(self) -> float:
        if self.process is not None:
            self.now += sum(each or 0.0 for each in self.process.waits)
            self.process.waits.clear()
        return self.now


@dataclass
class Stopped:
    """What may end a run."""

    cancelled: bool = False
    reason: str = "interrupted"


def client(process: Scripted, **options: Any) -> SFTP:
    clock = Clock()
    clock.process = process
    return SFTP(process, clock, "h", **options)


def fine(asked: Asked) -> Iterable[bytes]:
    """All is well, and nothing is there."""
    if asked.kind in (Kind.OPEN, Kind.OPENDIR):
        return [server.handle(asked.number)]
    if asked.kind in (Kind.LSTAT, Kind.STAT, Kind.FSTAT):
        return [server.told(asked.number, Attributes(size=0, mode=0o100644, atime=1, mtime=1))]
    if asked.kind in (Kind.READ, Kind.READDIR):
        return [server.status(asked.number, Code.EOF)]
    return [server.status(asked.number)]


def silent(asked: Asked) -> Iterable[bytes]:
    return []


def lstats(number: int) -> Iterator[Operation[Attributes]]:
    return (operations.lstat(b"/%d" % each) for each in range(number))


# -- the beginning


def test_a_server_that_says_something_else_first() -> None:
    process = Scripted(fine, b"Welcome to this fine host!\n")
    with pytest.raises(ConnectionFailed, match="no SFTP: Welcome to this fine host!") as caught:
        client(process)
    assert caught.value.phase == "exec"
    assert "bashrc" in caught.value.hint
    assert process.closed


def test_a_server_of_another_version() -> None:
    with pytest.raises(ConnectionFailed, match="speaks version 2"):
        client(Scripted(fine, server.version(2)))


def test_a_server_that_says_nothing() -> None:
    process = Scripted(fine, b"")
    with pytest.raises(ConnectionFailed, match="no word from the server within 60 s"):
        client(process)
    assert process.closed


def test_a_server_that_ends_at_once_says_why() -> None:
    process = Scripted(fine, b"")
    process.end(1, b"This account is not available.\n")
    with pytest.raises(ConnectionFailed, match=r"exit status 1\): This account is not available"):
        client(process)


def test_the_end_of_its_output_is_waited_behind_for_the_reason() -> None:
    process = Scripted(fine, b"")
    process.say(EndOfOutput())
    process.say(Exited(127))
    with pytest.raises(ConnectionFailed, match="exit status 127"):
        client(process)
    process = Scripted(fine, b"")
    process.say(EndOfOutput())
    with pytest.raises(ConnectionFailed, match="ended before it said a word"):
        client(process)
    assert process.waits == [], "the clock has counted them"


# -- what is under way


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize("takes", [1, 50, 1 << 30])
def test_results_come_in_the_order_of_operations(cut: int, takes: int) -> None:
    waiting: list[int] = []

    def backwards(asked: Asked) -> Iterable[bytes]:
        """Answers eight at a time, the last one first."""
        waiting.append(asked.number)
        if len(waiting) < 8:
            return []
        numbers, waiting[:] = list(reversed(waiting)), []
        return [server.told(each, Attributes(size=each)) for each in numbers]

    sftp = client(Scripted(backwards, cut=cut, takes=takes))
    sizes = [each.size for each in sftp.stream(lstats(64))]
    assert sizes == list(range(1, 65))


def test_requests_under_way_are_bounded() -> None:
    process = Scripted(silent)
    sftp = client(process)
    pulled = count()
    with pytest.raises(ConnectionLost, match="no answer from the SFTP server within 60 s"):
        list(sftp.stream(operations.lstat(b"/%d" % next(pulled)) for _ in range(10_000)))
    assert len(process.asked) == MOST_REQUESTS
    assert next(pulled) <= MOST_REQUESTS + 1, "no more were pulled than sent"


def test_bytes_under_way_are_bounded() -> None:
    process = Scripted(silent)
    sftp = client(process)
    piece = bytes(200_000)
    with pytest.raises(ConnectionLost):
        list(sftp.stream(operations.write_piece(b"h", at, piece, b"/f") for at in range(10_000)))
    assert len(process.asked) == MOST_BYTES // len(piece)


def test_one_request_larger_than_the_bound_goes_alone() -> None:
    sftp = client(Scripted(fine))
    list(sftp.stream([operations.write_piece(b"h", 0, bytes(200_000), b"/f")] * 3))


def test_what_is_read_and_not_taken_is_bounded() -> None:
    """A slow disk of ours: the server is asked for no more than is under way."""

    def zeros(asked: Asked) -> Iterable[bytes]:
        if asked.kind != Kind.READ:
            return fine(asked)
        asked.fields.string()
        asked.fields.uint64()
        return [server.data(asked.number, bytes(asked.fields.uint32()))]

    process = Scripted(zeros)
    sftp = client(process)
    asked = (operations.read_piece(b"h", at, sftp.piece, b"/f") for at in count(0, sftp.piece))
    for number, _ in enumerate(sftp.stream(asked)):
        if number == 500:
            break
    assert process.most_unread <= MOST_BYTES + 64 * 1024
    assert len(process.asked) <= 500 + MOST_REQUESTS + 1


def test_what_the_caller_takes_in_time_is_not_held_against_the_host() -> None:
    process = Scripted(fine)
    clock = Clock()
    sftp = SFTP(process, clock, "h")
    for _ in sftp.stream(lstats(200)):
        clock.now += 1_000.0


def test_a_server_that_drips_is_given_up() -> None:
    """Bytes alone are no sign of life: an answer is."""
    process = Scripted(silent)
    clock = Clock()
    sftp = SFTP(process, clock, "h")
    drops = iter(server.status(1))
    real = process.receive

    def dripping(timeout: float | None) -> Any:
        packet = real(0.0)
        process.waits.clear()
        if packet is None and timeout:
            clock.now += min(timeout, 20.0)
            packet = Data("stdout", bytes([next(drops)]))
        return packet

    process.receive = dripping  # type: ignore[method-assign]
    with pytest.raises(ConnectionLost, match="no answer"):
        sftp.run(operations.lstat(b"/x"))


def test_the_end_of_a_run() -> None:
    stop = Stopped()

    def cancelling(asked: Asked) -> Iterable[bytes]:
        stop.cancelled = process.woken = True
        return []

    process = Scripted(cancelling)
    sftp = client(process, stop=stop)
    with pytest.raises(Cancelled, match="interrupted"):
        sftp.run(operations.lstat(b"/x"))
    process.answer = fine
    process.say(server.status(1, Code.FAILURE))
    with pytest.raises(Cancelled):
        sftp.run(operations.lstat(b"/x"))
    with sftp.farewell(5.0) as possible:
        assert possible
        sftp.run(operations.do(requests.rmdir(b"/x")))
    assert process.asked[-1].kind == Kind.RMDIR


def test_a_farewell_is_bounded() -> None:
    process = Scripted(silent)
    sftp = client(process)
    with sftp.farewell(5.0), pytest.raises(ConnectionLost):
        sftp.run(operations.do(requests.rmdir(b"/x")))
    with sftp.farewell(5.0) as possible:
        assert not possible


# -- failures


def test_the_first_failure_ends_it_once_those_under_way_have_ended() -> None:
    def third(asked: Asked) -> Iterable[bytes]:
        name = asked.fields.string() if asked.kind == Kind.OPEN else b""
        if name == b"/3":
            return [server.status(asked.number, Code.PERMISSION_DENIED, "Permission denied")]
        return fine(asked)

    def operation(path: bytes) -> Operation[None]:
        opened = yield from operations.open_file(path, Open.WRITE)
        yield from operations.with_handle(path, opened, operations.fstat(opened, path))

    process = Scripted(third)
    with pytest.raises(Refused, match="can't write /3: Permission denied") as caught:
        list(client(process).stream(operation(b"/%d" % each) for each in range(1_000)))
    assert caught.value.host == "h"
    kinds = [each.kind for each in process.asked]
    assert kinds.count(Kind.OPEN) - 1 == kinds.count(Kind.CLOSE), "none is left open"
    assert len(kinds) < 300


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        (Code.NO_SUCH_FILE, "", "can't look at /x: No such file or directory"),
        (Code.NO_SUCH_FILE, "No such file", "can't look at /x: No such file or directory"),
        (Code.PERMISSION_DENIED, "Permission denied", "can't look at /x: Permission denied"),
        (Code.FAILURE, "Failure", "can't look at /x: Failure"),
        (Code.FAILURE, "Quota  exceeded\n", "can't look at /x: Quota exceeded"),
        (Code.OP_UNSUPPORTED, "", "can't look at /x: the server doesn't have that"),
        (99, "", "can't look at /x: status 99"),
    ],
)
def test_a_refusal_says_what_which_and_why(code: int, words: str, said: str) -> None:
    sftp = client(Scripted(lambda asked: [server.status(asked.number, code, words)]))
    with pytest.raises(TransferFailed) as caught:
        sftp.run(operations.lstat(b"/x"))
    assert caught.value.message == said
    assert isinstance(caught.value, Refused)
    assert caught.value.code == code
    assert ("no more than that" in caught.value.hint) == (said.endswith("Failure"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda asked: [server.told(asked.number + 1, Attributes())], "which was not asked"),
        (lambda asked: [server.told(asked.number, Attributes())] * 2, "which was not asked"),
        (lambda asked: [server.handle(asked.number)], "handle in answer to a request to look at"),
        (lambda asked: [framed(b"\x63" + uint32(asked.number))], "type 99 is no reply"),
        (lambda asked: [uint32(1 << 30)], "a packet of 1073741824 bytes"),
        (lambda asked: [framed(b"\x69" + uint32(asked.number))], "shorter than"),
    ],
    ids=["id", "twice", "type", "unknown", "length", "cut"],
)
def test_a_server_that_makes_no_sense_is_left(
    answer: Callable[[Asked], Iterable[bytes]], words: str
) -> None:
    sftp = client(Scripted(answer))
    with pytest.raises(ConnectionLost, match=words):
        list(sftp.stream(lstats(3)))
    with pytest.raises(ConnectionLost, match=words):
        sftp.run(operations.lstat(b"/x"))


def test_a_server_that_ends_under_way() -> None:
    process = Scripted(silent)
    sftp = client(process)
    process.end(255, b"killed for fun\n")
    with pytest.raises(ConnectionLost, match=r"exit status 255\): killed for fun") as caught:
        sftp.run(operations.lstat(b"/x"))
    assert caught.value.hint == "what it did is not known"


def test_local_trouble_ends_it_and_the_answers_are_nobodys() -> None:
    def broken() -> Iterator[Operation[Attributes]]:
        yield operations.lstat(b"/1")
        raise HostError("the source has changed")

    sftp = client(Scripted(fine))
    with pytest.raises(HostError, match="the source has changed"):
        list(sftp.stream(broken()))
    assert sftp.run(operations.lstat(b"/2")).size == 0


# -- lies


def listing(*names: bytes) -> Callable[[Asked], Iterable[bytes]]:
    """A directory that has these names, each of them a directory."""
    rounds = count()

    def answer(asked: Asked) -> Iterable[bytes]:
        if asked.kind == Kind.LSTAT:
            return [server.told(asked.number, Attributes(mode=0o40755))]
        if asked.kind == Kind.READDIR and next(rounds) == 0:
            told = ((name, Attributes(mode=0o40755)) for name in names)
            return [server.names(asked.number, *told)]
        return fine(asked)

    return answer


@pytest.mark.parametrize("name", [b"../x", b"/etc/passwd", b"a/b", b"a\0b", b""])
def test_a_name_that_can_not_be_one_is_refused(name: bytes) -> None:
    process = Scripted(listing(b".", b"..", b"good", name))
    with pytest.raises(TransferFailed, match="can't list /top: the host lists"):
        tree(client(process), b"/top")
    assert process.asked[-1].kind == Kind.CLOSE


def test_the_directory_itself_and_its_parent_are_no_entries() -> None:
    sftp = client(Scripted(listing(b".", b"..", b"a\nb", b"-rf", b"\xff")))
    paths = [each.path for each in tree(sftp, b"/top")]
    assert paths == [b"", b"-rf", b"a\nb", b"\xff"]


def test_a_listing_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_NAMES", 1_000)
    names = count()

    def endless(asked: Asked) -> Iterable[bytes]:
        if asked.kind == Kind.READDIR:
            told = ((b"%d" % next(names), Attributes()) for _ in range(100))
            return [server.names(asked.number, *told)]
        return fine(asked)

    with pytest.raises(TransferFailed, match="over 1,000 names"):
        client(Scripted(endless)).run(operations.listdir(b"/d"))


def test_a_listing_that_goes_on_without_a_name() -> None:
    def empty(asked: Asked) -> Iterable[bytes]:
        return [server.names(asked.number)] if asked.kind == Kind.READDIR else fine(asked)

    with pytest.raises(ConnectionLost, match="without a name"):
        client(Scripted(empty)).run(operations.listdir(b"/d"))


def test_directories_in_each_other_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsrun.remote.sftp.listing.MOST_LEVELS", 20)
    given: set[bytes] = set()
    opened: dict[bytes, bytes] = {}

    def deep(asked: Asked) -> Iterable[bytes]:
        if asked.kind == Kind.LSTAT:
            return [server.told(asked.number, Attributes(mode=0o40755))]
        if asked.kind == Kind.OPENDIR:
            opened[b"%d" % asked.number] = asked.fields.string()
            return [server.handle(asked.number, b"%d" % asked.number)]
        if asked.kind == Kind.READDIR:
            name = asked.fields.string()
            if name not in given:
                given.add(name)
                return [server.names(asked.number, (b"d", Attributes(mode=0o40755)))]
        return fine(asked)

    with pytest.raises(TransferFailed, match="directories in each other"):
        tree(client(Scripted(deep)), b"/top")


def reading(size: int, content: bytes, later: int | None = None, most: int = 1 << 20) -> Scripted:
    """A file that is said to be of ``size`` bytes and holds ``content``."""
    sizes = iter([size, size, size if later is None else later])

    def answer(asked: Asked) -> Iterable[bytes]:
        if asked.kind in (Kind.STAT, Kind.FSTAT):
            told = Attributes(size=next(sizes), mode=0o100644, atime=1, mtime=1)
            return [server.told(asked.number, told)]
        if asked.kind == Kind.READ:
            asked.fields.string()
            at, wanted = asked.fields.uint64(), asked.fields.uint32()
            data = content[at : at + min(wanted, most)]
            return [server.data(asked.number, data)] if data else fine(asked)
        return fine(asked)

    return Scripted(answer)


@pytest.mark.parametrize("most", [1, 3, 1_000, 1 << 20])
def test_short_reads_are_gone_on_with(most: int) -> None:
    content = os.urandom(2_500)
    sftp = client(reading(len(content), content, most=most))
    assert b"".join(contents(sftp, b"/f")) == content


def test_a_file_without_a_size_is_read_to_its_end() -> None:
    content = os.urandom(100_000)
    assert b"".join(contents(client(reading(0, content)), b"/f")) == content


@pytest.mark.parametrize(
    ("size", "length", "later"),
    [(10, 9, None), (10, 11, None), (10, 10, 11), (100_000, 99_999, None), (10, 0, None)],
)
def test_a_file_that_is_not_of_its_size_has_changed(
    size: int, length: int, later: int | None
) -> None:
    process = reading(size, bytes(length), later)
    with pytest.raises(TransferFailed, match="/f changed while it was read"):
        list(contents(client(process), b"/f"))
    assert process.asked[-1].kind == Kind.CLOSE


def test_more_bytes_than_were_asked_for() -> None:
    def generous(asked: Asked) -> Iterable[bytes]:
        return [server.data(asked.number, bytes(11))] if asked.kind == Kind.READ else fine(asked)

    with pytest.raises(ConnectionLost, match="11 bytes where 10 were asked for"):
        client(Scripted(generous)).run(operations.read_piece(b"h", 0, 10, b"/f"))


def test_what_would_be_waited_for_is_not_opened() -> None:
    def fifo(asked: Asked) -> Iterable[bytes]:
        if asked.kind == Kind.STAT:
            return [server.told(asked.number, Attributes(mode=0o10644))]
        raise AssertionError(asked)

    with pytest.raises(TransferFailed, match="/f is neither file nor directory"):
        list(contents(client(Scripted(fifo)), b"/f"))


def test_limits_are_kept_to() -> None:
    told = b"".join(map(uint64, (262_144, 20_000, 30_000, 10)))

    def answer(asked: Asked) -> Iterable[bytes]:
        if asked.kind == Kind.EXTENDED:
            return [framed(bytes([201]) + uint32(asked.number) + told)]
        return silent(asked)

    first = server.version(**{"limits@openssh.com": "1"})
    process = Scripted(answer, first)
    sftp = client(process)
    with pytest.raises(ConnectionLost):
        list(sftp.stream(lstats(100)))
    assert sftp.piece == 20_000
    told = b""
    with pytest.raises(ConnectionLost, match="shorter than"):
        list(client(Scripted(answer, first)).stream(lstats(100)))


# -- a real server


def test_against_openssh(tmp_path: Path) -> None:
    engine = make_engine()
    sftp = server.openssh(engine, directory=tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "f").write_bytes(b"x" * 300_000)
    entries = {each.path: each for each in tree(sftp, os.fsencode(tmp_path))}
    assert set(entries) == {b"", b"sub", b"link", b"f"}
    assert (entries[b"f"].size, entries[b"link"].target) == (300_000, b"nowhere")
    assert sftp.run(operations.realpath(b".")) == os.fsencode(tmp_path)
    assert sftp.piece > 32 * 1024, "its limits are known by now"
    with pytest.raises(Refused, match="No such file"):
        sftp.run(operations.listdir(b"/no-such"))
    sftp.close()
    assert engine.close(10.0)
