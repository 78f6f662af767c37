"""unarchive: what is in an archive, below a directory of the host."""

from __future__ import annotations

import os.path
import re
import secrets
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.errors import HostError
from opsrun.modules.archives.kinds import TELL, ZIP, Kind, kind_of
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.content import Content
from opsrun.modules.file_options import FileOptions
from opsrun.modules.local import content_of, found_file
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wanted, argument, described
from opsrun.modules.placing import SURROUNDINGS
from opsrun.modules.requests import Request, Run, Upload
from opsrun.modules.trees import differences, tree_lines
from opsrun.modules.wording import path_bytes, path_of, path_word, text_of, word
from opsrun.remote.command import CommandResult
from opsrun.remote.files.delivery import Delivery, FilePart
from opsrun.remote.files.listing import asked, calls, names_script, parse_listing
from opsrun.remote.files.words import ancestors
from opsrun.trees.entry import Entry

_STAGED = b"archive"
_SIDE = re.compile(r"(.*?): (Uid|Gid|Mode) differs?\Z")
_STALE = re.compile(r"(.*?): Mod time differs\Z")

_WHOLE = """\
whole() {
  w=$1
  case $w in /*) ;; *) w=$(pwd)/$w ;; esac
}
"""

# Compares what an archive holds with what is there, file by file; says the names of all.
_COMPARE = """\
export to
find . ! -name . -exec sh -c '
  for f; do
    n=${f#./}
    if [ -h "$f" ]; then
      [ -h "$to/$n" ] && [ "$(readlink "$f")" = "$(readlink "$to/$n")" ] || printf "other\\0\\0"
    elif [ -d "$f" ]; then
      n=$n/
      [ -d "$to/$n" ] || printf "other\\0\\0"
    else
      cmp -s -- "$f" "$to/$n" || printf "other\\0\\0"
    fi
    printf "name\\0%s\\0" "$n"
  done' sh {} +
"""


