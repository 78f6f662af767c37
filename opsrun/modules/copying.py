"""copy: content, files and whole directories of the controller's, or of the host's own."""

from __future__ import annotations

import json
import os.path
from collections.abc import Mapping
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.content import Content
from opsrun.modules.file_options import FileOptions
from opsrun.modules.local import content_of, found_file
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wish
from opsrun.modules.placing import Placing
from opsrun.modules.remote_copy import RemoteCopy
from opsrun.modules.tree_copy import TreeCopy


@module("copy")
class Copy(FileOptions, Module):
    """Put content, a file or a directory in its place on the host."""

    ahead = True

    stays = True

    dest: str = option(required=True, kind="path", doc="Where; a directory keeps the name.")
    src: str | None = option(
        doc="A file or directory; of a directory that ends in a slash, what is in it."
    )
    content: Any = option(doc="What the file is to hold, in place of src; data becomes JSON.")
    remote_src: bool = option(False, doc="Whether src is on the host.")
    mode: int | str | None = option(kind="mode", doc="Permissions, or ``preserve``.")
    directory_mode: int | str | None = option(kind="mode", doc="The same for directories.")
    backup: bool = option(False, doc="Whether the old file is kept beside it.")
    force: bool = option(True, doc="Whether a file that is there is replaced.")
    follow: bool = option(False, doc="Whether a link that is there is followed.")
    local_follow: bool = option(True, doc="Whether links in src are followed.")
    validate: str | None = option(doc="A command that says whether ``%s`` is fit.")
    checksum: str | None = option(doc="SHA-1 that src has to have.")
    decrypt: bool = option(True, doc="Whether an encrypted file is sent in clear.")

    def steps(self, context: Context) -> Steps:
        """By where the content is."""
        wish = self.wish
        if self.content is not None and self.src is not None:
            raise ModuleError("src and content are mutually exclusive")
        if self.content is None and not self.src:
            raise ModuleError("src (or content) is required")
        if self.content is not None:
            if self.dest.endswith("/"):
                raise ModuleError("can not use content with a dir as dest")
            placing = self._placing(Content.of_bytes(_as_bytes(self.content)), "", wish)
            return (yield from placing.steps(context))
        if self.remote_src:
            return (yield from self._remote(wish).steps(context))
        return (yield from self._local(wish, context))

    def _local(self, wish: Wish, context: Context) -> Steps:
        assert self.src is not None
        path = found_file(self.src, "files", context, directory=True)
        if os.path.isdir(path):
            tree = TreeCopy(
                path.rstrip("/"),
                self.src,
                self.dest,
                wish,
                self.directory_mode,
                backup=self.backup,
                force=self.force,
                local_follow=self.local_follow,
                validate=self.validate or "",
                decrypt=self.decrypt,
            )
            return (yield from tree.steps(context))
        content = content_of(path, context, decrypt=self.decrypt)
        placing = self._placing(content, os.path.basename(path), wish)
        result: ModuleResult = yield from placing.steps(context)
        return result

    def _placing(self, content: Content, name: str, wish: Wish) -> Placing:
        return Placing(
            content,
            name,
            self.dest,
            wish,
            self.directory_mode,
            self.backup,
            self.force,
            self.follow,
            self.validate or "",
            self.unsafe_writes,
            self.checksum,
        )

    def _remote(self, wish: Wish) -> RemoteCopy:
        assert self.src is not None
        return RemoteCopy(
            self.src,
            self.dest,
            wish,
            self.directory_mode,
            backup=self.backup,
            force=self.force,
            follow=self.follow,
            local_follow=self.local_follow,
            validate=self.validate or "",
            checksum=self.checksum,
            unsafe_writes=self.unsafe_writes,
        )


def _as_bytes(content: Any) -> bytes:
    if isinstance(content, (Mapping, list, tuple)):
        return json.dumps(content).encode()
    return str(content).encode("utf-8", "surrogateescape")
