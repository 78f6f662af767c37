"""Files that a host's name stands in, where systemd does not keep it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from opsrun.modules.system.assigning import assigned, value_of


@dataclass(frozen=True, slots=True)
class NameFile:
    """A file of one system's."""

    path: str
    key: str = ""
    """Of the assignment; empty where the name is all there is in it."""
    quoted: bool = False

    def name_in(self, text: str) -> str:
        """The name that it says; empty where it says none."""
        if self.key:
            return value_of(text, self.key) or ""
        lines = [each.strip() for each in text.splitlines()]
        return next((each for each in lines if each and not each.startswith("#")), "")

    def with_name(self, text: str, name: str) -> str:
        """The file with another name, and its other assignments as they are."""
        if not self.key:
            return f"{name}\n"
        return assigned(text, self.key, f'"{name}"' if self.quoted else name)


FILES: Mapping[str, NameFile] = {
    "generic": NameFile("/etc/hostname"),
    "sles": NameFile("/etc/HOSTNAME"),
    "redhat": NameFile("/etc/sysconfig/network", "HOSTNAME"),
    "openrc": NameFile("/etc/conf.d/hostname", "hostname", quoted=True),
    "openbsd": NameFile("/etc/myname"),
    "freebsd": NameFile("/etc/rc.conf.d/hostname", "hostname", quoted=True),
    "rc.conf": NameFile("/etc/rc.conf", "hostname", quoted=True),
}
"""By strategy. FreeBSD's own is rc.conf, see rc.conf(5); the other is read behind it."""


def file_for(
    use: str | None, system: str, ids: Collection[str], files: Mapping[str, str]
) -> NameFile:
    """Which one is a host's.

    Args:
        use: the strategy that is asked for; None for what suits the host.
        system: what uname(1) prints of the kernel.
        ids: ``ID`` and ``ID_LIKE`` of os-release(5).
        files: those of `FILES` that are there.
    """
    if use == "freebsd" or (use is None and system in ("FreeBSD", "NetBSD", "DragonFly")):
        own = FILES["freebsd"]
        return own if own.path in files else FILES["rc.conf"]
    if use is not None:
        return FILES.get(use, FILES["generic"])
    if system == "OpenBSD":
        return FILES["openbsd"]
    for name, families in (("redhat", {"rhel", "fedora"}), ("sles", {"suse", "sles"})):
        each = FILES[name]
        if families & set(ids) and each.name_in(files.get(each.path, "")):
            return each
    openrc = FILES["openrc"]
    if "gentoo" in ids and openrc.path in files:
        return openrc
    return FILES["generic"]