@module("unarchive", exclusive=[("include", "exclude")])
class Unarchive(FileOptions, Module):
    """Unpack an archive of the controller's, or of the host's own, below a directory there."""

    stays = True

    src: str = option(
        required=True, kind="path", doc="The archive: tar, with or without compression, or zip."
    )
    dest: str = option(required=True, kind="path", doc="A directory that is there.")
    remote_src: bool = option(False, doc="Whether src is on the host.")
    copy: bool = option(True, doc="Whether it is on the controller: the opposite of remote_src.")
    creates: str | None = option(kind="path", doc="Nothing is done where this exists.")
    list_files: bool = option(False, doc="Whether the result names all files of the archive.")
    include: Sequence[str] = option((), elements="str", doc="Only these names of the archive.")
    exclude: Sequence[str] = option((), elements="str", doc="All but these names.")
    extra_opts: Sequence[str] = option((), elements="str", doc="Further words for tar or unzip.")
    keep_newer: bool = option(False, doc="Whether files that are newer stay as they are.")
    decrypt: bool = option(True, doc="Whether an encrypted archive is sent in clear.")
    validate_certs: bool = option(True, doc="Means nothing: get_url is what takes URLs.")
    io_buffer_size: int = option(64 * 1024, doc="Means nothing here.")
    unsafe_writes: bool = option(False, doc="Means nothing: tar and unzip write in place.")

    def steps(self, context: Context) -> Steps:
        """Look, send the archive if it is here, compare, unpack, set owners and modes."""
        if "://" in self.src:
            raise ModuleError(f"{self.src} is a URL: get_url fetches it, unarchive unpacks it then")
        remote = self.remote_src or not self.copy
        answers = Answers((yield Run("".join(self._script(remote)), effect="reads")))
        dest = answers.seen("dest", lenient=True)
        if answers.get("created") is not None:
            words = f"skipped, since {answers.text('created')} exists"
            return ModuleResult(skipped=True, msg=words)
        wanted = self.wish.resolved(answers, check=context.check)
        # A mode that is none is said before anything is unpacked.
        wanted.mode_for(0o644, directory=False)
        if remote:
            src = answers.seen("src", lenient=True)
            if not src.is_file:
                raise ModuleError(f"Source {src.path!r} does not exist, or is no file")
            self._into(dest)
            root = answers.number("me") == 0
            state = _Unpacking(self, src.path, src.path, dest, wanted, root)
            return (yield from state.steps(answers, context))
        content = content_of(found_file(self.src, "files", context), context, decrypt=self.decrypt)
        self._into(dest)
        if context.check:
            words = "in check mode the archive is not sent, and what would change is not known"
            return ModuleResult(skipped=True, msg=words)
        root = answers.number("me") == 0
        return (yield from self._sent(content, dest, wanted, root, context))

    def _script(self, remote: bool) -> Iterator[str]:
        yield f'{LOOK}{SURROUNDINGS}{_WHOLE}whole {path_word(self.dest)}\nat dest "$w" -L\n'
        if self.creates is not None:
            yield f'c={path_word(self.creates)}\nif [ -e "$c" ]; then say created "$c"; fi\n'
        yield self.wish.script()
        if remote:
            yield f'whole {path_word(self.src)}\na=$w\nat src "$a" -L\n'
            yield f'if [ -f "$a" ]; then\n{TELL}fi\n'

    def _into(self, dest: Seen) -> None:
        if not dest.is_dir:
            raise ModuleError(f"dest {dest.path!r} must be an existing dir")

    def _sent(
        self, content: Content, dest: Seen, wanted: Wanted, root: bool, context: Context
    ) -> Steps:
        folder = f"opsrun-{secrets.token_hex(8)}"
        making = (
            f'd=${{TMPDIR:-/tmp}}/{folder}\nmkdir -- "$d" && d=$(cd -P -- "$d" && pwd -P) || exit\n'
        )
        made = Answers((yield Run(f'{LOOK}{making}say folder "$d"\n'))).text("folder")
        try:
            delivery = Delivery(path_bytes(made), (FilePart(_STAGED, content.size, 0o600),))
            try:
                yield Upload(delivery, content.chunks())
            except HostError as error:
                raise ModuleError(f"{error.message} ({error.hint})".removesuffix(" ()")) from error
            archive = f"{made}/{text_of(_STAGED)}"
            told = Answers((yield Run(f"{LOOK}a={word(archive)}\n{TELL}", effect="reads")))
            state = _Unpacking(self, archive, content.path, dest, wanted, root)
            result = yield from state.steps(told, context)
        except ModuleError:
            yield Run(f"rm -rf -- {argument(made)}\n")
            raise
        yield Run(f"rm -rf -- {argument(made)}\n")
        return result


