"""Tasks that send every script of modules without recorded cases, to be tried in each shell.

Each is a mapping of arguments in which ``TOP`` stands for a scratch directory, ``URL`` for a server
over HTTP and ``PORT`` for an open port; what is needed is made by `prepare`.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.module_cases import placed

Task = Mapping[str, Any]

ELSEWHERE: Mapping[str, str] = {
    "async_status": "tests/unit/modules/background/test_background_jobs.py",
    "firewalld": "tests/integration/test_firewall_zones.py",
    "docker_compose_v2": "tests/unit/modules/containers/test_compose_replayed.py",
    "docker_container": "tests/unit/modules/containers/test_containers_replayed.py",
    "docker_image": "tests/unit/modules/containers/test_containers_replayed.py",
    "docker_image_pull": "tests/unit/modules/containers/test_containers_replayed.py",
    "docker_network": "tests/unit/modules/containers/test_containers_replayed.py",
    "ufw": "tests/integration/test_uncomplicated_firewall.py",
    "mysql_db": "tests/integration/test_mysql.py",
    "mysql_query": "tests/integration/test_mysql.py",
    "mysql_user": "tests/integration/test_mysql.py",
    "postgresql_db": "tests/integration/test_postgresql.py",
    "postgresql_query": "tests/integration/test_postgresql.py",
    "postgresql_user": "tests/integration/test_postgresql.py",
    "apt": "tests/unit/modules/packages/test_apt_packages.py",
    "package": "tests/unit/modules/packages/test_apt_packages.py",
    "apt_repository": "tests/unit/modules/packages/test_debian_sources.py",
    "apt_key": "tests/unit/modules/packages/test_debian_sources.py",
    "dpkg_selections": "tests/unit/modules/packages/test_debian_sources.py",
    "debconf": "tests/unit/modules/packages/test_debian_sources.py",
    "deb822_repository": "tests/unit/modules/packages/test_debian_sources.py",
    "raw": "tests/unit/modules/test_module_driver.py",
    "reboot": "tests/integration/test_reboot_module.py",
    "service": "tests/unit/modules/services/test_services_scripts.py",
    "service_facts": "tests/unit/modules/services/test_services_booted.py",
    "dnf": "tests/unit/modules/packages/test_rpm_packages.py",
    "package_facts": "tests/unit/modules/packages/test_rpm_packages.py",
    "yum_repository": "tests/unit/modules/packages/test_rpm_packages.py",
    "yum": "tests/unit/modules/packages/test_rpm_packages.py",
    "rpm_key": "tests/unit/modules/packages/test_rpm_packages.py",
    "zypper": "tests/unit/modules/packages/test_rpm_packages.py",
    "apk": "tests/unit/modules/packages/test_packages_replayed.py",
    "pacman": "tests/unit/modules/packages/test_packages_replayed.py",
    "gem": "tests/unit/modules/packages/test_gem.py",
    "npm": "tests/unit/modules/packages/test_npm.py",
    "pip": "tests/unit/modules/packages/test_pip.py",
    "locale_gen": "tests/integration/test_machine_modules.py",
    "seboolean": "tests/integration/test_machine_modules.py",
    "selinux": "tests/integration/test_machine_modules.py",
    "synchronize": "tests/unit/modules/synchronizing",
    "systemd_service": "tests/unit/modules/services/test_services_booted.py",
    "wait_for_connection": "tests/unit/modules/test_module_driver.py",
}
"""Modules whose scripts are tried in those tests: they are not `drive`'s alone, or send none of
their own."""

HERE: Mapping[str, Sequence[Task]] = {
    "archive": (
        {"path": "TOP/tree", "dest": "TOP/o.tgz"},
        {"path": "TOP/tree/*", "dest": "TOP/o.bz2", "format": "bz2", "mode": "0600"},
        {"path": "TOP/file", "format": "gz", "remove": True},
    ),
    "expect": (
        {"command": "sh -c 'printf N; read -r x; test $x = a'", "responses": {"N": "a"}},
        {"command": "sh -c 'exit 3'", "responses": {}, "chdir": "TOP", "echo": True},
        {"command": "no-such-program", "responses": {}},
        {"command": "ls", "responses": {}, "creates": "TOP/file"},
        {"command": "ls", "responses": {}, "removes": "TOP/none"},
        {"command": "ls", "responses": {}, "chdir": "TOP/none"},
    ),
    "fetch": ({"src": "TOP/file", "dest": "TOP/got/"}, {"src": "TOP/none", "dest": "TOP/got/"}),
    "get_url": (
        {"url": "URL/file", "dest": "TOP/got", "mode": "0600"},
        {"url": "URL/file", "dest": "TOP/file", "backup": True, "force": True},
        {"url": "file://TOP/file", "dest": "TOP/tree", "checksum": "md5:URL/none"},
        {"url": "URL/missing", "dest": "TOP/none"},
    ),
    "htpasswd": (
        {"path": "TOP/in/pw", "name": "a", "password": "x", "hash_scheme": "ldap_sha1"},
        {"path": "TOP/in/pw", "name": "a", "state": "absent", "backup": True},
        {"path": "TOP/none", "name": "a", "state": "absent"},
    ),
    "git": (
        {"repo": "TOP/far", "dest": "TOP/near"},
        {"repo": "TOP/far", "dest": "TOP/near", "version": "v1", "force": True},
        {"repo": "TOP/far", "dest": "TOP/bare", "bare": True},
        {"repo": "TOP/none", "dest": "TOP/other"},
        {"repo": "TOP/far", "dest": "TOP/out", "archive": "TOP/out.tar", "depth": 1},
    ),
    "known_hosts": (
        {"name": "h", "key": "h ssh-ed25519 AAAA", "path": "TOP/known"},
        {"name": "h", "state": "absent", "path": "TOP/known"},
    ),
    "script": (
        {"cmd": "said.sh 'a b' c"},
        {"cmd": "said.sh", "chdir": "TOP", "executable": "sh"},
        {"cmd": "said.sh", "creates": "TOP/file"},
        {"cmd": "said.sh", "removes": "TOP/none"},
    ),
    "setup": ({"gather_subset": ["min"]}, {"gather_subset": ["!all", "network", "hardware"]}),
    "sysctl": (
        {"name": "kernel.x", "value": "yes", "sysctl_file": "TOP/a/s.conf", "reload": False},
        {"name": "kernel.x", "value": "yes", "sysctl_file": "TOP/a/s.conf", "reload": False},
        {"name": "kernel.x", "value": "2", "sysctl_file": "TOP/a/s.conf", "ignoreerrors": True},
        {"name": "no.x", "value": "2", "sysctl_file": "TOP/t.conf", "sysctl_set": True},
        {"name": "kernel.x", "state": "absent", "sysctl_file": "TOP/a/s.conf", "reload": False},
    ),
    "tempfile": (
        {"path": "TOP", "prefix": "a b", "suffix": ".x"},
        {"path": "TOP", "state": "directory"},
        {"path": "TOP/none"},
    ),
    "unarchive": (
        {"src": "a.tar", "dest": "TOP/tree", "mode": "u=rwX"},
        {"src": "TOP/a.tar", "dest": "TOP/tree", "remote_src": True, "exclude": ["b"]},
        {"src": "TOP/file", "dest": "TOP/tree", "remote_src": True},
        {"src": "TOP/a.tar", "dest": "TOP/tree", "remote_src": True, "creates": "TOP/file"},
    ),
    "uri": (
        {"url": "URL/file", "return_content": True},
        {"url": "URL/file", "dest": "TOP/got", "owner": "0"},
        {"url": "URL/missing", "status_code": [404]},
        {"url": "URL/missing"},
    ),
    "wait_for": (
        {"port": "PORT", "timeout": 5},
        {"path": "TOP/file", "search_regex": "^x"},
        {"path": "TOP/none", "state": "absent"},
        {"port": "PORT", "state": "drained", "exclude_hosts": ["127.0.0.1"], "timeout": 5},
    ),
}

READ: Sequence[tuple[str, Task]] = (
    ("get_url", {"url": "http://h/x", "dest": "~/x y", "checksum": f"md5:{'0' * 32}"}),
    ("get_url", {"url": "http://h/x", "dest": "/x", "checksum": "md5:http://h/sums"}),
    ("uri", {"url": "http://h/x", "creates": "/a b*", "headers": {"a": "b"}, "unix_socket": "/s"}),
    ("uri", {"url": "http://h/x", "dest": "/x", "owner": "me", "method": "POST", "body": "x"}),
    ("modprobe", {"name": "a", "params": "b=1 c=2"}),
    ("locale_gen", {"name": "de_CH.UTF-8"}),
    ("seboolean", {"name": "a_b", "state": True, "persistent": True}),
    ("selinux", {"state": "permissive", "policy": "a", "conf": "~/x y"}),
    ("selinux", {"state": "disabled", "update_kernel_param": True}),
    ("mysql_user", {"name": 'x"y', "config_file": "~/x y", "ca_cert": "$HOME/k"}),
    ("mysql_db", {"name": 'a "b', "state": "import", "target": "~/x.xz", "chdir": "~/d"}),
    ("mysql_db", {"name": "x", "check_implicit_admin": True, "login_unix_socket": "/a b"}),
    ("postgresql_user", {"name": "x", "login_unix_socket": "~/x y", "ssl_key": "$HOME/k"}),
    ("postgresql_db", {"name": 'a "b', "state": "dump", "target": "~/x.tar"}),
    ("postgresql_db", {"name": "x", "state": "dump", "target": "~/x.gz", "session_role": "a b"}),
    ("postgresql_db", {"name": "x", "state": "restore", "target": "~/x.sql.xz"}),
    ("postgresql_db", {"name": "x", "state": "restore", "target": "~/x.dir"}),
    ("wait_for", {"port": 1, "search_regex": "x"}),
    ("wait_for", {"path": "$HOME/x", "search_regex": "x"}),
    ("git", {"repo": "/x", "dest": "~/x y", "key_file": "/k", "accept_hostkey": True}),
)
"""Tasks whose first script is read, and not run."""

MACHINE: Mapping[str, Sequence[Task]] = {
    "group": ({"name": "us", "gid": 4000}, {"name": "us", "gid": 4002}),
    "user": (
        {"name": "me", "uid": 4001, "group": "us", "shell": "/bin/sh", "password": "$6$a$b"},
        {"name": "me", "comment": "a 'b\" $c*", "append": True, "groups": ["us"]},
    ),
    "getent": ({"database": "passwd", "key": "me"}, {"database": "group"}),
    "authorized_key": (
        {"user": "me", "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA a 'b\" $c*"},
        {"user": "me", "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA", "state": "absent"},
    ),
    "cron": (
        {"name": "a 'b\" $c*", "job": "echo 'x' \\%", "user": "root", "backup": True},
        {"name": "y", "job": "z", "user": "root", "cron_file": "x"},
        {"name": "a 'b\" $c*", "state": "absent", "user": "root"},
    ),
    "acl": (
        {"path": "/srv", "etype": "user", "entity": "0", "permissions": "rx", "state": "present"},
    ),
    "iptables": (
        {"chain": "MINE", "chain_management": True, "source": "!10.0.0.1", "jump": "RETURN"},
        {"chain": "MINE", "action": "insert", "comment": "a 'b\" $c*", "jump": "ACCEPT"},
        {"chain": "FORWARD", "policy": "DROP", "wait": "5"},
        {"chain": "MINE", "flush": True},
    ),
    "alternatives": (
        {"name": "pad", "path": "/bin/sh", "link": "/usr/bin/pad", "state": "present"},
        {
            "name": "pad",
            "path": "/bin/cat",
            "priority": 3,
            "subcommands": [{"name": "pad.x", "link": "/usr/bin/pad x", "path": "/bin/ls"}],
        },
        {"name": "pad", "path": "/bin/sh", "state": "auto"},
        {"name": "pad", "path": "/bin/sh", "state": "absent"},
    ),
    "hostname": (
        {"name": "walked", "use": "redhat"},
        {"name": "walked.example.org", "use": "generic"},
    ),
    "timezone": ({"name": "Asia/Tokyo"}, {"name": "Etc/UTC"}),
    "modprobe": (
        {"name": "no-such-one", "state": "absent", "persistent": "present", "params": "a=1 b=2"},
        {"name": "no-such-one", "state": "absent", "persistent": "present", "params": "a=2"},
        {"name": "no-such-one", "state": "absent", "persistent": "absent"},
    ),
    "mount": (
        {"path": "/srv/a b", "src": "none", "fstype": "tmpfs", "opts": "ro", "state": "mounted"},
        {"path": "/srv/a b", "src": "none", "fstype": "tmpfs", "opts": "rw", "state": "mounted"},
        {"path": "/srv/a b", "state": "unmounted"},
        {
            "path": "/srv/bound",
            "src": "/srv",
            "fstype": "none",
            "opts": "bind,ro",
            "state": "mounted",
        },
    ),
}
"""On a machine that is thrown away, in this order; what was made goes again with `LEAVING`."""

LEAVING: Sequence[tuple[str, Task]] = (
    ("alternatives", {"name": "pad", "path": "/bin/cat", "state": "absent"}),
    ("iptables", {"chain": "MINE", "chain_management": True, "state": "absent"}),
    ("iptables", {"chain": "FORWARD", "policy": "ACCEPT"}),
    ("mount", {"path": "/srv/a b", "state": "absent"}),
    ("mount", {"path": "/srv/bound", "state": "absent"}),
    ("acl", {"path": "/srv", "etype": "user", "entity": "0", "state": "absent"}),
    ("cron", {"name": "y", "state": "absent", "user": "root", "cron_file": "x"}),
    ("user", {"name": "me", "state": "absent", "remove": True}),
    ("group", {"name": "us", "state": "absent"}),
)


def prepare(top: Path, url: str, port: int) -> Callable[[Task], dict[str, Any]]:
    """A directory that `HERE` can be carried out in; gives tasks with their names in place."""
    (top / "tree").mkdir(parents=True)
    (top / "tree/a b").write_text("one\n")
    (top / "file").write_text("x\n")
    (top / "said.sh").write_text('echo "$1|$2"; exit 3\n')
    with tarfile.open(top / "a.tar", "w") as archive:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"x\n"))
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "-q", str(top / "far")],
        ["-C", str(top / "far"), *who, "commit", "-q", "--allow-empty", "-m", "x"],
        ["-C", str(top / "far"), "tag", "v1"],
    ):
        subprocess.run(["git", *words], check=True)

    def named(task: Task) -> dict[str, Any]:
        found = placed(task, str(top))
        return {
            name: value.replace("URL", url).replace("PORT", str(port))
            if isinstance(value, str)
            else value
            for name, value in found.items()
        }

    return named
