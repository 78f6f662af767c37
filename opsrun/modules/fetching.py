"""fetch: a file of the host's, kept on the controller."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsrun.errors import HostError, TransferFailed
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.content import Content, Digests
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.options import module, option
from opsrun.modules.requests import Fetch, Request, Run
from opsrun.modules.wording import path_bytes, path_word

_LOOK = """\
at src "$p" -L
if [ -f "$p" ] && [ -r "$p" ]; then digested sha1 "$p"; say sha1 "$x"; fi
case $p in
  /*) q=$p ;;
  *) q=$(pwd -P && echo x) q=${q%?x}/$p ;;
esac
say whole "$q"
"""


@module("fetch")
class FetchModule(Module):
    """Keep a file of the host's on the controller."""

    src: str = option(required=True, kind="path", doc="Which file.")
    dest: str = option(
        required=True, doc="Where: below it there is a directory for each host, unless it is flat."
    )
    flat: bool = option(
        False, doc="Whether dest is the file itself, or with a slash at its end, the directory."
    )
    fail_on_missing: bool = option(True, doc="Whether a file that isn't there is a failure.")
    validate_checksum: bool = option(
        True, aliases=("validate_md5",), doc="Whether what arrived is compared with what was sent."
    )

    def steps(self, context: Context) -> Steps:
        """Look at both sides, and take over what differs."""
        if context.check:
            return ModuleResult(skipped=True, msg="check mode is not (yet) supported by fetch")
        answer = yield Run(f"{LOOK}p={path_word(self.src)}\n{_LOOK}", effect="reads")
        answers = Answers(answer)
        try:
            seen = answers.seen("src", lenient=True)
        except ModuleError as error:
            return self._without(error.msg, self.src)
        if not seen.exists:
            words = "the remote file does not exist, not transferring"
            return self._without(words, seen.path)
        if seen.is_dir:
            return self._without(f"{seen.path} is a directory, and no file", "")
        dest = self._dest(seen, context)
        there = _digests(dest)
        theirs = answers.text("sha1")
        if there is not None and there.sha1 == theirs:
            data = {"file": seen.path, "md5sum": there.md5}
            return ModuleResult(data={"dest": dest, "checksum": theirs, **data})
        came = yield from self._taken(answers.text("whole"), dest)
        if theirs and came.sha1 != theirs and self.validate_checksum and seen.is_file:
            words = "it changed while it was fetched: what arrived has another checksum"
            told = {"checksum": came.sha1, "remote_checksum": theirs}
            raise ModuleError(words, dest=dest, file=seen.path, md5sum=came.md5, **told)
        changed = there is None or there.sha1 != came.sha1
        told = {"checksum": came.sha1, "remote_checksum": theirs or came.sha1}
        more: dict[str, Any] = {"dest": dest, "md5sum": came.md5, "remote_md5sum": None}
        return ModuleResult(changed, data={**more, **told})

    def _without(self, why: str, path: str) -> ModuleResult:
        data = {"file": path} if path else {}
        if self.fail_on_missing:
            raise ModuleError(why, **data)
        return ModuleResult(msg=f"{why}, ignored", data=data)

    def _dest(self, seen: Seen, context: Context) -> str:
        """The file here; relative names are below the playbook's directory."""
        places = context.controller.searched(self.dest or ".", "")
        base = places[-1] if places else os.path.abspath(self.dest)
        if not self.flat:
            top = os.path.normpath(os.path.join(base, context.host))
            # As if the host's working directory were its root: nothing leads out of there.
            return top.rstrip("/") + os.path.normpath("/" + seen.path.lstrip("/"))
        if self.dest.endswith("/"):
            return os.path.join(base, os.path.basename(seen.path))
        if os.path.isdir(base):
            words = f"dest {base} is a directory: with a slash at its end, it keeps the file's name"
            raise ModuleError(words)
        return os.path.normpath(base)

    def _taken(self, path: str, dest: str) -> Generator[Request, Any, Digests]:
        try:
            arriving = Arriving.at(dest)
        except OSError as error:
            raise ModuleError(f"{error.filename or dest} here: {error.strerror}") from error
        try:
            yield Fetch(path_bytes(path), take=arriving.take)
            return arriving.placed()
        except OSError as error:
            raise ModuleError(f"{dest} here: {error.strerror}") from error
        except HostError as error:
            raise ModuleError(f"{error.message} ({error.hint})".removesuffix(" ()")) from error
        finally:
            arriving.dropped()


@dataclass(slots=True)
class Arriving:
    """A local file that is being written beside its place."""

    dest: str
    temporary: str
    write: Callable[[bytes], Any]
    close: Callable[[], None]
    made: tuple[Any, Any, Any]

    @classmethod
    def at(cls, dest: str) -> Arriving:
        """With all directories above it. OSError."""
        os.makedirs(os.path.dirname(dest), exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".opsrun-", dir=os.path.dirname(dest))
        file = os.fdopen(descriptor, "wb")
        return cls(
            dest, name, file.write, file.close, (hashlib.sha1(), hashlib.md5(), hashlib.sha256())
        )

    def take(self, data: bytes) -> None:
        """More of it. TransferFailed: it can't be written."""
        try:
            self.write(data)
        except OSError as error:
            raise TransferFailed(f"{self.dest} here: {error.strerror}") from error
        for each in self.made:
            each.update(data)

    def placed(self) -> Digests:
        """Puts it in its place, with the mode of what was there. OSError."""
        self.close()
        try:
            mode = os.stat(self.dest).st_mode & 0o7777
        except OSError:
            mode = 0o666 & ~_umask()
        Path(self.temporary).chmod(mode)
        if os.path.isdir(self.dest):
            raise IsADirectoryError(21, "Is a directory", self.dest)
        os.replace(self.temporary, self.dest)
        self.temporary = ""
        return Digests(*(each.hexdigest() for each in self.made))

    def dropped(self) -> None:
        """Removes it, unless it is in its place."""
        try:
            self.close()
        except OSError:
            pass
        if self.temporary:
            Path(self.temporary).unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _digests(path: str) -> Digests | None:
    if not os.path.isfile(path):
        return None
    return Content.of_file(path).digests
