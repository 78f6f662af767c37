"""One file put in its place: what copy and template come to."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsrun.errors import HostError
from opsrun.modules.base import Context, Diff, ModuleError, ModuleResult, Steps
from opsrun.modules.content import DIFF_LIMIT, Content
from opsrun.modules.looking import LOOK, Answers, Seen, unblocked
from opsrun.modules.permissions import Wanted, Wish, argument, described
from opsrun.modules.refusing import REFUSALS
from opsrun.modules.requests import Effect, Request, Run, Upload
from opsrun.modules.wording import path_bytes, path_of, path_word, word
from opsrun.remote.command import CommandResult
from opsrun.remote.files.delivery import (
    Attributes,
    Backup,
    Delivered,
    Delivery,
    FilePart,
    new_stage,
)
from opsrun.remote.phrases import phrase

_BEFORE = b"before\0\0"

WHO = 'say umask "${_ou-$(umask)}" me "${_ome-$(id -u)}" us "${_ous-$(id -g)}"\n'
"""A session knows them from its beginning (`opsrun.remote.loop`): each costs a process."""
SURROUNDINGS = f'{WHO}say stamp "$$.$(date +%Y-%m-%d@%H:%M:%S)~"\n'
"""The same, and what the name of a backup ends with."""

_PLACE = phrase("""\
place() {
  case $path in
    */) into=y ;;
    *) if [ -d "$path" ]; then into=y; else into=; fi ;;
  esac
  if [ -n "$into" ]; then
    say into y
    if [ -n "$base" ]; then file=${path%/}/$base; else file=$path; fi
  else
    file=$path
  fi
  at file "$file"
  if [ -n "$follow" ] && leads "$file"; then
    file=$r
    at real "$r"
  fi
  case $file in
    */*) d=${file%/*} ;;
    *) d=. ;;
  esac
  d=${d:-/}
  folder=$d
  if [ ! -h "$file" ] && [ -f "$file" ] && [ -r "$file" ]; then
    digested sha1 "$file"
    say folder "$d" checksum "$x"
  else say folder "$d"
  fi
  above
}
""")
# Of a script's own shell it is the end: what followed would be done there.
_PARENT = """\
q=
if [ -d "$folder" ]; then
  if cd -P -- "$folder" >/dev/null; then q=$PWD; fi
  say parent "$q"
fi
"""

_IN_PLACE = r"""
t=${TMPDIR:-/tmp}/.opsrun-$$
(set -C && : >"$t") && trap 'rm -f -- "$t"' EXIT && (set -C && : >"$t.old") || exit
trap 'rm -f -- "$t" "$t.old"' EXIT
trap 'exit 143' HUP INT TERM
FILL
VALIDATE
BACKUP
trap '' HUP INT TERM
cat <"$f" >"$t.old" || exit
cat <"$t" >"$f" || {
  cat <"$t.old" >"$f" || {
    trap - EXIT
    printf '%s\n' "the old content is in $t.old" >&2
  }
  exit 1
}
"""
"""Over ``$f``, whose content is put back where that goes wrong, and kept if even that does."""

_MAYBE_IN_PLACE = ("busy", "permission denied", "not permitted", "read-only file system")

_NO_DIFF: Mapping[str, Any] = {"diff": []}
"""Of other content, as Ansible has it; the differences stand there in its place if asked for."""


@dataclass(frozen=True, slots=True)
class Placing:
    """A file that is to be somewhere."""

    content: Content
    name: str
    """Its name in a directory; empty where a directory is no place for it."""
    dest: str
    """As written."""
    wish: Wish
    """Its mode may be ``preserve``."""
    directory_mode: int | str | None = None
    backup: bool = False
    force: bool = True
    follow: bool = False
    validate: str = ""
    unsafe_writes: bool = False
    checksum: str | None = None
    """SHA-1 that the content has to have, if it is sent."""

    def steps(self, context: Context) -> Steps:
        """Look, compare, and put it there if it is another one."""
        answer = yield Run("".join(self._script(context)), effect="reads", cap=8 * DIFF_LIMIT)
        found = self._found(answer)
        if not self.force and found.seen.exists:
            data = {"dest": found.seen.path, "src": self.content.path or "content"}
            return ModuleResult(data=data)
        checksum = self.content.digests.sha1
        if not found.seen.exists:
            unblocked(found.answers, found.seen.path)
        if found.seen.is_dir:
            raise ModuleError(f"{found.seen.path} is a directory", checksum=checksum)
        if found.seen.is_file and found.answers.text("checksum") == checksum:
            return (yield from self._same(found, context))
        diffs = (self._diff(found),) if context.diff else ()
        if context.check:
            warnings = found.wanted.warnings
            return ModuleResult(True, data=_NO_DIFF, diff=diffs, warnings=warnings)
        try:
            return (yield from self._other(found, diffs))
        except ModuleError as error:
            error.data = {"checksum": checksum, **error.data}
            raise

    # -- looking

    def _script(self, context: Context) -> Iterator[str]:
        yield f"{LOOK}{_PLACE}{self.wish.asking()}path={path_word(self.dest)}\n"
        yield f"base={word(self.name)}\nfollow={'y' if self.follow else ''}\n"
        yield f"{SURROUNDINGS if self.backup else WHO}place\n{self.wish.script()}"
        if context.diff:
            yield f"({_PARENT})\n"
            yield f'say before ""\nif [ -f "$file" ]; then head -c {DIFF_LIMIT + 1} "$file"; fi\n'
        else:
            yield _PARENT

    def _found(self, answer: CommandResult) -> _Found:
        head, _, before = answer.stdout.partition(_BEFORE)
        answers = Answers(replace(answer, stdout=head))
        if answers.get("into") is not None and not self.name:
            raise ModuleError("can not use content with a dir as dest")
        seen = answers.seen("real" if answers.get("real") is not None else "file", lenient=True)
        wish = self.wish
        if wish.mode == "preserve":
            wish = replace(wish, mode=self.content.mode)
        return _Found(seen, wish.resolved(answers, check=True), answers, before)

    # -- nothing to send

    def _same(self, found: _Found, context: Context) -> Steps:
        self.wish.resolved(found.answers)
        change = found.wanted.against(found.seen)
        path = found.seen.path
        diff = Diff({"path": path, **change.before()}, {"path": path, **change.after()})
        known = {"checksum": self.content.digests.sha1, "dest": path, "path": path}
        data = {**known, **described(found.seen)}
        if change and not context.check:
            answer = yield Run(f"{''.join(change.lines(path))}{LOOK}at after {word(path)}\n")
            data |= described(Answers(answer).seen("after"))
        warnings = found.wanted.warnings
        return ModuleResult(bool(change), data=data, diff=(diff,), warnings=warnings)

    # -- something to send

    def _other(self, found: _Found, diffs: tuple[Diff, ...]) -> Steps:
        self.wish.resolved(found.answers)
        if self.checksum is not None and self.checksum.lower() != self.content.digests.sha1:
            words = "the content has another checksum than the task wants"
            raise ModuleError(words, expected_checksum=self.checksum)
        parent = found.answers.get("parent")
        if parent is None:
            parent = yield from self._folders(found)
        # What must not be replaced comes under another name first.
        aside = new_stage() if not self.force else b""
        delivery = self._delivery(found, parent, aside)
        in_place = False
        try:
            delivered = yield Upload(delivery, self.content.chunks())
        except HostError as error:
            if type(error) not in REFUSALS:
                raise
            words = refusal(error, found.answers)
            maybe = any(each in words.lower() for each in _MAYBE_IN_PLACE)
            if not (self.unsafe_writes and maybe and found.seen.is_file):
                raise ModuleError(words) from error
            in_place = True
            delivered = yield from self._in_place(found)
        path = found.seen.path
        if aside and not (yield from _linked(path, f"{parent}/{path_of(aside)}")):
            return ModuleResult(data={"dest": path, "src": self.content.path or "content"})
        digests = self.content.digests
        data: dict[str, Any] = {"dest": path, "src": self.content.path or "content", **_NO_DIFF}
        data |= {"md5sum": digests.md5, "checksum": digests.sha1}
        if delivered.backups:
            data["backup_file"] = path + delivery.backup.decode()
        old = found.seen if found.seen.is_file else Seen(path)
        lines = "" if in_place else "".join(found.wanted.settling(path, old))
        effect: Effect = "changes" if lines else "reads"
        answer = yield Run(f"{lines}{LOOK}at after {word(path)}\n", effect=effect)
        data |= described(Answers(answer).seen("after"))
        return ModuleResult(True, data=data, diff=diffs)

    def _folders(self, found: _Found) -> Generator[Request, Any, str]:
        """Makes the directories of a destination that ends in a slash; the physical path."""
        folder = found.answers.text("folder")
        if not self.dest.endswith("/"):
            raise ModuleError(f"Destination directory {folder} does not exist")
        wanted = replace(found.wanted, mode=self.directory_mode)
        fresh = Seen(folder, 0o040777 & ~wanted.umask)
        change = wanted.against(fresh, new=True)
        lines = [f"umask {wanted.umask:03o}\n"]
        for name in found.answers.every("new")[::-1]:
            lines += [
                f"mkdir -- {argument(name)} || [ -d {argument(name)} ] || exit\n",
                *change.lines(name),
            ]
        lines.append(f"cd -P -- {argument(folder)} && q=$(pwd -P && echo x) || exit\n")
        answer = yield Run(f'{"".join(lines)}{LOOK}say parent "${{q%?x}}"\n')
        return Answers(answer).text("parent")

    def _delivery(self, found: _Found, parent: str, aside: bytes) -> Delivery:
        name = aside or path_bytes(found.seen.path).rpartition(b"/")[2]
        suffix = b"." + found.answers.text("stamp").encode() if self.backup else b""
        return Delivery(
            path_bytes(parent),
            (FilePart(name, self.content.size, found.mode),),
            attributes=tuple(found.attributes(name)),
            replace_links=True,
            backup=suffix,
            validate=self.validate,
        )

    def _in_place(self, found: _Found) -> Generator[Request, Any, Delivered]:
        """Writes over a file that can't be replaced, as where it is a mount of its own."""
        stamp = f".{found.answers.text('stamp')}" if self.backup else ""
        data = b"".join(self.content.chunks())
        fill = f'cat >"$t" && [ "$(($(wc -c <"$t")))" -eq {len(data)} ] || exit'
        change = "".join(found.wanted.against(found.seen).lines(found.seen.path))
        script = written_over(found.seen.path, fill, self.validate, stamp)
        answer = yield Run(f"{script}{change}", data)
        if not answer.ok:
            raise ModuleError.of(answer)
        old = path_bytes(found.seen.path)
        return Delivered(backups=(Backup(old, old + path_bytes(stamp)),) if stamp else ())

    def _diff(self, found: _Found) -> Diff:
        after = self.content.beginning()
        flags = _flags("dst", found.before) | _flags("src", after)
        header = self.content.path or found.seen.path
        return Diff(
            "" if "dst_binary" in flags or "dst_larger" in flags else _shown(found.before),
            "" if "src_binary" in flags or "src_larger" in flags else _shown(after),
            found.seen.path if found.seen.exists and "dst_binary" not in flags else "",
            "" if "src_binary" in flags else header,
            flags=flags,
        )


def written_over(path: str, fill: str, validate: str, backup: str) -> str:
    """Commands that write over a file, in place of making a new one.

    Args:
        path: of the file.
        fill: commands that put the new content into ``$t``.
        validate: a command that says whether it is fit, ``%s`` being it; empty for none.
        backup: what the name of a copy of the old file ends in; empty for none.
    """
    command = word(validate.replace("%s", '"$1"'))
    parts = {
        "FILL": fill,
        "VALIDATE": f'sh -c {command} sh "$t" >&2 || exit' if validate else "",
        "BACKUP": f'cp -p -- "$f" "$f"{word(backup)} || exit' if backup else "",
    }
    script = _IN_PLACE
    for name, line in parts.items():
        script = script.replace(f"{name}\n", f"{line}\n" if line else "", 1)
    return f"f={argument(path)}{script}"


def _linked(path: str, aside: str) -> Generator[Request, Any, bool]:
    """Gives a file its name if nobody else has it by now; whether that was so."""
    name, temporary = argument(path), argument(aside)
    answer = yield Run(
        f"if [ -e {name} ] || [ -h {name} ]; then rm -f {temporary}; echo there; exit 0; fi\n"
        f"e=$(ln {temporary} {name} 2>&1) && rm -f {temporary} && exit 0\n"
        f"if [ -e {name} ] || [ -h {name} ]; then rm -f {temporary}; echo there; exit 0; fi\n"
        # Not every file system has names of the same file.
        f"mv -f {temporary} {name} || {{ rm -f {temporary}; exit 1; }}\n"
    )
    if not answer.ok:
        raise ModuleError.of(answer)
    return bool(answer.stdout != b"there\n")


def refusal(error: HostError, answers: Answers) -> str:
    """What a host said when it would not take a file, and what that may mean.

    Args:
        error: of the upload.
        answers: of `WHO`: root is refused for other reasons than others are.
    """
    hint = error.hint
    if "not permitted" in error.message and answers.number("me") == 0:
        hint = "is it immutable, or append-only? lsattr(1) shows it, and chattr -ia takes that off"
    return f"{error.message} ({hint})" if hint else error.message


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is at the destination."""

    seen: Seen
    wanted: Wanted
    answers: Answers
    before: bytes

    @property
    def mode(self) -> int:
        """The mode that the file shall have: what is wanted, what it has, what the umask gives."""
        known = self.seen.exists and not self.seen.is_link
        own = self.seen.mode if known else 0o666 & ~self.wanted.umask
        return self.wanted.mode_for(own, directory=False)

    def attributes(self, name: bytes) -> Iterator[Attributes]:
        """Owner and group: what is wanted, and whose it was, where that can be kept."""
        uid, gid = self.wanted.uid, self.wanted.gid
        if self.answers.number("me") == 0 and self.seen.exists:
            uid = self.seen.uid if uid is None else uid
            gid = self.seen.gid if gid is None else gid
        if uid is not None or gid is not None:
            yield Attributes((name,), owner=uid, group=gid, mode=self.mode)


def _flags(side: str, data: bytes) -> dict[str, int]:
    if len(data) > DIFF_LIMIT:
        return {f"{side}_larger": DIFF_LIMIT}
    return {f"{side}_binary": 1} if b"\0" in data else {}


def _shown(data: bytes) -> str:
    return data.decode("utf-8", "replace")
