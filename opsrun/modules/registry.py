"""Which modules there are, found by name and imported when they are asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from opsrun.errors import UsageError
from opsrun.modules.base import Module

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PREFIXES = ("ansible.builtin.", "ansible.legacy.")

_WHERE = {
    "archive": "archives.archive:Archive",
    "community.general.archive": "archives.archive:Archive",
    "community.general.ufw": "firewalls.ufw:Ufw",
    "ufw": "firewalls.ufw:Ufw",
    "ansible.posix.firewalld": "firewalls.firewalld:Firewalld",
    "firewalld": "firewalls.firewalld:Firewalld",
    "iptables": "firewalls.iptables:Iptables",
    "ansible.posix.mount": "mounting.mount:Mount",
    "mount": "mounting.mount:Mount",
    "known_hosts": "users.known_hosts:KnownHosts",
    "acl": "users.acl:Acl",
    "ansible.posix.acl": "users.acl:Acl",
    "authorized_key": "users.authorized_key:AuthorizedKey",
    "ansible.posix.authorized_key": "users.authorized_key:AuthorizedKey",
    "community.general.alternatives": "system.alternatives:Alternatives",
    "alternatives": "system.alternatives:Alternatives",
    "apt": "packages.apt:Apt",
    "apt_repository": "packages.apt_repository:AptRepository",
    "apt_key": "packages.apt_key:AptKey",
    "debconf": "packages.debconf:Debconf",
    "deb822_repository": "packages.deb822_repository:Deb822Repository",
    "assemble": "texts.assemble:Assemble",
    "async_status": "background.async_status:AsyncStatus",
    "blockinfile": "texts.blockinfile:BlockInFile",
    "command": "command:CommandModule",
    "community.docker.docker_compose_v2": "containers.docker_compose_v2:DockerComposeV2",
    "docker_compose_v2": "containers.docker_compose_v2:DockerComposeV2",
    "community.docker.docker_container": "containers.docker_container:DockerContainer",
    "docker_container": "containers.docker_container:DockerContainer",
    "community.docker.docker_image": "containers.docker_image:DockerImage",
    "docker_image": "containers.docker_image:DockerImage",
    "community.docker.docker_image_pull": "containers.docker_image_pull:DockerImagePull",
    "docker_image_pull": "containers.docker_image_pull:DockerImagePull",
    "community.docker.docker_network": "containers.docker_network:DockerNetwork",
    "docker_network": "containers.docker_network:DockerNetwork",
    "cron": "users.cron:Cron",
    "dnf": "packages.dnf:Dnf",
    "copy": "copying:Copy",
    "dpkg_selections": "packages.dpkg_selections:DpkgSelections",
    "expect": "expecting.expect:Expect",
    "fetch": "fetching:FetchModule",
    "file": "files:File",
    "find": "finding.find:Find",
    "gather_facts": "setup:Setup",
    "getent": "users.getent:Getent",
    "group": "users.group:Group",
    "community.general.htpasswd": "texts.htpasswd:Htpasswd",
    "htpasswd": "texts.htpasswd:Htpasswd",
    "community.general.ini_file": "texts.ini_file:IniFile",
    "ini_file": "texts.ini_file:IniFile",
    "lineinfile": "texts.lineinfile:LineInFile",
    "get_url": "web.get_url:GetUrl",
    "git": "git.module:Git",
    "hostname": "system.hostname:Hostname",
    "community.general.locale_gen": "system.locale_gen:LocaleGen",
    "locale_gen": "system.locale_gen:LocaleGen",
    "community.general.apk": "packages.apk:Apk",
    "apk": "packages.apk:Apk",
    "community.general.gem": "packages.gem:Gem",
    "gem": "packages.gem:Gem",
    "community.general.modprobe": "system.modprobe:Modprobe",
    "modprobe": "system.modprobe:Modprobe",
    "community.general.npm": "packages.npm:Npm",
    "npm": "packages.npm:Npm",
    "package": "packages.package:Package",
    "package_facts": "packages.package_facts:PackageFacts",
    "community.general.pacman": "packages.pacman:Pacman",
    "pacman": "packages.pacman:Pacman",
    "pip": "packages.pip:Pip",
    "ping": "ping:Ping",
    "community.mysql.mysql_db": "databases.mysql_db:MysqlDb",
    "mysql_db": "databases.mysql_db:MysqlDb",
    "community.mysql.mysql_query": "databases.mysql_query:MysqlQuery",
    "mysql_query": "databases.mysql_query:MysqlQuery",
    "community.mysql.mysql_user": "databases.mysql_user:MysqlUser",
    "mysql_user": "databases.mysql_user:MysqlUser",
    "community.postgresql.postgresql_db": "databases.postgresql_db:PostgresqlDb",
    "postgresql_db": "databases.postgresql_db:PostgresqlDb",
    "community.postgresql.postgresql_query": "databases.postgresql_query:PostgresqlQuery",
    "postgresql_query": "databases.postgresql_query:PostgresqlQuery",
    "community.postgresql.postgresql_user": "databases.postgresql_user:PostgresqlUser",
    "postgresql_user": "databases.postgresql_user:PostgresqlUser",
    "raw": "raw:Raw",
    "reboot": "system.reboot:Reboot",
    "replace": "texts.replace:Replace",
    "rpm_key": "packages.rpm_key:RpmKey",
    "script": "script:Script",
    "ansible.posix.seboolean": "system.seboolean:Seboolean",
    "seboolean": "system.seboolean:Seboolean",
    "ansible.posix.selinux": "system.selinux:Selinux",
    "selinux": "system.selinux:Selinux",
    "service": "services.service:Service",
    "service_facts": "services.service_facts:ServiceFacts",
    "setup": "setup:Setup",
    "shell": "command:ShellModule",
    "slurp": "slurp:Slurp",
    "stat": "stat:Stat",
    "ansible.posix.sysctl": "system.sysctl:Sysctl",
    "sysctl": "system.sysctl:Sysctl",
    "ansible.posix.synchronize": "synchronizing.module:Synchronize",
    "synchronize": "synchronizing.module:Synchronize",
    "community.general.timezone": "system.timezone:Timezone",
    "timezone": "system.timezone:Timezone",
    "systemd": "services.systemd:SystemdService",
    "systemd_service": "services.systemd:SystemdService",
    "tempfile": "temporary:Tempfile",
    "template": "template:TemplateModule",
    "user": "users.user:User",
    "uri": "web.uri:Uri",
    "unarchive": "archives.unarchive:Unarchive",
    "wait_for": "waiting.wait_for:WaitFor",
    "yum": "packages.dnf:Yum",
    "yum_repository": "packages.yum_repository:YumRepository",
    "community.general.zypper": "packages.zypper:Zypper",
    "zypper": "packages.zypper:Zypper",
    "wait_for_connection": "wait_for_connection:WaitForConnection",
}
"""By short name, the module of this package and the class in it."""

ENTRY_POINTS = "opsrun.modules"
"""The group under which installed packages may declare modules: a name, and where its class is."""


def short_name(name: str) -> str:
    """Without the prefixes that name the modules which come with the language."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def find(name: str) -> type[Module] | None:
    """The module of a short or full name; None where there is none of that name.

    Raises:
        UsageError: it is an installed package's, and can't be imported.
    """
    where = _WHERE.get(short_name(name))
    if where is not None:
        file, _, attribute = where.partition(":")
        found: type[Module] = getattr(import_module(f"opsrun.modules.{file}"), attribute)
        return found
    entry = _installed().get(name)
    return None if entry is None else _loaded(entry)


@cache
def _installed() -> dict[str, EntryPoint]:
    # Dear to import, and most runs name no module of anybody else's.
    from importlib.metadata import entry_points

    return {each.name: each for each in entry_points(group=ENTRY_POINTS)}


def _loaded(entry: EntryPoint) -> type[Module]:
    said = f"the module {entry.name!r} of an installed package ({entry.value})"
    try:
        found = entry.load()
    except Exception as error:
        raise UsageError(f"{said} can't be used: {type(error).__name__}: {error}") from error
    if isinstance(found, type) and issubclass(found, Module):
        return found
    raise UsageError(f"{said} is no subclass of opsrun.modules.base.Module")


def known_names() -> tuple[str, ...]:
    """Short names of all that come with opsrun, sorted; imports nothing."""
    return tuple(sorted(_WHERE))
