"""Arguments of put, get and sync as actions; everything wrong with them is said here."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence

from opsrun.adhoc.get import GetOptions
from opsrun.adhoc.put import PutOptions
from opsrun.adhoc.sync import SyncOptions
from opsrun.adhoc.transfer import Finish, Rates
from opsrun.api.options import CopyOptions, GetArguments, PutArguments, SyncArguments, only_known
from opsrun.composition import arguments
from opsrun.composition.transfers import GetAction, PutAction, SyncAction
from opsrun.errors import UsageError
from opsrun.trees.exclude import Excludes, parse_excludes
from opsrun.trees.modes import Mode
from opsrun.trees.stdin import hold

PathLike = str | os.PathLike[str]

_FLAGS = (
    "keep_setuid",
    "backup",
    "preserve",
    "follow",
    "dereference",
    "parents",
    "dry_run",
    "flat",
    "unsafe_links",
    "delete",
    "checksum",
    "sftp",
)
_WORDS = ("mode", "owner", "group", "validate")


def put_action(
    sources: PathLike | Sequence[PathLike], dest: PathLike, options: PutArguments
) -> PutAction:
    """See `opsrun.api.fleet.Fleet.put`."""
    _check(options, PutArguments)
    content = options.get("content")
    named = arguments.paths("sources", sources)
    if content is not None:
        if named:
            raise UsageError("content stands in for sources: give one of them")
        arguments.content("content", content)
        named = ("-",)
    elif "-" in named:
        raise UsageError("sources: - is for the command line; content takes bytes")
    return PutAction.prepare(
        named,
        _path("dest", dest),
        PutOptions(
            _finish(options),
            _rates(options),
            follow=options.get("follow", False),
            parents=options.get("parents", False),
            dry_run=options.get("dry_run", False),
            sftp=options.get("sftp", False),
        ),
        exclude=_excludes(options),
        dereference=options.get("dereference", False),
        stdin=lambda: hold(io.BytesIO(content or b"")),
    )


def get_action(
    sources: PathLike | Sequence[PathLike], dest: PathLike, options: GetArguments
) -> GetAction:
    """See `opsrun.api.fleet.Fleet.get`."""
    _check(options, GetArguments)
    return GetAction.prepare(
        arguments.paths("sources", sources),
        _path("dest", dest),
        GetOptions(
            flat=options.get("flat", False),
            finish=_finish(options),
            rates=_rates(options),
            exclude=_excludes(options),
            unsafe_links=options.get("unsafe_links", False),
            sftp=options.get("sftp", False),
        ),
    )


def sync_action(source: PathLike, dest: PathLike, options: SyncArguments) -> SyncAction:
    """See `opsrun.api.fleet.Fleet.sync`."""
    _check(options, SyncArguments)
    return SyncAction.prepare(
        _path("source", source),
        _path("dest", dest),
        SyncOptions(
            _finish({**options, "preserve": True}),
            _rates(options),
            _excludes(options),
            delete=options.get("delete", False),
            checksum=options.get("checksum", False),
            dry_run=options.get("dry_run", False),
            sftp=options.get("sftp", False),
        ),
    )


def _path(name: str, value: object) -> str:
    path = arguments.path(name, value)
    if path is None:
        raise arguments.wrong(name, "a path", value)
    return path


def _check(options: Mapping[str, object], kind: type) -> None:
    only_known(options, kind)
    for name, value in options.items():
        if name in _FLAGS:
            arguments.flag(name, value)
        elif name in _WORDS:
            arguments.text(name, value)


def _finish(options: Mapping[str, object]) -> Finish:
    mode = options.get("mode")
    return Finish(
        mode=None if mode is None else Mode.parse(str(mode)),
        owner=str(options.get("owner") or ""),
        group=str(options.get("group") or ""),
        preserve=bool(options.get("preserve")),
        keep_setuid=bool(options.get("keep_setuid")),
        backup=bool(options.get("backup")),
        validate=str(options.get("validate") or ""),
    )


def _rates(options: CopyOptions) -> Rates:
    return Rates(options.get("bwlimit"), options.get("bwlimit_total"), options.get("idle_timeout"))


def _excludes(options: CopyOptions) -> Excludes:
    return parse_excludes(arguments.texts("exclude", options.get("exclude", ())), "exclude")
