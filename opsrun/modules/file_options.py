"""What a task may say of the files that a module makes or writes: mode, owner, context, attributes.

A module that takes them has `FileOptions` before `Module` among its bases, and asks for `wish`::

    @module("get_url")
    class GetUrl(FileOptions, Module):
        def steps(self, context: Context) -> Steps:
            answer = yield Run(f"{LOOK}{self.wish.asking()}at dest f\\n{self.wish.script()}")
            wanted = self.wish.resolved(Answers(answer), check=context.check)
"""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.modules.labels import Label
from opsrun.modules.options import option
from opsrun.modules.permissions import Wish


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options of a file, and what they come to; a module may declare one anew, in other words."""

    mode: int | str | None = option(kind="mode", doc="Permissions, octal or symbolic.")
    owner: str | None = option(doc="User, by name or number.")
    group: str | None = option(doc="Group, by name or number.")
    seuser: str | None = option(
        doc="User of the SELinux context, or ``_default``; nothing where there is no SELinux."
    )
    serole: str | None = option(doc="Role of the SELinux context, or ``_default``.")
    setype: str | None = option(doc="Type of the SELinux context, or ``_default``.")
    selevel: str | None = option(doc="Level (MLS range) of the SELinux context, or ``_default``.")
    attributes: str | None = option(
        aliases=("attr",),
        doc="Letters of chattr(1): ``+i`` adds, ``-i`` removes, ``=i`` and ``i`` are all it has.",
    )
    unsafe_writes: bool = option(False, doc="Whether a file that can't be replaced is written to.")

    @property
    def wish(self) -> Wish:
        """What the files are to have; None and empty for as it is."""
        label = Label(self.seuser, self.serole, self.setype, self.selevel)
        return Wish(self.mode, self.owner, self.group, label, self.attributes)
