"""What dnf and yum take: the module's parameters, and the words of a command that they come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.modules.options import option
from opsrun.modules.wording import path_word, word


@dataclass(frozen=True, kw_only=True)
class DnfOptions:
    """Parameters that `Dnf` and `Yum` have in common: all of them."""

    named: Sequence[str] | None = option(
        name="name",
        aliases=("pkg",),
        elements="str",
        doc="Packages: names, with a version or wildcards; ``name >= 1.0``; ``@groups``; files; "
        "URLs; ``*`` with latest for everything.",
    )
    listed: str | None = option(
        name="list",
        doc="Tells of packages and changes nothing: installed, available, updates, repos, or a "
        "name.",
    )
    state: str | None = option(
        choices=("absent", "present", "installed", "removed", "latest"),
        doc="present unless autoremove is given: then absent.",
    )
    enablerepo: Sequence[str] | None = option(
        elements="str", doc="Repositories that are on for this once."
    )
    disablerepo: Sequence[str] | None = option(
        elements="str", doc="Repositories that are off for this once."
    )
    conf_file: str | None = option(doc="A configuration file of the host's to go by.")
    exclude: Sequence[str] | None = option(elements="str", doc="Packages that are left out.")
    disable_excludes: str | None = option(
        doc="Whose excludes don't count: all, main, or a repository's."
    )
    disable_plugin: Sequence[str] | None = option(
        elements="str", doc="Plugins that are off for this once."
    )
    enable_plugin: Sequence[str] | None = option(
        elements="str", doc="Plugins that are on for this once."
    )
    disable_gpg_check: bool = option(False, doc="Whether packages need no signature.")
    sslverify: bool = option(True, doc="Whether certificates of repositories are checked.")
    validate_certs: bool = option(True, doc="The same of URLs of packages.")
    installroot: str = option("/", doc="Another root to install into.")
    releasever: str | None = option(doc="Another release to take packages of.")
    update_cache: bool = option(
        False, aliases=("expire-cache",), doc="Whether what is known of repositories is renewed."
    )
    cacheonly: bool = option(False, doc="Whether only what is known already is gone by.")
    update_only: bool = option(False, doc="With latest: whether what is not there stays away.")
    security: bool = option(False, doc="With latest: updates that are for security only.")
    bugfix: bool = option(False, doc="With latest: updates that mend bugs only.")
    autoremove: bool = option(
        False, doc="Whether what came along as a dependency goes once nothing needs it."
    )
    allow_downgrade: bool = option(False, doc="Whether an older version may take a newer's place.")
    allowerasing: bool = option(False, doc="Whether packages may go so that dependencies are met.")
    best: bool | None = option(doc="Whether it is the newest version or nothing.")
    nobest: bool | None = option(doc="The opposite of best.")
    skip_broken: bool = option(
        False, doc="Whether packages are left out that are not to be had, or can't be installed."
    )
    install_weak_deps: bool = option(True, doc="Whether recommended packages come along.")
    install_repoquery: bool = option(True, doc="Says nothing any more.")
    download_only: bool = option(False, doc="Whether packages are fetched and not installed.")
    download_dir: str | None = option(doc="Where they are fetched to.")
    lock_timeout: int = option(
        30, kind="int", doc="Seconds to wait for another process that holds a lock."
    )
    use_backend: str = option(
        "auto",
        choices=("auto", "dnf", "yum", "yum4", "dnf4", "dnf5"),
        doc="dnf is taken where it is, else yum.",
    )

    def words(self, tool: str) -> Iterator[str]:
        """Options of a command that changes something, or would, quoted for a shell.

        Args:
            tool: ``dnf`` or ``yum``, whichever the host has.
        """
        yield from self.places()
        modern = tool != "yum"
        if self.conf_file:
            yield f"-c {path_word(self.conf_file)}"
        for name, values in (
            ("disableplugin", self.disable_plugin),
            ("enableplugin", self.enable_plugin),
            ("exclude", self.exclude),
        ):
            for value in each_of(values):
                yield f"--{name}={word(value)}"
        if self.disable_excludes:
            yield f"--disableexcludes={word(self.disable_excludes)}"
        if self.disable_gpg_check:
            yield "--nogpgcheck"
        for name, on in (("security", self.security), ("bugfix", self.bugfix)):
            if on and self.state == "latest":
                yield f"--{name}"
        if self.skip_broken:
            yield "--skip-broken"
        if modern and self.allowerasing:
            yield "--allowerasing"
        if self.download_only:
            yield "--downloadonly"
            if self.download_dir:
                yield f"--downloaddir={path_word(self.download_dir)}"
        for name, flag in self._settings():
            yield f"--setopt={name}={int(flag)}"

    def places(self) -> Iterator[str]:
        """Which repositories and which root; these are for commands that only tell, too."""
        for name, values in (("disablerepo", self.disablerepo), ("enablerepo", self.enablerepo)):
            for value in each_of(values):
                yield f"--{name}={word(value)}"
        if self.installroot != "/":
            yield f"--installroot={path_word(self.installroot)}"
        if self.releasever:
            yield f"--releasever={word(self.releasever)}"
        if self.cacheonly:
            yield "-C"
        if not (self.sslverify and self.validate_certs):
            yield "--setopt=sslverify=0"

    def _settings(self) -> Iterator[tuple[str, bool]]:
        yield "exit_on_lock", True
        yield "clean_requirements_on_remove", self.autoremove
        yield "install_weak_deps", self.install_weak_deps
        if self.best is not None:
            yield "best", self.best
        if self.nobest is not None:
            yield "best", not self.nobest

    @property
    def root(self) -> str:
        """Of rpm's words: where its database is, if that is not the host's own."""
        return "" if self.installroot == "/" else f"--root {path_word(self.installroot)} "


def each_of(values: Sequence[str] | None) -> Iterator[str]:
    """What a list names, whose entries may name several between commas."""
    for entry in values or ():
        yield from filter(None, (each.strip() for each in entry.split(",")))
