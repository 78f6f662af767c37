"""A directory of the controller's, put below a directory of the host's."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from opsrun.errors import HostError
from opsrun.modules.base import Context, ModuleError, ModuleResult, Steps
from opsrun.modules.content import Content
from opsrun.modules.local import content_of
from opsrun.modules.looking import LOOK, Answers, Seen, marked
from opsrun.modules.permissions import Difference, Wanted, Wish, argument
from opsrun.modules.placing import SURROUNDINGS, refusal
from opsrun.modules.refusing import REFUSALS
from opsrun.modules.requests import Effect, Request, Run, Upload
from opsrun.modules.trees import differences, tree_lines
from opsrun.modules.wording import path_bytes, path_of, path_word, word
from opsrun.remote.command import CommandResult
from opsrun.remote.files.delivery import Attributes, Delivery, FilePart, NewDirectory, NewLink
from opsrun.remote.files.digesting import digest_script, parse_digests
from opsrun.remote.files.listing import asked, names_script, parse_listing
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import ancestors
from opsrun.trees.entry import Entry, Kind

_TOP = """\
d=${path%"${path##*[!/]}"}
d=${d:-/}
rest=
while [ ! -d "$d" ]; do
  if [ -e "$d" ] || [ -h "$d" ]; then say wrong "$d"; fi
  rest=${d##*/}${rest:+/$rest}
  case $d in
    */*) d=${d%/*} d=${d:-/} ;;
    *) d=. ;;
  esac
done
q=$(cd -P -- "$d" && pwd -P && echo x)
say top "${q%?x}" rest "$rest" path "$path"
"""


@dataclass(slots=True)
class _Local:
    """What is to be there, by name below the destination."""

    files: dict[bytes, Content] = field(default_factory=dict)
    directories: list[bytes] = field(default_factory=list)
    links: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def names(self) -> list[bytes]:
        return [*self.directories, *self.files, *self.links]


@dataclass(frozen=True, slots=True)
class TreeCopy:
    """A local directory that is to be on the host."""

    source: str
    """The local directory, without a slash at its end."""
    written: str
    """As the task names it: with a slash, it is its content that goes."""
    dest: str
    wish: Wish
    directory_mode: int | str | None
    backup: bool
    force: bool
    local_follow: bool
    validate: str
    decrypt: bool = True

    def steps(self, context: Context) -> Steps:
        """Look, compare, send what differs."""
        local = self._local(context)
        answer = yield Run("".join(self._script()), effect="reads")
        answers = Answers(answer)
        data = {"dest": answers.text("path").rstrip("/") + "/", "src": self.written}
        if not local.names:
            return ModuleResult(data=data)
        if answers.get("wrong") is not None:
            raise ModuleError(f"{answers.text('wrong')} is no directory", **data)
        wanted = self._wanted(answers, check=context.check)
        top, rest = path_bytes(answers.text("top")), path_bytes(answers.text("rest"))
        state = _State(self, local, wanted, top, rest)
        if not rest:
            yield from state.look()
        delivery, chunks = state.delivery(path_bytes(answers.text("stamp")))
        lines = list(tree_lines(state.attributes()))
        empty = not (delivery.parts or delivery.directories or delivery.links)
        changed = bool(lines) or not empty
        if changed and not context.check:
            if not empty:
                try:
                    yield Upload(delivery, chunks)
                except HostError as error:
                    if type(error) not in REFUSALS:
                        raise
                    raise ModuleError(refusal(error, answers), **data) from error
            if lines:
                yield from _run("".join(lines))
            yield from state.settle()
        return ModuleResult(changed, data=data, warnings=wanted.warnings)

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}path={path_word(self.dest)}\n{SURROUNDINGS}{_TOP}"
        yield self.wish.script()

    def _wanted(self, answers: Answers, *, check: bool) -> Wanted:
        return replace(self.wish).resolved(answers, check=check)

    def _local(self, context: Context) -> _Local:
        local = _Local()
        prefix = b"" if self.written.endswith("/") else os.path.basename(path_bytes(self.source))
        top = path_bytes(self.source)
        self._below(local, top, prefix, frozenset([os.path.realpath(top)]), context)
        if prefix and local.names:
            local.directories.insert(0, prefix)
        return local

    def _below(
        self, local: _Local, where: bytes, base: bytes, above: frozenset[bytes], context: Context
    ) -> None:
        """What is in one directory; ``above`` are the places of all that lead to it."""
        try:
            names = sorted(os.listdir(where))
        except OSError as error:
            _refuse(error)
        for each in names:
            place, name = os.path.join(where, each), os.path.join(base, each)
            is_link = os.path.islink(place)
            real = os.path.realpath(place)
            followed = not is_link or (self.local_follow and real not in above)
            if followed and os.path.isdir(place):
                local.directories.append(name)
                self._below(local, place, name, above | {real}, context)
            elif followed and os.path.isfile(place):
                local.files[name] = content_of(path_of(place), context, decrypt=self.decrypt)
            elif is_link:
                # One that is not followed, leads to nothing, or to where it comes from.
                local.links[name] = os.readlink(place)


def _run(script: str, effect: Effect = "changes") -> Generator[Request, Any, CommandResult]:
    done: CommandResult = yield Run(script, effect=effect)
    if not done.ok:
        raise ModuleError.of(done)
    return done


def _refuse(error: OSError) -> NoReturn:
    raise ModuleError(f"{path_of(os.fsencode(error.filename))}: {error.strerror}") from error


@dataclass(slots=True)
class _State:
    """What there is, beside what is to be."""

    copy: TreeCopy
    local: _Local
    wanted: Wanted
    top: bytes
    rest: bytes
    there: dict[bytes, Entry] = field(default_factory=dict)
    same: set[bytes] = field(default_factory=set)
    marks: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of what is there; by ``./NAME``."""

    def look(self) -> Generator[Request, Any, None]:
        """Asks for the entries that are there, and for the checksums of files of equal size."""
        answer = yield Run(names_script(self.top, asked(self.local.names)), effect="reads")
        try:
            found = parse_listing(answer.stdout)
        except HostError as error:
            raise ModuleError.of(answer, error.message) from error
        self.there = {each.path: each for each in found.entries}
        if self.copy.wish.marks and self.there:
            self.marks = yield from self._marks()
        sized = [
            each
            for name, content in self.local.files.items()
            if (each := self.there.get(name)) is not None
            and each.kind is Kind.FILE
            and each.size == content.size
        ]
        if not sized:
            return
        sums = yield Run(digest_script(self.top, sized, Check.SHA256), effect="reads")
        digests = parse_digests(sums.stdout, sized, Check.SHA256)
        self.same = {
            name
            for name, digest in digests.items()
            if digest == self.local.files[name].digests.sha256
        }

    def _marks(self) -> Generator[Request, Any, dict[str, dict[str, str]]]:
        names = [word(f"./{path_of(each)}") for each in self.there if each]
        lines = "".join(f"at mark {each}\n" for each in names)
        top = argument(path_of(self.top))
        script = f"{LOOK}{self.copy.wish.asking()}cd -- {top} || exit\n{lines}"
        return Answers((yield from _run(script, "reads"))).marks("mark")

    def settle(self) -> Generator[Request, Any, None]:
        """Attributes and contexts of what has been sent."""
        if not self.wanted.selinux and self.wanted.flags is None:
            return
        lines: list[str] = []
        for name in self.local.names:
            if name in self.same or (name in self.local.directories and name in self.there):
                continue
            if name in self.there and not self._to_send(name):
                continue
            path = path_of(os.path.join(self.top, self._named(name)))
            wanted = self.wanted
            if name in self.local.links:
                wanted = replace(wanted, flags=None)
            mark = self.marks.get(f"./{path_of(name)}", {})
            lines += wanted.settling(path, marked(Seen(path), mark))
        if lines:
            yield from _run("".join(lines))

    def delivery(self, stamp: bytes) -> tuple[Delivery, Iterator[bytes]]:
        """What is to be sent, and its bytes."""
        files = {n: c for n, c in self.local.files.items() if self._to_send(n)}
        folders = [n for n in self.local.directories if n not in self.there]
        links = [n for n, t in self.local.links.items() if not self._linked(n, t)]
        new = [*self._new_tops(), *map(self._named, folders)] if self.rest else folders
        attributes = [*self._owned([*map(self._named, [*files, *folders, *links])])]
        delivery = Delivery(
            self.top,
            tuple(FilePart(self._named(n), c.size, self._mode(n, c)) for n, c in files.items()),
            tuple(NewDirectory(n, self._directory_mode()) for n in new),
            tuple(NewLink(self._named(n), self.local.links[n]) for n in links),
            tuple(attributes),
            replace_links=True,
            backup=b"." + stamp if self.copy.backup else b"",
            validate=self.copy.validate,
        )
        return delivery, (piece for each in files.values() for piece in each.chunks())

    def _new_tops(self) -> list[bytes]:
        return [*ancestors(self.rest), self.rest]

    def _named(self, name: bytes) -> bytes:
        return os.path.join(self.rest, name) if self.rest else name

    def _to_send(self, name: bytes) -> bool:
        if name in self.there and not self.copy.force:
            return False
        return name not in self.same

    def _linked(self, name: bytes, target: bytes) -> bool:
        entry = self.there.get(name)
        return entry is not None and entry.kind is Kind.LINK and entry.target == target

    def _mode(self, name: bytes, content: Content) -> int:
        if self.copy.wish.mode == "preserve":
            return content.mode
        entry = self.there.get(name)
        known = entry is not None and entry.kind is Kind.FILE
        own = entry.mode if known and entry is not None else 0o666 & ~self.wanted.umask
        return self.wanted.mode_for(own, directory=False)

    def _directory_mode(self) -> int:
        wanted = replace(self.wanted, mode=self.copy.directory_mode)
        return wanted.mode_for(0o777 & ~self.wanted.umask, directory=True)

    def _owned(self, names: Sequence[bytes]) -> Iterator[Attributes]:
        if names and (self.wanted.uid is not None or self.wanted.gid is not None):
            yield Attributes(tuple(names), owner=self.wanted.uid, group=self.wanted.gid)

    def attributes(self) -> list[Difference]:
        """What has to change at what is there and need not be sent."""
        top = path_of(self.top)
        changes: list[Difference] = []
        for name in self.same:
            wanted = self.wanted
            if self.copy.wish.mode == "preserve":
                wanted = replace(wanted, mode=self.local.files[name].mode)
            changes += differences(top, [self.there[name]], wanted, self.marks)
        folders = replace(self.wanted, mode=self.copy.directory_mode)
        known = [self.there[n] for n in self.local.directories if n in self.there]
        return changes + differences(top, known, folders, self.marks)
