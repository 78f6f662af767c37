"""synchronize: makes a tree like another one, as rsync does, with no rsync on either side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.modules.base import Context, Module, ModuleError, Steps
from opsrun.modules.options import module, option
from opsrun.modules.synchronizing.filters import Clear, Filters, Rule, kept, read_patterns
from opsrun.modules.synchronizing.rsync_options import FromFile, Passed, Refused, passed
from opsrun.modules.synchronizing.wanted import Wanted
from opsrun.modules.synchronizing.work import Asked, Work

_PLAIN_RSYNC = re.compile(r"(?:/?(?:[A-Za-z0-9._-]+/)*)rsync[0-9.]*\Z")
_CARRIED = "Files go over the task's own connection:"


def _judged(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    options = values.get("rsync_opts") or ()
    try:
        passed(() if isinstance(options, Template) else options)
    except Refused as error:
        yield "rsync_opts", str(error)
    path = values.get("rsync_path")
    if path and not isinstance(path, Template) and not _PLAIN_RSYNC.match(path):
        words = f"rsync_path {path!r} can't be had: no rsync is started"
        yield "rsync_path", f"{words}; for another user say become: true"
    if values.get("link_dest"):
        yield "link_dest", "link_dest can't be had: files are always written, and never linked"
    for name in ("src", "dest"):
        path = values.get(name)
        if (
            isinstance(path, str)
            and not isinstance(path, Template)
            and (path.startswith("rsync://") or "::" in path.split("/")[0])
        ):
            yield name, f"{name} {path!r}: rsync daemons can't be talked to"


@module("ansible.posix.synchronize", judged=_judged)
class Synchronize(Module):
    """Make a directory, or a file, like another one: from here to the host, back, or between hosts.

    As rsync does it, and without any rsync: what differs is found out by size and time, and goes
    over the task's own connection, whatever that is, and as whoever ``become`` says. With
    ``delegate_to`` the source (the destination, for ``pull``) is on that host; where that is the
    task's own host, both are.
    """

    stays = True
    between = True

    src: str = option(
        required=True,
        doc="What is copied; of a directory that ends in a slash, what is in it.",
    )
    dest: str = option(required=True, doc="Where to.")
    mode: str = option(
        "push",
        choices=("pull", "push"),
        doc="``push``: from the controller, or the host that is delegated to, to the task's host;"
        " ``pull``: the other way.",
    )
    archive: bool = option(
        True, doc="Whether recursive, links, perms, times, owner and group are on."
    )
    recursive: bool | None = option(kind="bool", doc="Whether what is in directories is copied.")
    links: bool | None = option(kind="bool", doc="Whether links are copied, as links.")
    perms: bool | None = option(kind="bool", doc="Whether modes are those of the source.")
    times: bool | None = option(kind="bool", doc="Whether times are those of the source.")
    owner: bool | None = option(kind="bool", doc="Whether owners are, where root writes.")
    group: bool | None = option(kind="bool", doc="Whether groups are.")
    copy_links: bool = option(False, doc="Whether links are copied as what they lead to.")
    dirs: bool = option(False, doc="Whether directories are copied without what is in them.")
    delete: bool = option(False, doc="Whether what the source doesn't have is deleted.")
    checksum: bool = option(False, doc="Whether content is compared, and not size and time.")
    existing_only: bool = option(False, doc="Whether nothing new is made.")
    compress: bool = option(True, doc=f"{_CARRIED} it says whether that compresses.")
    partial: bool = option(False, doc="Half a file is never put in its place: nothing to keep.")
    delay_updates: bool = option(True, doc="Files are always put in their places together.")
    rsync_opts: list[str] = option(
        (), elements="str", doc="Options of rsync's; what can't be done is refused by name."
    )
    rsync_path: str | None = option(doc="No rsync is started; a command with sudo is refused.")
    rsync_timeout: int = option(0, doc=f"{_CARRIED} its limits hold.")
    set_remote_user: bool = option(True, doc=f"{_CARRIED} its user is the one.")
    use_ssh_args: bool = option(False, doc=f"{_CARRIED} its arguments hold.")
    dest_port: int | None = option(kind="int", doc=f"{_CARRIED} ansible_port says which port.")
    private_key: str | None = option(kind="path", doc=f"{_CARRIED} its key is the one.")
    verify_host: bool = option(False, doc=f"{_CARRIED} its host key has been looked at.")
    ssh_connection_multiplexing: bool = option(False, doc=f"{_CARRIED} there is one already.")
    link_dest: list[str] = option((), elements="path", doc="Not built; refused.")

    def steps(self, context: Context) -> Steps:
        """Look at both trees, compare, carry over what differs, delete what is too much."""
        wanted = self._wanted(context)
        work = Work(self._asked, context, wanted)
        return (yield from work.steps())

    @property
    def _asked(self) -> Asked:
        words = ["--delete-after"] if self.delete else []
        words += ["--archive"] if self.archive else []
        return Asked(self.src, self.dest, self.mode == "pull", (*words, *self.rsync_opts))

    def _wanted(self, context: Context) -> Wanted:
        try:
            more = passed(self.rsync_opts)
        except Refused as error:
            raise ModuleError(f"rsync_opts: {error}") from error
        said = dict.fromkeys(_ARCHIVED, self.archive)
        said |= {name: getattr(self, name) for name in _ARCHIVED if getattr(self, name) is not None}
        said |= {name: getattr(self, name) for name in _SAID}
        said |= more.said
        if said["delete"] and not (said["recursive"] or said["dirs"]):
            raise ModuleError("delete does not work without recursive (or dirs)", rc=1)
        return Wanted(
            **said,
            chmod=more.chmod,
            chown=more.chown,
            max_delete=more.max_delete,
            max_size=more.max_size,
            min_size=more.min_size,
            filters=Filters(_rules(more, context), bool(said.get("delete_excluded"))),
        )


_ARCHIVED = ("recursive", "links", "perms", "times", "owner", "group")
_SAID = ("copy_links", "dirs", "delete", "checksum", "existing_only")


def _rules(more: Passed, context: Context) -> tuple[Rule, ...]:
    found: list[Rule | Clear] = []
    for each in more.rules:
        if isinstance(each, FromFile):
            path = context.controller.find(each.path, "files")
            if path is None:
                raise ModuleError(f"rsync_opts: there is no {each.path} on the controller")
            found += read_patterns(path, keeps=each.keeps)
        else:
            found.append(each)
    return kept(found)
