"""find: what there is below directories, chosen by name, age, size, mode and content.

The host lists, the controller chooses: expressions are Python's. Contents are looked into of those
files alone that everything else has chosen, and come here only where the host can't tell that they
won't match.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.finding.contents import matching
from opsrun.modules.finding.listing import LIST, ListingReader, Listings
from opsrun.modules.finding.sieve import required
from opsrun.modules.finding.wanted import Wanted
from opsrun.modules.looking import LOOK, Seen, as_float
from opsrun.modules.options import module, option
from opsrun.modules.permissions import argument
from opsrun.modules.requests import Request, Run
from opsrun.modules.stat import BITS, KINDS
from opsrun.modules.wording import path_bytes, path_of, path_word, text_of
from opsrun.remote.command import CommandResult
from opsrun.remote.files.words import portions


@module("find")
class Find(Module):
    """List what is below directories, as far as it has the name, age, size, mode or content."""

    paths: Sequence[str] = option(
        required=True, elements="path", aliases=("name", "path"), doc="Directories."
    )
    patterns: Sequence[str] = option(
        (), elements="str", aliases=("pattern",), doc="Names: with wildcards, or see use_regex."
    )
    excludes: Sequence[str] | None = option(
        kind="list", elements="str", aliases=("exclude",), doc="Names that are left out."
    )
    use_regex: bool = option(False, doc="Whether those are regular expressions of Python's.")
    contains: str | None = option(
        doc="A regular expression that a line of a file has to begin with; for files alone."
    )
    read_whole_file: bool = option(False, doc="Whether contains is searched for in all of it.")
    encoding: str | None = option(doc="Of the files' text; UTF-8 where nothing is said.")
    age: str | None = option(
        doc="So old at least, in seconds or with s, m, h, d, w; at most, where it is negative."
    )
    age_stamp: str = option("mtime", choices=("atime", "ctime", "mtime"), doc="Which time.")
    size: str | None = option(
        doc="So large at least, in bytes or with b, k, m, g, t; at most, where it is negative."
    )
    mode: int | str | None = option(kind="mode", doc="Permissions, octal or symbolic.")
    exact_mode: bool = option(True, doc="Whether exactly those; one of their bits, if not.")
    file_type: str = option(
        "file", choices=("any", "directory", "file", "link"), doc="What is listed."
    )
    recurse: bool = option(False, doc="Whether directories below are gone into.")
    depth: int | None = option(doc="How many levels of them.")
    hidden: bool = option(False, doc="Whether names that begin with a dot are listed.")
    follow: bool = option(False, doc="Whether links to directories are gone into.")
    get_checksum: bool = option(False, doc="Whether files get their SHA-1.")
    limit: int | None = option(doc="So many are enough.")

    def steps(self, context: Context) -> Steps:
        """A listing; where they are wanted, contents and checksums."""
        wanted = Wanted.of(self)
        reader = ListingReader(wanted, self.depth if self.recurse and self.depth else None)
        script = "".join(self._script())
        answer: CommandResult = yield Run(script, effect="reads", take=reader.feed)
        if not answer.ok:
            raise ModuleError.of(answer)
        found = reader.ended()
        chosen = found.chosen
        if wanted.content is not None and self.file_type == "file":
            words = required(wanted.content.expression, wanted.content.encoding)
            fit = yield from matching(chosen, wanted.content, words, found.skipped)
            chosen = [each for each in chosen if each.path in fit]
        chosen = chosen[: self.limit]
        sums: dict[str, str] = {}
        if self.get_checksum:
            sums = yield from _digests(chosen)
        return self._told(found, [_entry(each, sums.get(each.path)) for each in chosen])

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{LIST}"
        where = "-L ." if self.follow else "."
        depth = self.depth or 0
        if not self.recurse:
            how = f"{where} ! -name . -prune"
        else:
            how = f"{where} -maxdepth {depth + 1}" if depth > 0 else where
        for path in self.paths:
            yield f"below {path_word(path)} {how}\n"

    def _told(self, found: Listings, files: Sequence[Any]) -> ModuleResult:
        msg = "All paths examined"
        if found.skipped:
            msg = "Not all paths examined, check warnings for details"
        elif self.limit is not None and len(files) >= self.limit:
            msg = "Limit of matches reached"
        data = {
            "files": files,
            "matched": len(files),
            "examined": found.examined,
            "skipped_paths": found.skipped,
        }
        warnings = tuple(f"left out {path}: {why}" for path, why in found.skipped.items())
        return ModuleResult(msg=msg, data=data, warnings=warnings)


def _digests(found: Sequence[Seen]) -> Generator[Request, Any, dict[str, str]]:
    sums: dict[str, str] = {}
    for some in portions([path_bytes(each.path) for each in found if each.is_file]):
        names = " ".join(argument(path_of(each)) for each in some)
        script = f'{LOOK}for f in {names}; do digested sha1 "$f"; say "$x"; done\n'
        answer = yield Run(script, effect="reads")
        made = answer.stdout.split(b"\0")
        if not answer.ok or len(made) != len(some) + 1:
            raise ModuleError.of(answer)
        sums |= {path_of(name): text_of(one) for name, one in zip(some, made, strict=False)}
    return sums


def _entry(seen: Seen, checksum: str | None) -> dict[str, Any]:
    kinds, bits = _of_mode(seen.raw_mode)
    found: dict[str, Any] = {
        "path": seen.path,
        **kinds,
        "uid": seen.uid,
        "gid": seen.gid,
        "size": seen.size,
        "inode": seen.inode,
        "dev": seen.device,
        "nlink": seen.links,
        "atime": as_float(seen.atime),
        "mtime": as_float(seen.mtime),
        "ctime": as_float(seen.ctime),
        "pw_name": seen.user,
        "gr_name": seen.group,
        **bits,
    }
    if checksum:
        found["checksum"] = checksum
    return found


@lru_cache(1024)
def _of_mode(raw_mode: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a mode says, in two parts: most files have one of a few."""
    kinds = {name: holds(raw_mode) for name, holds in KINDS.items()}
    bits = {name: bool(raw_mode & bit) for name, bit in BITS.items()}
    return {"mode": f"{stat.S_IMODE(raw_mode):04o}", **kinds}, bits
