"""known_hosts: keys of hosts that ssh(1) trusts are in a file, or not."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wish, described
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing
from opsrun.modules.wording import path_bytes, path_of
from opsrun.remote.command import CommandResult

_MARKERS = ("@cert-authority", "@revoked")
_TYPE = re.compile(r"[a-z0-9@.-]+\Z")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A line of a file as sshd(8) describes it under SSH_KNOWN_HOSTS FILE FORMAT."""

    marker: str
    hosts: str
    kind: str
    blob: str
    rest: str = ""
    """A remark."""

    @classmethod
    def of(cls, line: str) -> HostKey | None:
        """None for what is no key."""
        words = line.split()
        marker = words.pop(0) if words and words[0] in _MARKERS else ""
        if len(words) < 3 or words[0].startswith("#"):
            return None
        return cls(marker, words[0], words[1], words[2], " ".join(words[3:]))

    @property
    def hashed(self) -> bool:
        """Whether the name is hidden."""
        return self.hosts.startswith("|1|")

    def names(self, host: str) -> bool:
        """Whether it is for this host, by name; patterns are for themselves alone."""
        if not self.hashed:
            return host.lower() in self.hosts.lower().split(",")
        _, _, salt, digest = self.hosts.split("|") if self.hosts.count("|") == 3 else [""] * 4
        try:
            made = _digest(host, base64.b64decode(salt))
        except binascii.Error:
            return False
        return made == digest

    def valid(self) -> bool:
        """Whether the key is one: its bytes begin with the name of its type."""
        try:
            data = base64.b64decode(self.blob, validate=True)
        except binascii.Error:
            return False
        kind = self.kind.encode()
        begins = data[:4] == len(kind).to_bytes(4, "big") and data[4 : 4 + len(kind)] == kind
        return begins and _TYPE.match(self.kind) is not None

    def line(self, hosts: str) -> str:
        """As it is written."""
        return " ".join(filter(None, (self.marker, hosts, self.kind, self.blob, self.rest)))


def _digest(host: str, salt: bytes) -> str:
    made = hmac.new(salt, host.lower().encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()


def hidden(host: str, salt: bytes) -> str:
    """A name as ``HashKnownHosts`` has it."""
    return f"|1|{base64.b64encode(salt).decode()}|{_digest(host, salt)}"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a file is to have or not."""

    name: str
    keys: tuple[HostKey, ...]
    """As the task has them; none for all keys of a host that go."""
    text: str = ""
    """As the task writes them."""
    hashing: bool = False
    salt: Callable[[], bytes] = lambda: os.urandom(20)

    def present(self, lines: Sequence[str]) -> list[str]:
        """With the keys: one of each type, behind all others if it is new."""
        found = list(lines)
        for key in self.keys:
            same = [each for each in found if self._same(each, key)]
            if self._all_right(same, key):
                continue
            found = [each for each in found if each not in same]
            hosts = key.hosts.split(",") if self.hashing else [key.hosts]
            names = [hidden(each, self.salt()) if self.hashing else each for each in hosts]
            found += [key.line(each) for each in names]
        return found

    def absent(self, lines: Sequence[str]) -> list[str]:
        """Without them, or without all of that host."""
        return [each for each in lines if not self._goes(each)]

    def _same(self, line: str, key: HostKey) -> bool:
        """Whether a line is of the same host, type and marker."""
        other = HostKey.of(line)
        if other is None or (other.kind, other.marker) != (key.kind, key.marker):
            return False
        if key.marker and other.blob != key.blob:
            # Many may sign for a host, and many may have been stolen.
            return False
        # Names that are hidden have lines of their own.
        more = key.hosts.split(",") if other.hashed else ()
        return any(other.names(each) for each in (self.name, *more))

    def _all_right(self, same: Sequence[str], key: HostKey) -> bool:
        right = [HostKey.of(each) for each in same if self._right(each, key)]
        if any(other and other.blob != key.blob for other in map(HostKey.of, same)):
            return False
        names = key.hosts.split(",") if self.hashing else [self.name]
        return all(any(each and each.names(name) for each in right) for name in names)

    def _right(self, line: str, key: HostKey) -> bool:
        other = HostKey.of(line)
        return other is not None and (other.blob, other.hashed) == (key.blob, self.hashing)

    def _goes(self, line: str) -> bool:
        other = HostKey.of(line)
        if other is None or not other.names(self.name):
            return False
        if not self.keys:
            # What is trusted to sign, or known to be stolen, is no key of the host's.
            return not other.marker
        keys = [(each.marker, each.kind, each.blob) for each in self.keys]
        return (other.marker, other.kind, other.blob) in keys


@module("known_hosts", required_if=[("state", "present", ("key",))])
class KnownHosts(StateModule[Text]):
    """See to it that a file of hosts' keys has one, or not."""

    ahead = True

    host: str = option(
        required=True, name="name", aliases=("host",), doc="The host, as the key has it."
    )
    key: str | None = option(doc="A line as the file has it: names, type, key.")
    path: str = option("~/.ssh/known_hosts", kind="path", doc="The file.")
    hash_host: bool = option(False, doc="Whether the name is hidden.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")

    def inspect(self, context: Context) -> Inspection[Text]:
        """The file's text."""
        self._edit()

        def parse(answer: CommandResult) -> Text:
            return parse_read(answer, Wish(), check=True)

        return Inspection(read_script(self.path, Wish()), parse, cap=LIMIT)

    def _edit(self) -> Edit:
        if "," in self.host:
            raise ModuleError(f"name: {self.host!r}: one host at a time, by one of its names")
        lines = [each for each in (self.key or "").splitlines() if each.strip()]
        keys = []
        for line in lines:
            if line.lstrip().startswith("#"):
                continue
            key = HostKey.of(line)
            if key is None or not key.valid():
                raise ModuleError(f"key: {line[:60]!r} is no line of a known_hosts file")
            if not key.names(self.host):
                raise ModuleError(f"the host {self.host} is not in the key that is given for it")
            keys.append(key)
        if self.state == "present" and not keys:
            raise ModuleError("key: there is no key in it")
        return Edit(self.host, tuple(keys), self.key or "", self.hash_host)

    def plan(self, state: Text, context: Context) -> Plan:
        """Edit the text, and put it back whole."""
        edit = self._edit()
        before = path_of(state.content)
        lines = before.split("\n")
        ended = lines[-1] == ""
        if ended:
            lines.pop()
        new = edit.present(lines) if self.state == "present" else edit.absent(lines)
        changed = new != lines
        after = "".join(f"{each}\n" for each in new) if changed else before
        was = state.path if state.exists else os.devnull
        diff = (Diff(before, after, was, state.path, alone=True),)
        if context.check and (changed or self.state == "present" or not edit.keys):
            return Plan((Run(""),) if changed else (), ModuleResult(changed, diff=diff))
        data: dict[str, Any] = {
            "name": self.host,
            "key": self.key,
            "path": state.path,
            "hash_host": self.hash_host,
            "state": self.state,
        }
        if not changed:
            data |= described(state.seen)
            return Plan(result=ModuleResult(data=data, diff=diff))
        if state.answers.every("new"):
            raise ModuleError(f"{state.path}: there is no such directory")
        content = path_bytes(after)
        script = Writing(state, content).script()
        return Plan((Run(script, content),), ModuleResult(True, data=data, diff=diff))

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what there is now."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    after = Answers(answer).seen("after", lenient=True)
    return replace(result, data={**result.data, **described(after)})