@dataclass(frozen=True, slots=True)
class _Unpacking:
    """An archive that is on the host."""

    options: Unarchive
    archive: str
    src: str
    """As results name it."""
    dest: Seen
    wanted: Wanted
    root: bool
    """Owners and modes of the archive are kept."""

    def steps(self, told: Answers, context: Context) -> Steps:
        """Compare, unpack, set owners and modes."""
        kind = kind_of(told)
        gnu = told.text("gnu") == "y" and kind is not ZIP
        if self.options.keep_newer and not gnu and kind is not ZIP:
            raise ModuleError("keep_newer takes GNU tar, which this host has not")
        if self.options.exclude and kind is not ZIP and told.get("excludes") is None:
            words = "exclude takes GNU's or BSD's tar, which this host has not"
            raise ModuleError(f"{words}: name what is wanted with include")
        handler = {"gz": "TgzArchive", "zip": "ZipArchive"}.get(kind.name, "TarArchive")
        data: dict[str, Any] = {"dest": self.dest.path, "src": self.src, "handler": handler}
        if gnu:
            same, files = yield from self._diffed(told.text("tar"), kind)
        elif context.check:
            words = "in check mode nothing is unpacked, and what would change is not known"
            return ModuleResult(skipped=True, msg=words)
        else:
            same, files = yield from self._staged(told.text("tar"), kind)
        if self.options.list_files:
            data["files"] = files
        if not same and not context.check:
            made = yield from self._implied(files)
            data["extract_results"] = yield from self._unpacked(told.text("tar"), kind, gnu)
            files = [*files, *made]
        attributes = yield from self._attributes(files, apply=not context.check)
        told_dest = yield Run(f"{LOOK}at dest {argument(self.dest.path)} -L\n", effect="reads")
        data |= described(Answers(told_dest).seen("dest"))
        return ModuleResult(not same or attributes, data=data, warnings=self.wanted.warnings)

    # -- comparing

    def _diffed(self, tar: str, kind: Kind) -> Generator[Request, Any, tuple[bool, list[str]]]:
        """With ``tar --diff``, which only reads."""
        words = self._tar(tar, kind, "--list", gnu=True, listed=True)
        answer = yield Run(f"{words} </dev/null\n", effect="reads", cap=256 << 20)
        files = self._listed(answer)
        words = self._tar(tar, kind, "--diff", gnu=True)
        answer = yield Run(f"{words} </dev/null 2>&1\n", effect="reads", cap=64 << 20)
        if answer.truncated:
            return False, files
        lines = text_of(answer.stdout).splitlines()
        return answer.ok or not any(self._counts(line) for line in lines), files

    def _listed(self, answer: CommandResult) -> list[str]:
        if not answer.ok or answer.truncated:
            raise ModuleError.of(answer, f"{self.src} can't be unpacked")
        return path_of(answer.stdout).split("\n")[:-1]

    def _counts(self, line: str) -> bool:
        found = _SIDE.match(line)
        if found is not None:
            asked_for = {"Uid": self.wanted.uid, "Gid": self.wanted.gid, "Mode": self.wanted.mode}
            return asked_for[found[2]] is None and self.root
        if _STALE.match(line):
            return not self.options.keep_newer
        # A name of which --strip-components left nothing is none.
        return ": implausibly old time stamp" not in line and not line.startswith("tar: : ")

    def _staged(self, tar: str, kind: Kind) -> Generator[Request, Any, tuple[bool, list[str]]]:
        """Unpacked beside, and compared: where nothing says what differs."""
        stage = os.path.join(self.dest.path, f".opsrun-{secrets.token_hex(8)}")
        words = self._words(tar, kind, gnu=False, below=".")
        script = (
            f"{LOOK}to=$(cd -P -- {argument(self.dest.path)} && pwd -P) || exit\n"
            f"mkdir -- {argument(stage)} && cd -- {argument(stage)} || exit\n"
            f"e=$({words} 2>&1 >/dev/null </dev/null) || "
            f"{{ r=$?; cd / && rm -rf -- {argument(stage)}; "
            'printf "%s\\n" "${e:-exit status $r}" >&2; exit "$r"; }\n'
            f"{_COMPARE}cd / && rm -rf -- {argument(stage)}\n"
        )
        answer = yield Run(script, cap=256 << 20)
        if not answer.ok:
            raise ModuleError.of(answer, f"{self.src} can't be unpacked")
        told = Answers(answer)
        return told.get("other") is None, told.every("name")

    # -- unpacking

    def _tar(
        self, tar: str, kind: Kind, what: str, *, gnu: bool, listed: bool = False, below: str = ""
    ) -> str:
        options = self.options
        words = [tar, what, "-C", below or self.dest.path, *([kind.flag] if kind.flag else [])]
        if listed:
            words.append("--quoting-style=literal")
            if options.extra_opts:
                words.append("--show-transformed-names")
        if options.keep_newer and what == "--extract":
            words.append("--keep-newer-files")
        words += [f"--exclude={each}" for each in options.exclude]
        short = {"--extract": "-x", "--list": "-t"}
        words[1] = what if gnu else short[what]
        words += [*options.extra_opts, "-f", self.archive, *options.include]
        return " ".join(map(word, words))

    def _words(self, tar: str, kind: Kind, *, gnu: bool, below: str = "") -> str:
        if kind is not ZIP:
            return self._tar(tar, kind, "--extract", gnu=gnu, below=below)
        options = self.options
        words = ["unzip", "-o", *(["-u"] if options.keep_newer else []), *options.extra_opts]
        words += [self.archive, *options.include]
        if options.exclude:
            words += ["-x", *options.exclude]
        return " ".join(map(word, [*words, "-d", below or self.dest.path]))

    def _unpacked(self, tar: str, kind: Kind, gnu: bool) -> Generator[Request, Any, dict[str, Any]]:
        words = self._words(tar, kind, gnu=gnu)
        answer = yield Run(f"umask {self.wanted.umask:03o}\n{words} </dev/null\n", cap=1 << 20)
        out, err = text_of(answer.stdout), text_of(answer.stderr)
        told = {"cmd": words, "rc": answer.rc, "out": out, "err": err}
        if not answer.ok:
            # What GNU tar says in place of the system's words.
            short = "Wrote only" in err and "No space left on device" not in err
            why = ": No space left on device, or a quota used up" if short else ""
            error = ModuleError.of(answer, f"{self.src} was not unpacked whole{why}")
            error.data = {"extract_results": told, "dest": self.dest.path, "src": self.src}
            raise error
        return told

    @property
    def _asks(self) -> bool:
        """Whether what is unpacked is to have something that the archive does not say."""
        wanted = self.wanted
        plain = (wanted.mode, wanted.uid, wanted.gid, wanted.flags) != (None,) * 4
        return plain or bool(wanted.label)

    def _implied(self, files: list[str]) -> Generator[Request, Any, list[str]]:
        """Directories that unpacking will make, although the archive does not list them."""
        names = _names(files)
        implied = {above for each in names for above in ancestors(each)}.difference(names)
        if not implied or not self._asks:
            return []
        top = path_bytes(self.dest.path)
        answer = yield Run(names_script(top, asked(implied)), effect="reads", cap=256 << 20)
        if not answer.ok:
            raise ModuleError.of(answer)
        there = {each.path for each in parse_listing(answer.stdout).entries}
        return [path_of(each) for each in sorted(implied - there)]

    def _attributes(self, files: list[str], *, apply: bool) -> Generator[Request, Any, bool]:
        """Whether owners or modes of what was unpacked are, or were, others than wanted."""
        if not self._asks:
            return False
        names = _names(files)
        if not names:
            return False
        top = path_bytes(self.dest.path)
        answer = yield Run(names_script(top, asked(names)), effect="reads", cap=256 << 20)
        if not answer.ok:
            raise ModuleError.of(answer)
        own = set(names)
        entries = [each for each in parse_listing(answer.stdout).entries if each.path in own]
        marks = yield from self._marks(entries)
        lines = list(tree_lines(differences(self.dest.path, entries, self.wanted, marks)))
        if lines and apply:
            done = yield Run("".join(lines))
            if not done.ok:
                raise ModuleError.of(done)
        return bool(lines)

    def _marks(
        self, entries: Sequence[Entry]
    ) -> Generator[Request, Any, Mapping[str, Mapping[str, str]]]:
        """Attributes and contexts, where they are asked about."""
        if not self.wanted.label and self.wanted.flags is None:
            return {}
        lines = [
            LOOK,
            self.options.wish.asking(),
            'IFS=\nall() { for f; do at mark "$f"; done; }\n',
        ]
        lines.append(f"cd -- {argument(self.dest.path)} || exit\n")
        lines += calls("all", [each.path for each in entries])
        return Answers((yield Run("".join(lines), effect="reads", cap=256 << 20))).marks("mark")


def _names(files: list[str]) -> list[bytes]:
    """Names below the directory; none that leads out of it."""
    names = [path_bytes(each).removeprefix(b"./").rstrip(b"/") for each in files]
    return [each for each in names if each and b".." not in each.split(b"/")]
