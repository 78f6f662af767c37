"""Which package of a distribution usually holds a tool: said where a host lacks it."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Shells: ``sh: 12: x: not found``, ``bash: line 1: x: command not found``, ``mksh: x: inaccessible
# or not found``; env(1): ``env: 'x': No such file or directory``; and our own scripts.
_MISSING = re.compile(
    r"(?:^|[:\s])([\w.+-]+): (?:command |inaccessible or )?not found$"
    r"|^there is no ([\w.+-]+) on this host$"
    r"|^env: \W?([\w.+-]+)\W?: No such file or directory",
    re.MULTILINE,
)

FAMILIES = ("Debian", "Red Hat", "Alpine", "SUSE", "Arch")


def _row(tools: str, debian: str, *others: str) -> Mapping[str, tuple[str, ...]]:
    """One package for several tools; where no others are named, it is called that everywhere."""
    names = (debian, *(others or [debian] * (len(FAMILIES) - 1)))
    if len(names) != len(FAMILIES):
        raise ValueError(f"{tools}: {len(names)} packages for {len(FAMILIES)} families")
    return dict.fromkeys(tools.split(), names)


_SHADOW = (
    "useradd usermod userdel groupadd groupmod groupdel chage chpasswd passwd gpasswd pwck grpck"
)

PACKAGES: Mapping[str, tuple[str, ...]] = {
    **_row("bash", "bash"),
    **_row("bzip2", "bzip2"),
    **_row("chattr lsattr", "e2fsprogs", "e2fsprogs", "e2fsprogs-extra", "e2fsprogs", "e2fsprogs"),
    **_row("crontab", "cron", "cronie", "busybox", "cronie", "cronie"),
    **_row("curl", "curl"),
    **_row("date dd head od sha1sum sha256sum md5sum sort stat stty tail wc", "coreutils"),
    **_row("docker", "docker.io", "docker-ce-cli", "docker-cli", "docker", "docker"),
    **_row("docker-compose", "docker-compose", "docker-compose-plugin", "docker-cli-compose",
           "docker-compose", "docker-compose"),
    **_row("find xargs", "findutils"),
    **_row("firewall-cmd firewall-offline-cmd", "firewalld"),
    **_row("gem", "ruby", "rubygems", "ruby", "ruby", "rubygems"),
    **_row("getent", "libc-bin", "glibc-common", "musl-utils", "glibc", "glibc"),
    **_row("getfacl setfacl", "acl"),
    **_row("git", "git"),
    **_row("gpg", "gnupg", "gnupg2", "gnupg", "gpg2", "gnupg"),
    **_row("gzip", "gzip"),
    **_row("iptables ip6tables", "iptables"),
    **_row(
        "luseradd lusermod luserdel lgroupadd lgroupmod lgroupdel lpasswd lchage lchsh lid",
        "libuser",
    ),
    **_row("mysql mysqldump", "mariadb-client", "mariadb", "mariadb-client", "mariadb-client",
           "mariadb-clients"),
    **_row("nc", "netcat-openbsd", "nmap-ncat", "netcat-openbsd", "netcat-openbsd",
           "openbsd-netcat"),
    **_row("npm", "npm"),
    **_row("openssl", "openssl"),
    **_row("ufw", "ufw"),
    **_row("perl", "perl"),
    **_row("pg_dump pg_restore psql", "postgresql-client", "postgresql", "postgresql-client",
           "postgresql", "postgresql"),
    **_row("python3", "python3", "python3", "python3", "python3", "python"),
    **_row("restorecon", "policycoreutils"),
    **_row("rsync", "rsync"),
    **_row(_SHADOW, "passwd", "shadow-utils", "shadow", "shadow", "shadow"),
    **_row("setsid", "util-linux", "util-linux", "util-linux-misc", "util-linux", "util-linux"),
    **_row("ssh", "openssh-client", "openssh-clients", "openssh-client-default",
           "openssh-clients", "openssh"),
    **_row("ssh-keygen", "openssh-client", "openssh", "openssh-keygen", "openssh-common",
           "openssh"),
    **_row("ssh-keyscan", "openssh-client", "openssh-clients", "openssh-client-common",
           "openssh-clients", "openssh"),
    **_row("sudo", "sudo"),
    **_row("tar", "tar"),
    **_row("unzip", "unzip"),
    **_row("update-alternatives", "dpkg", "alternatives", "dpkg", "update-alternatives", "dpkg"),
    **_row("wget", "wget"),
    **_row("xz", "xz-utils", "xz", "xz", "xz", "xz"),
    **_row("zip", "zip"),
    **_row("zstd", "zstd"),
}  # fmt: skip
"""By tool, its packages in the order of `FAMILIES`."""


def holding(*tools: str) -> str:
    """Words for where the tools usually come from, any of which would do; empty where that is not
    known.

    >>> holding("setfacl")
    'it is usually in the package acl'
    >>> holding("xz")
    'it is usually in the package xz-utils (Debian), xz (Red Hat, Alpine, SUSE, Arch)'
    >>> holding("curl", "wget")
    'they are usually in the packages curl, wget'
    """
    found = [_named(PACKAGES[tool]) for tool in tools if tool in PACKAGES]
    if not found:
        return ""
    if len(tools) == 1:
        return f"it is usually in the package {found[0]}"
    return f"they are usually in the packages {', '.join(found)}"


def missing(tool: str) -> str:
    """That the host lacks a tool, and where it usually comes from.

    >>> missing("unzip")
    'there is no unzip on this host: it is usually in the package unzip'
    """
    words, where = f"there is no {tool} on this host", holding(tool)
    return f"{words}: {where}" if where else words


def where_from(words: str) -> str:
    """`holding` of the tool that a shell, or a script of ours, says it has not found.

    Args:
        words: what was written to standard error.
    """
    found = _MISSING.search(words)
    return holding(next(filter(None, found.groups()))) if found else ""


def _named(names: tuple[str, ...]) -> str:
    families: dict[str, list[str]] = {}
    for family, name in zip(FAMILIES, names, strict=True):
        families.setdefault(name, []).append(family)
    if len(families) == 1:
        return names[0]
    return ", ".join(f"{name} ({', '.join(where)})" for name, where in families.items())
