"""archive: files and directories of the host's, packed there."""

from __future__ import annotations

import os.path
import re
import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.archives.kinds import TOOLS
from opsrun.modules.archives.packing import FORMATS, Packing
from opsrun.modules.archives.sources import (
    MOST,
    Contents,
    Sources,
    contents_of,
    holds,
    read_sources,
    sources_script,
)
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.file_options import FileOptions
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wanted, argument, described
from opsrun.modules.placing import SURROUNDINGS
from opsrun.modules.requests import Request, Run
from opsrun.modules.wording import path_bytes, text_of
from opsrun.remote.files.words import portions, word

_ARCHIVE = re.compile(r"\.(tar|tar\.(gz|bz2|xz|zst|zstd)|tgz|tbz2?|txz|tzst|zip)\Z")
_STARS = re.compile(r"[*?]")

_LOOK = """\
at dest "$d"
if [ -h "$d" ]; then
  r=$(readlink -f -- "$d" 2>/dev/null && echo x)
  d=${r%?x}
  at real "$d"
fi
case $d in
  */*) q=$(cd -P -- "${d%/*}/" 2>/dev/null && pwd -P && echo x) && say place "${q%?x}" ;;
  *) q=$(pwd -P && echo x) && say place "${q%?x}" ;;
esac
"""

# A directory stays if something is in it that was not packed.
_GONE = """\
gone() { rmdir -- "$1" 2>/dev/null || [ -n "$(ls -A -- "$1")" ] || rmdir -- "$1"; }
"""


@module("archive")
class Archive(FileOptions, Module):
    """Pack files and directories of the host into an archive there, or compress one file."""

    stays = True

    path: Sequence[str] = option(
        required=True, elements="path", doc="What is packed; ``*`` and ``?`` are wildcards."
    )
    dest: str | None = option(
        kind="path", doc="The archive; for one file, its name with the format's behind it."
    )
    format: str = option(
        "gz", choices=("bz2", "gz", "tar", "xz", "zip", "zstd"), doc="How it is packed."
    )
    exclude_path: Sequence[str] = option(
        (), elements="path", doc="Which of the paths, or of what wildcards stand for, are left out."
    )
    exclusion_patterns: Sequence[str] = option(
        (), elements="str", doc="Names in the archive that are left out; ``*`` matches slashes too."
    )
    force_archive: bool = option(False, doc="Whether also one file alone becomes an archive.")
    remove: bool = option(False, doc="Whether what has been packed is removed.")

    def steps(self, context: Context) -> Steps:
        """Look, compare, pack it beside its place, put it there, remove what was packed."""
        mark = secrets.token_hex(16)
        told, sources = read_sources(
            (yield Run(self._script(mark), effect="reads", cap=MOST)), mark
        )
        if not sources.all:
            raise ModuleError("Error, no source paths were found")
        dest = self._dest(sources)
        place = sources.place or _beside(dest, sources)
        if self.remove and holds(sources.there, place):
            raise ModuleError(f"{dest} is below what remove takes away: it would go with it")
        state = _State(
            self, told, sources, dest, contents_of(sources, place, self.exclusion_patterns)
        )
        return (yield from state.steps(context))

    def _script(self, mark: str) -> str:
        lines = sources_script(self.path, self.exclude_path, self.dest, mark)
        return "".join([LOOK, SURROUNDINGS, self.wish.script(), TOOLS, *lines])

    def _dest(self, sources: Sources) -> str:
        if self.dest:
            return sources.dest
        first = sources.all[0]
        if self.several(sources) or first.is_dir or self.force_archive:
            raise ModuleError("an archive of several files, or of a directory, needs a dest")
        return f"{first.path}.{self.format}"

    def several(self, sources: Sources) -> bool:
        """Whether it is more than one file, or might be."""
        return len(sources.all) > 1 or any(map(_STARS.search, self.path))


def _beside(dest: str, sources: Sources) -> str:
    """Of one file that is compressed beside its place."""
    return f"{sources.all[0].place.rstrip('/')}/{os.path.basename(dest)}"


@dataclass(frozen=True, slots=True)
class _There:
    """What there is at the destination."""

    seen: Seen
    """Behind a link, if it is one."""
    folder: str
    """The directory above it, over no link; empty where there is none."""
    wanted: Wanted
    same: bool


