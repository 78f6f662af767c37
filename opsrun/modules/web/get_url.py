"""get_url: a file from a server, checked and put in its place on the host."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wanted, described
from opsrun.modules.placing import SURROUNDINGS
from opsrun.modules.refusing import explained
from opsrun.modules.requests import Request, Run
from opsrun.modules.web.answering import read_reply
from opsrun.modules.web.asking import Asking, bare, shown
from opsrun.modules.web.checksums import Checksum, found_in, read_checksum
from opsrun.modules.web.options import WebModule
from opsrun.modules.web.placing import GOOD, Put
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_LISTS = 4 * 1024 * 1024
"""Bytes of a list of checksums."""

_CONTENT = b"content\0\0"

_CHECK = """\
digested "$alg" "$work/out"
[ -n "$x" ] || { say stop "the host has no program that makes checksums of $alg"; exit 0; }
say sum "$x"
[ "$x" = "$sum" ] || { digested sha1 "$work/out"; say sha1 "$x"; exit 0; }
"""


@module("get_url")
class GetUrl(WebModule):
    """Download a file on the host, with curl or wget."""

    dest: str = option(required=True, kind="path", doc="Where; a directory keeps the name.")
    checksum: str = option("", doc="``ALGORITHM:DIGITS``, or ``ALGORITHM:URL`` of a list of them.")
    sha256sum: str = option("", doc="SHA-256 that it has to have; an older way to write checksum.")
    force: bool = option(False, doc="Whether it is asked for even if the server has nothing newer.")
    backup: bool = option(False, doc="Whether the old file is kept beside it.")
    timeout: int = option(10, doc="Seconds that the server may be silent.")
    tmp_dest: str | None = option(kind="path", doc="A directory for what is not complete yet.")
    url_username: str | None = option(aliases=("username",), doc="Name that the server knows.")
    url_password: str | None = option(
        aliases=("password",), secret=True, doc="Password; never an argument of a program there."
    )

    def steps(self, context: Context) -> Steps:
        """Look, download beside it, compare, and put it there if it is another one."""
        found = yield from self._found(context)
        if isinstance(found, ModuleResult):
            return found
        request = Run("".join(found.script()), found.asking.data, environment=True)
        if context.check:
            request = replace(request, effect="reads")
        answer = yield request
        result = _result(Answers(answer), found.known)
        return (
            yield from found.put.righted(
                result, Answers(answer), self.wish.asking(), check=context.check
            )
        )

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: the download."""
        found = yield from self._found(context)
        if isinstance(found, ModuleResult):
            return Job.done(found.to_dict())
        request = Run("".join(found.script()), found.asking.data, environment=True)
        return Job(request, {"module": self.name, "known": found.known})

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return _result(Answers(answer), recipe["known"])

    # -- looking

    def _found(self, context: Context) -> Generator[Request, Any, _Found | ModuleResult]:
        checksum = self._checksum()
        asking = self._asking(self.url)
        algorithm = checksum.algorithm if checksum else ""
        look = (
            f"{LOOK}{self.wish.asking()}path={path_word(self.dest)}\n{SURROUNDINGS}{self.wish.script()}"
            'at dest "$path" -L\nsay real "$path"\n'
            f"alg={algorithm}\n"
            'if [ -n "$alg" ] && [ -f "$path" ]; then digested "$alg" "$path"; say sum "$x"; fi\n'
        )
        answer = yield Run(look, effect="reads")
        answers = Answers(answer)
        seen = answers.seen("dest", lenient=True)
        wanted = self.wish.resolved(answers, check=context.check)
        known = {"url": shown(self.url), "dest": seen.path, "elapsed": 0, **described(seen)}
        if checksum is not None and checksum.url:
            checksum = yield from self._listed(checksum)
        sound = checksum is not None and answers.text("sum") == checksum.digits
        if seen.is_file and sound and not self.force:
            return (yield from self._there(seen, wanted, known, context))
        if seen.is_file and not self.force and checksum is None:
            asking = replace(asking, since=formatdate(seen.mtime // 10**9, usegmt=True))
        stamp = answers.text("stamp") if self.backup else ""
        put = Put(seen.path, seen, wanted, stamp, self.unsafe_writes, context.check)
        return _Found(asking, put, checksum, self.tmp_dest or "", known, self.wish.asking())

    def _checksum(self) -> Checksum | None:
        text = self.checksum or (f"sha256:{self.sha256sum}" if self.sha256sum else "")
        try:
            return read_checksum(text)
        except ModuleError as error:
            error.data = {"url": shown(self.url), "dest": self.dest, "elapsed": 0, **error.data}
            raise

    def _asking(self, url: str) -> Asking:
        return self.asking(
            url,
            username=self.url_username or "",
            password=self.url_password or "",
            timeout=self.timeout,
        )

    def _listed(self, checksum: Checksum) -> Generator[Request, Any, Checksum]:
        """The checksum out of the list that the task names."""
        asking = self._asking(checksum.url)
        lines = f"{LOOK}{''.join(asking.lines())}good=200\n{GOOD}"
        script = f'{lines}say content ""\ncat "$work/out"\n'
        answer = yield Run(script, asking.data, effect="reads", environment=True, cap=_LISTS)
        head, found, content = answer.stdout.partition(_CONTENT)
        reply = read_reply(Answers(replace(answer, stdout=head, truncated=False)), checksum.url)
        if not found or answer.truncated:
            words = reply.error if not found else f"it has more than {_LISTS >> 20} MiB"
            raise ModuleError(f"the list of checksums {shown(checksum.url)}: {words}")
        name = bare(self.url).partition("?")[0].rpartition("/")[2]
        return found_in(content.decode("utf-8", "replace"), checksum, name)

    def _there(
        self, seen: Seen, wanted: Wanted, known: Mapping[str, Any], context: Context
    ) -> Generator[Request, Any, ModuleResult]:
        """The file has the checksum already: only its owner and mode may differ."""
        change = wanted.against(seen)
        data = {**known, "checksum_src": None, "checksum_dest": None, "elapsed": 0}
        if not change:
            return ModuleResult(msg="file already exists", data=data)
        if not context.check:
            answer = yield Run(
                f"{''.join(change.lines(seen.path))}{LOOK}at after {word(seen.path)}\n"
            )
            data |= described(Answers(answer).seen("after"))
        return ModuleResult(True, msg="file already exists but file attributes changed", data=data)


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is at the destination, and what is to be asked."""

    asking: Asking
    put: Put
    checksum: Checksum | None
    top: str
    known: Mapping[str, Any]
    """What results have in any case."""
    looks: str
    """What of a path is to be told, see `Wish.asking`."""

    def script(self) -> Iterator[str]:
        """All that is left: it needs nobody."""
        yield f"{LOOK}{self.looks}"
        # A directory that is to hold what is incomplete has to be there.
        yield from self.asking.lines(path_word(self.top)) if self.top else self.asking.lines()
        yield f"good=200{GOOD}"
        check = ""
        if self.checksum is not None:
            yield f"alg={self.checksum.algorithm}\nsum={self.checksum.digits}\n"
            check = _CHECK
        yield from self.put.lines(check)

    def __repr__(self) -> str:
        # There may be a password in what is asked.
        return f"_Found({self.put.path!r})"


def _result(answers: Answers, known: Mapping[str, Any]) -> ModuleResult:
    url = str(known["url"])
    reply = read_reply(answers, url)
    data = {**known, "elapsed": reply.elapsed}
    status = reply.status or None
    if reply.status == 304:
        return ModuleResult(msg=reply.error, data={**data, "status_code": 304})
    file = answers.get("file")
    if file is None:
        if reply.status > 0:
            data |= {"status_code": status, "response": reply.error}
            return ModuleResult(failed=True, msg="Request failed", data=data)
        return ModuleResult(failed=True, msg=reply.error, data=data)
    data |= {"dest": file, "checksum_src": answers.get("sha1"), "checksum_dest": answers.get("old")}
    if answers.get("stop") is not None:
        return ModuleResult(failed=True, msg=explained(answers.text("stop")), data=data)
    if answers.get("size") is None:
        words = f"The checksum did not match: it was {answers.text('sum')}"
        return ModuleResult(failed=True, msg=words, data=data)
    changed = answers.get("same") is None or answers.get("righted") is not None
    if answers.get("backup") is not None:
        data["backup_file"] = answers.get("backup")
    data |= {"status_code": status, "md5sum": answers.get("md5"), "src": file}
    data |= described(answers.seen("after"))
    length = answers.number("size")
    return ModuleResult(changed, msg=f"OK ({length} bytes)", data=data)
