"""A host's files, over its session: what puts, gets and syncs are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from opsrun.errors import ConnectionLost, TransferFailed
from opsrun.remote.files import complaints
from opsrun.remote.files.changing import Change, directory_script
from opsrun.remote.files.delivery import Attributes, Delivered, Delivery
from opsrun.remote.files.digesting import digest_script, parse_digests
from opsrun.remote.files.fetching import (
    beginning_digest_script,
    beginning_script,
    pack_script,
    read_script,
)
from opsrun.remote.files.globbing import Match, expand_script, parse_expanded
from opsrun.remote.files.host_files import Digests, OnData
from opsrun.remote.files.intake import Intake
from opsrun.remote.files.listing import (
    Listing,
    asked,
    inside,
    names_script,
    parse_listing,
    tree_script,
)
from opsrun.remote.files.looking import Look, look_script, parse_look
from opsrun.remote.files.owners import owners_script, parse_owners
from opsrun.remote.files.sending import Limits, Scripts
from opsrun.remote.files.tools import Check
from opsrun.remote.files.trouble import numbered, said, shown
from opsrun.remote.files.words import absolute, checked, joined, split
from opsrun.remote.session import Session, Stream
from opsrun.trees.entry import Entry, Kind

_BY_SIGNAL = 128
"""What a shell adds to a signal's number for an exit status."""


