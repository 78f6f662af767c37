"""What a task wants of a synchronization, and who writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsrun.modules.synchronizing.filters import Filters
from opsrun.modules.synchronizing.rsync_options import Chmod


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the trees are compared, and what is kept of the source."""

    recursive: bool = True
    links: bool = True
    copy_links: bool = False
    perms: bool = True
    times: bool = True
    owner: bool = True
    group: bool = True
    dirs: bool = False
    checksum: bool = False
    existing_only: bool = False
    ignore_existing: bool = False
    update: bool = False
    size_only: bool = False
    ignore_times: bool = False
    delete: bool = False
    delete_excluded: bool = False
    force: bool = False
    numeric_ids: bool = False
    omit_dir_times: bool = False
    omit_link_times: bool = False
    mkpath: bool = False
    dry_run: bool = False
    chmod: Chmod = field(default_factory=Chmod)
    chown: tuple[str, str] = ("", "")
    max_delete: int | None = None
    max_size: int | None = None
    min_size: int | None = None
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who writes the destination."""

    umask: int
    uid: int
    gids: frozenset[int]
    users: Mapping[int, int] = field(default_factory=dict)
    """The source's user numbers as they are there; one that isn't here is the same."""
    groups: Mapping[int, int] = field(default_factory=dict)

    def user(self, uid: int) -> int | None:
        """Who owns something there; None for whoever writes it. Only root gives files away."""
        return self.users.get(uid, uid) if self.uid == 0 else None

    def group(self, gid: int) -> int | None:
        """The same of groups; others than root have those that they are in."""
        found = self.groups.get(gid, gid)
        return found if self.uid == 0 or found in self.gids else None