@dataclass(frozen=True, slots=True)
class _State:
    """What there is, and what of it is packed."""

    options: Archive
    told: Answers
    sources: Sources
    dest: str
    contents: Contents

    @property
    def _archive(self) -> bool:
        """More than one compressed file."""
        options = self.options
        forced = options.force_archive or options.format in ("tar", "zip")
        return forced or options.several(self.sources) or self.sources.all[0].is_dir

    def steps(self, context: Context) -> Steps:
        """Compare, pack, place, remove."""
        options, sources = self.options, self.sources
        single = "" if self._archive or not sources.there else sources.all[0].path
        kind = FORMATS[options.format]
        packing = Packing(kind, single, sources.root, self.contents, self.told)
        lacking = packing.lacking() if sources.there else ""
        if lacking and not context.check:
            raise ModuleError(lacking)
        there = yield from self._compared(packing, context, tools=not lacking)
        packs = bool(sources.there) and not there.same
        removes = options.remove and bool(sources.there)
        change = there.wanted.against(there.seen) if there.seen.exists and not packs else None
        data = self._data(packs or there.seen.exists)
        warnings = [*there.wanted.warnings, *([lacking] if lacking else []), *self._left_out()]
        if not (packs or removes or change) or context.check:
            data |= described(there.seen)
            changed = packs or removes or bool(change)
            return ModuleResult(changed, data=data, warnings=tuple(warnings))
        lines = list(self._packed(packing, there)) if packs else []
        lines += [] if change is None else change.lines(there.seen.path)
        lines += [f"{LOOK}at after {argument(there.seen.path)}\n"]
        lines += self._removed() if removes else []
        answer = yield Run("".join([LOOK, *lines]), packing.data if packs else None)
        if not answer.ok:
            raise ModuleError.of(answer, f"{self.dest} can't be made" if packs else "")
        after = Answers(answer)
        if after.get("warned") is not None:
            warnings += text_of(answer.stderr).splitlines()
        data |= described(after.seen("after"))
        return ModuleResult(True, data=data, warnings=tuple(warnings))

    # -- comparing

    def _compared(
        self, packing: Packing, context: Context, *, tools: bool
    ) -> Generator[Request, Any, _There]:
        wish = self.options.wish
        looks = tools and bool(self.sources.there)
        lines = [LOOK, wish.asking(), f"d={argument(self.dest)}\n", _LOOK]
        if looks:
            lines += ['if [ -f "$d" ] && [ -r "$d" ]; then\nsay there y\n', *packing.comparing()]
            lines += ["fi\n"]
        # Here the names only foretell what comes of them.
        data = packing.data if looks else None
        answers = Answers((yield Run("".join(lines), data, effect="reads", cap=MOST)))
        key = "real" if answers.get("real") is not None else "dest"
        seen = answers.seen(key, lenient=True)
        if seen.is_dir:
            raise ModuleError(f"{self.dest} is a directory, and the archive is a file")
        if seen.exists and not (seen.is_file or seen.is_link):
            raise ModuleError(
                f"{self.dest} is a device, a fifo or a socket, and the archive a file"
            )
        wanted = wish.resolved(self.told, check=context.check)
        wanted.mode_for(0o644, directory=False)
        place = answers.text("place")
        if self.sources.there and not place:
            above = os.path.dirname(self.dest)
            raise ModuleError(f"{above}, where the archive is to be, is no directory")
        same = answers.get("there") is not None and packing.same(answers)
        return _There(seen, place, wanted, same)

    def _left_out(self) -> Iterator[str]:
        for each in self.contents.special:
            yield f"{each} is a device, a fifo or a socket: it is not packed"

    def _data(self, there: bool) -> dict[str, Any]:
        sources = self.sources
        packed = self._archive if sources.there else bool(_ARCHIVE.search(self.dest))
        state = "archive" if packed else "compress"
        if packed and sources.missing and sources.there:
            state = "incomplete"
        return {
            "archived": [each.path for each in self.contents.members if self._tells(each.is_dir)],
            "arcroot": sources.root,
            "dest": self.dest,
            "dest_state": state if there else "absent",
            "expanded_exclude_paths": list(sources.excluded),
            "expanded_paths": list(sources.expanded),
            "missing": sources.missing,
        }

    def _tells(self, directory: bool) -> bool:
        # As the dialect has it.
        return not (directory and self.options.format == "zip")

    # -- packing

    def _packed(self, packing: Packing, there: _There) -> Iterator[str]:
        """Makes it under another name, and puts it in its place."""
        wanted, seen = there.wanted, there.seen
        known = seen.exists
        folder = there.folder.rstrip("/")
        place = f"{folder}/{os.path.basename(seen.path)}"
        yield f"t={argument(f'{folder}/.opsrun-{secrets.token_hex(8)}')}\n"
        yield 'trap \'rm -f -- "$t"\' EXIT\nset -C\n(umask 077 && : >"$t") || exit\nset +C\n'
        yield from packing.making(lenient=not self.options.remove)
        uid, gid = wanted.uid, wanted.gid
        if known and self.told.number("me") == 0:
            uid, gid = (seen.uid if uid is None else uid), (seen.gid if gid is None else gid)
        own = seen.mode if known else 0o666 & ~wanted.umask
        mode = wanted.mode_for(own, directory=False)
        owned = replace(wanted.plain, uid=uid, gid=gid, mode=mode)
        # The name is known to the shell alone: the lines are made for a name that it replaces.
        for line in owned.against(Seen("", 0o100600), new=True).lines("@"):
            yield line.replace(" @ ", ' "$t" ')
        yield f'chmod {mode:04o} "$t" || exit\n'
        name = argument(place)
        instead = f'cat <"$t" >{name} || exit' if self.options.unsafe_writes else "exit 1"
        yield f'mv -f -- "$t" {name} || {{ {instead}; }}\n'
        yield from wanted.settling(place, seen if seen.is_file else Seen(place))

    def _removed(self) -> Iterator[str]:
        """Takes away what has been packed: files, and directories in which nothing is left."""
        sources = self.sources.there
        link = next((each.path for each in sources if each.is_dir and each.is_link), None)
        if link is not None:
            raise ModuleError(f"{link} is a link to a directory, which remove does not take away")
        members = self.contents.members
        files = [path_bytes(each.path) for each in members if not each.is_dir]
        folders = {path_bytes(each.path) for each in members if each.is_dir}
        folders |= {path_bytes(each.path) for each in sources if each.is_dir}
        for some in portions(files):
            yield f"rm -f -- {' '.join(map(word, some))} || exit\n"
        yield _GONE
        for each in sorted(folders, reverse=True):
            yield f"gone {word(each)} || exit\n"
