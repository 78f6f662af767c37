"""htpasswd: who may log in to a web server, and with which password."""

from __future__ import annotations

from collections.abc import Sequence

from opsrun.modules.base import Diff, ModuleError, ModuleResult
from opsrun.modules.options import module, option
from opsrun.modules.passwords.schemes import SCHEMES, NotMade, TooMuchWork, matches
from opsrun.modules.texts.editing import ATTRIBUTES, Change, Edited, PathModule
from opsrun.modules.texts.reading import Text
from opsrun.modules.wording import text_of
from opsrun.secret import MASK

_LONGEST = 255
"""Bytes of a name; Apache's programs take no more."""


@module("community.general.htpasswd")
class Htpasswd(PathModule):
    """See to it that a user is in a web server's password file, with this password, or is not."""

    path: str = option(
        required=True, kind="path", aliases=("dest", "destfile"), doc="The password file."
    )
    user: str = option(required=True, name="name", aliases=("username",), doc="The user's name.")
    password: str | None = option(
        secret=True, doc="Its password; may be left out for a user that is there already."
    )
    hash_scheme: str = option(
        "apr_md5_crypt",
        aliases=("crypt_scheme",),
        choices=tuple(SCHEMES),
        doc="How a new hash is made, on the controller. One that is there and fits the password "
        "stays, however it was made. ``bcrypt`` is what holds out longest.",
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    create: bool = option(True, doc="Whether a file that is not there is made.")

    def edit(self, text: Text) -> Edited:
        """See `TextModule.edit`."""
        self._check()
        lines = text.content.splitlines(keepends=True)
        found = [number for number, line in enumerate(lines) if _user(line) == self._name]
        if self.state == "absent":
            kept = [line for number, line in enumerate(lines) if number not in found]
            msg = f"Remove {self.user}" if found else f"{self.user} not present"
            return Edited(b"".join(kept), msg, made=False)
        if not text.exists and not self.create:
            raise ModuleError(f"Destination {text.path} does not exist")
        if found and self._fits(lines[found[0]]):
            return Edited(text.content, f"{self.user} already present")
        return Edited(b"".join(self._changed(lines, found)), f"Add/update {self.user}")

    def result(self, change: Change) -> ModuleResult:
        """See `TextModule.result`."""
        kept = {"backup_file": change.backup} if change.backup else {}
        missing = self.state == "absent" and not change.text.exists
        warnings = (f"{change.text.path} does not exist",) if missing else ()
        return ModuleResult(
            msg=self._told(change), data=kept, diff=_diffs(change), warnings=warnings
        )

    @property
    def _name(self) -> bytes:
        return _bytes(self.user)

    def _check(self) -> None:
        """Raises ModuleError where a line can't be made of this."""
        if not self.user or self.user.startswith("#") or set(self.user) & set(":\r\n\0"):
            words = "name: expected one without colons and line ends that begins with no #"
            raise ModuleError(f"{words}, found {self.user!r}")
        if len(self._name) > _LONGEST:
            raise ModuleError(f"name: expected at most {_LONGEST} bytes, found {len(self._name)}")
        secret = self.password or ""
        if "\0" in secret or (self.hash_scheme == "plaintext" and set(secret) & set("\r\n")):
            raise ModuleError("password: there is a character in it that no such file can hold")

    def _fits(self, line: bytes) -> bool:
        if self.password is None:
            return True
        try:
            return matches(self.password, _kept(line))
        except TooMuchWork as error:
            words = "its hash can't be compared with the password"
            raise ModuleError(f"{self.user}: {words}: it asks for {error}") from error

    def _changed(self, lines: Sequence[bytes], found: Sequence[int]) -> list[bytes]:
        """The first line of a user counts; others of the same name go."""
        if self.password is None:
            raise ModuleError(f"password is needed: {self.user} is not there yet")
        try:
            entry = self._name + b":" + _bytes(SCHEMES[self.hash_scheme](self.password))
        except NotMade as error:
            raise ModuleError(f"hash_scheme: {error}") from error
        made = [line for number, line in enumerate(lines) if number not in found[1:]]
        if found:
            old = made[found[0]]
            made[found[0]] = entry + old[len(old.rstrip(b"\r\n")) :]
            return made
        if made and not made[-1].endswith((b"\n", b"\r")):
            made[-1] += b"\n"
        return [*made, entry + b"\n"]

    def _told(self, change: Change) -> str:
        if not change.text.exists and change.written:
            path = change.text.path
            if change.context.check:
                return f"Create {path}"
            more = f" and {ATTRIBUTES}" if change.attributes else ""
            return f"Created {path} and added {self.user}{more}"
        return change.msg


def _kept(line: bytes) -> str:
    """What a line keeps of a password."""
    return line.rstrip(b"\r\n").partition(b":")[2].decode("utf-8", "surrogateescape")


def _user(line: bytes) -> bytes | None:
    """Whose line it is; None for a remark, and for what is no entry."""
    name, colon, _ = line.partition(b":")
    return name if colon and not line.startswith(b"#") else None


def _diffs(change: Change) -> tuple[Diff, ...]:
    if not change.context.diff:
        return ()
    old, new = (each.splitlines() for each in (change.text.content, change.edited.content))
    there = set(old)
    before = "".join(f"{_hidden(line)}\n" for line in old)
    after = "".join(
        f"{_hidden(line)}{'' if line in there or _user(line) is None else ' (new)'}\n"
        for line in new
    )
    header = f"{change.text.path} (content)"
    content, attributes = (
        Diff(before, after, header, header),
        f"{change.text.path} (file attributes)",
    )
    if change.attributes_before is None:
        return (content,)
    told = (change.attributes_before, change.attributes_after)
    return (content, Diff(*told, attributes, attributes))


def _hidden(line: bytes) -> str:
    """With nothing of what may be a password."""
    name = _user(line)
    if name is not None:
        return f"{text_of(name)}:{MASK}"
    return text_of(line) if line.startswith(b"#") or not line.strip() else MASK


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