class RemoteFiles:
    """Files of one host, as the user of a session. Names are bytes, as they are on the host.

    Any of its methods raises the errors of `opsrun.remote.ticket.Ticket.result`, and `HostError`
    with the path and the words of the host's tool for what the host refused. Used by one task at a
    time, as the session is.

    Args:
        session: the host's shell.
        host: inventory name, for errors.
        limits: for each script.
    """

    def __init__(self, session: Session, host: str = "", limits: Limits | None = None) -> None:
        self._host = host
        self._scripts = Scripts(session, host, limits or Limits())

    # -- looking

    def look(self, dest: bytes, names: Sequence[bytes] = ()) -> Look:
        """What the host has to copy with, and what is under ``dest``; one round trip.

        Args:
            dest: absolute, below the login directory, or below a home (``~/``, ``~user/``).
            names: expected ones, of which the look holds those that exist below ``dest``.

        Raises:
            UsageError: ``dest`` is empty, or a name leads out of it.
        """
        checked(names)
        ended = self._scripts.run(look_script(dest, names), dest)
        with self._scripts.named():
            look = parse_look(ended.stdout, names)
        if look.doubtful:
            seen = [*look.entries, *self._singly(look.real.path, look.doubtful)]
            look = replace(look, entries=tuple(inside(seen, names)), doubtful=())
        return look

    def entries(self, top: bytes, names: Sequence[bytes] | None = None) -> list[Entry]:
        """All that is below a directory, or those of ``names`` that exist; one round trip.

        Links are told of, never followed. What vanishes meanwhile is left out; a directory that
        can't be read is an error.

        Args:
            top: absolute.
            names: None for all, ``top`` itself with them.

        Raises:
            UsageError: ``top`` is relative, or a name leads out of it.
        """
        absolute(top)
        if names is None:
            return self._listed(top, tree_script(top)).entries
        wanted = asked(checked(names))
        return inside(self._listed(top, names_script(top, wanted)).entries, names)

    def _listed(self, top: bytes, script: str) -> Listing:
        listing = self._parsed(top, script)
        listing.entries += self._singly(top, listing.doubtful)
        return listing

    def _singly(self, top: bytes, names: Sequence[bytes]) -> list[Entry]:
        """Entries of names whose place in a portion's lines is not known."""
        if not names:
            return []
        return self._parsed(top, names_script(top, names, singly=True)).entries

    def _parsed(self, top: bytes, script: str) -> Listing:
        ended = self._scripts.run(script, top, tolerant=True)
        with self._scripts.named():
            return parse_listing(ended.stdout)

    def digests(
        self, top: bytes, files: Sequence[Entry], check: Check = Check.SHA256
    ) -> dict[bytes, str]:
        """Checksums of files; those that vanished or can't be read have none.

        Args:
            top: absolute.
            files: their sizes say which tool is the quickest.
            check: ``Look.tools.check``.

        Returns:
            Lower-case SHA-256, or cksum's ``CRC SIZE``, by name.
        """
        if not files:
            return {}
        script = self._digest_script(top, files, check)
        return parse_digests(self._scripts.run(script, top, tolerant=None).stdout, files, check)

    def expand(self, patterns: Sequence[bytes]) -> list[Match]:
        """What paths with wildcards stand for on this host; see `globbing`. One round trip.

        Raises:
            UsageError: one of them is empty.
        """
        if not patterns:
            return []
        ended = self._scripts.run(expand_script(patterns), b"")
        with self._scripts.named():
            return parse_expanded(ended.stdout, patterns)

    def owners(self, user: str, group: str) -> tuple[int | None, int | None]:
        """The numbers of a user and a group; one round trip, none for two empty names.

        Args:
            user, group: names or numbers; empty for none.

        Raises:
            HostError: the host knows no such name.
        """
        if not user and not group:
            return None, None
        ended = self._scripts.run(owners_script(user, group), b"")
        with self._scripts.named():
            return parse_owners(ended.stdout, user, group)

    # -- putting

    def deliver(
        self, delivery: Delivery, chunks: Iterable[bytes], digests: Digests | None = None
    ) -> Delivered:
        """Put files in their places, whole or not at all; one frame.

        Args:
            delivery: what comes, and where it goes.
            chunks: the bytes of its parts, `Delivery.size` of them; pulled as the host takes them.
            digests: called behind the last chunk: the checksum of each file, made with
                ``delivery.check``. None where there is no file.

        Raises:
            TransferFailed: all is as it was, and no stage is left.
            HostError: some renames were made when one was refused; it says so.
            ConnectionLost: what was done is not known; the stage is removed by the host.
        """
        intake = Intake(delivery)
        stream = Stream(delivery.size + intake.trailer, _with_closing(intake, chunks, digests))
        try:
            ended = self._scripts.feed(intake.script(), stream)
        except TransferFailed as error:
            raise complaints.of_delivery(error.message, intake, delivery, self._host) from error
        if ended.rc:
            words = ended.stderr.decode(errors="replace")
            if ended.rc > _BY_SIGNAL and not said(words)[0]:
                signal = ended.rc - _BY_SIGNAL
                raise ConnectionLost(
                    f"the script that puts files in place was ended by signal {signal}",
                    host=self._host,
                    hint=f"look for {delivery.stage.decode()} in {shown(delivery.directory)}",
                )
            raise complaints.of_delivery(words, intake, delivery, self._host)
        return intake.delivered(ended.stdout)

    def remove(self, top: bytes, names: Sequence[bytes]) -> None:
        """Remove files and whole directories below ``top``, over no link.

        Raises:
            UsageError: a name leads out of it.
        """
        change = Change(top, names)
        if names:
            self._change(change, change.removal())

    def set_attributes(self, top: bytes, changes: Sequence[Attributes]) -> None:
        """Set owners, modes and times of what is there below ``top``, or (``b""``) of itself.

        Raises:
            UsageError: a name leads out of it.
        """
        change = Change(top, [name for each in changes for name in each.names])
        if changes:
            self._change(change, change.setting(changes))

    def make_directory(self, path: bytes, mode: int | None = None, *, parents: bool = True) -> bool:
        """Make a directory, where there is none.

        Args:
            path: absolute.
            mode: of the last part; None for what the umask leaves.
            parents: whether to make those above it too.

        Returns:
            Whether it was made.
        """
        ended = self._scripts.run(directory_script(path, mode, parents=parents), path)
        return ended.stdout == b"made\n"

    # -- getting

    def read(self, path: bytes, on_data: OnData, check: Check = Check.SHA256) -> str:
        """A file's bytes, then its checksum; one round trip.

        Args:
            path: absolute. A link is followed.
            on_data: takes the bytes as they come, and may wait.
            check: as in `digests`.

        Returns:
            The checksum that the host makes of it after it was sent; empty if it has gone.
        """
        directory, base = split(absolute(path).rstrip(b"/"))
        itself = Entry(base, Kind.FILE, 0, 1 << 40, 0, 0, 0)
        sums = self._digest_script(directory or b"/", [itself], check)
        first = self._scripts.send(read_script(path), on_data)
        second = self._scripts.send(sums)
        self._scripts.settle(first.result(), path)
        ended = self._scripts.settle(second.result(), path, tolerant=None)
        return parse_digests(ended.stdout, [itself], check).get(base, "")

    def read_beginning(
        self, path: bytes, size: int, on_data: OnData, check: Check = Check.SHA256
    ) -> str:
        """The first ``size`` bytes of a file, then their checksum; one round trip.

        What is appended meanwhile, to a log for example, changes neither.

        Args:
            path: absolute. A link is followed.
            size: bytes; fewer come if there are fewer.
            on_data: takes the bytes as they come, and may wait.
            check: as in `digests`.

        Returns:
            The checksum that the host makes of them after they were sent.
        """
        first = self._scripts.send(beginning_script(path, size), on_data)
        second = self._scripts.send(beginning_digest_script(path, size, check))
        self._scripts.settle(first.result(), path)
        ended = self._scripts.settle(second.result(), path, tolerant=None)
        words = ended.stdout.decode("ascii", "replace")
        count = 1 if check is Check.SHA256 else 2
        return " ".join(words.split()[:count])

    def pack(
        self,
        top: bytes,
        entries: Sequence[Entry],
        on_data: OnData,
        check: Check = Check.SHA256,
    ) -> dict[bytes, str]:
        """Files and links as tar archives, one behind the other, then checksums; one round trip.

        A second name of a file may come as a hard link to the first, within its archive. What
        vanished is in no archive and has no checksum.

        Args:
            top: absolute.
            entries: files and links; directories come in no archive.
            on_data: takes the bytes as they come, and may wait.
            check: as in `digests`.

        Raises:
            HostError: not all could be read; what could has been sent.
        """
        names = [each.path for each in entries if each.kind in (Kind.FILE, Kind.LINK)]
        files = [each for each in entries if each.kind is Kind.FILE]
        if not names:
            return {}
        sums = self._digest_script(top, files, check) if files else ":"
        first = self._scripts.send(pack_script(absolute(top), checked(names)), on_data)
        second = self._scripts.send(sums)
        self._scripts.settle(first.result(), top)
        ended = self._scripts.settle(second.result(), top, tolerant=None)
        return parse_digests(ended.stdout, files, check)

    # -- inside

    def _digest_script(self, top: bytes, files: Sequence[Entry], check: Check) -> str:
        checked(each.path for each in files)
        return digest_script(absolute(top), files, check)

    def _change(self, change: Change, script: str) -> None:
        ended = self._scripts.send(script).result()
        if ended.rc:
            words = ended.stderr.decode(errors="replace")
            directory = numbered(change.directories, said(words)[1])
            raise complaints.of_script(words, joined(change.top, directory), self._host)


def _with_closing(
    intake: Intake, chunks: Iterable[bytes], digests: Digests | None
) -> Iterator[bytes]:
    yield from chunks
    yield intake.closing(digests() if digests is not None else {})
