"""The text of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^\s"])+|"')
_OPTION = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^,"])+')
_KIND = re.compile(r"(?:(?:sk-)?(?:ssh|ecdsa)-[a-z0-9-]+|rsa-sha2-\d+)(?:@openssh\.com)?\Z")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A line that has a key."""

    options: str
    kind: str
    blob: str
    comment: str

    @classmethod
    def of(cls, line: str) -> PublicKey | None:
        """None for remarks, empty lines, and what is no key."""
        if line.lstrip().startswith("#"):
            return None
        words = list(_WORD.finditer(line))
        for at, found in enumerate(words[:2]):
            if _KIND.match(found[0]) and at + 1 < len(words):
                blob = words[at + 1]
                options = words[0][0] if at else ""
                return cls(options, found[0], blob[0], " ".join(line[blob.end() :].split()))
        return None

    @property
    def line(self) -> str:
        """As it is written: as others write it, too, with a blank where no comment is."""
        return " ".join((*filter(None, (self.options, self.kind, self.blob)), self.comment))

    def same(self, other: PublicKey) -> bool:
        """Whether nothing has to change; options may stand in any order."""
        mine, theirs = (
            (sorted(_OPTION.findall(each.options)), each.kind, each.blob, each.comment)
            for each in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, slots=True)
class BadKey(Exception):
    """A line of a task that holds no key."""

    line: str


def wanted_keys(text: str, options: str | None, comment: str | None) -> list[PublicKey]:
    """The keys of a task, the last of each. Raises `BadKey`."""
    found: dict[str, PublicKey] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key = PublicKey.of(line)
        if key is None:
            raise BadKey(line)
        if options is not None:
            key = replace(key, options=options)
        if comment is not None:
            key = replace(key, comment=comment)
        found[key.blob] = key
    return list(found.values())


def with_keys(
    lines: Sequence[str], keys: Sequence[PublicKey], *, exclusive: bool = False
) -> list[str]:
    """The lines with all of these: as they are where they are there, or else behind the others."""
    found = [(line, PublicKey.of(line)) for line in lines]
    for key in keys:
        if any(each is not None and each.same(key) for _, each in found):
            continue
        found = [(line, each) for line, each in found if each is None or each.blob != key.blob]
        found.append((key.line, key))
    blobs = {each.blob for each in keys}
    return [
        line for line, each in found if not exclusive or (each is not None and each.blob in blobs)
    ]


def without_keys(lines: Sequence[str], keys: Sequence[PublicKey]) -> list[str]:
    """The lines without any of these, whatever their options are."""
    blobs = {each.blob for each in keys}
    found = [(line, PublicKey.of(line)) for line in lines]
    return [line for line, each in found if each is None or each.blob not in blobs]
