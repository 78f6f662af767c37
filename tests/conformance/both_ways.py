"""What opsrun did is idle under ansible-playbook, and the other way round: on whole machines.

The same tasks, by one program and then by the other, on machines that are thrown away; and in the
end, what the machines differ in. Those of ``accounts`` are about users, crontabs, keys, access
lists and working copies; those of ``system`` about mounts, firewalls, the kernel, answers for
packages and, as the machine is booted, services. ``ansible-playbook`` needs the collections
ansible.posix and community.general; kmod, debconf-utils, ufw and firewalld are in the machine.

    python tests/conformance/both_ways.py [--programs DIR] [accounts | system | kernel]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import disposable
from support.machine_cases import PREPARE, inside, seen, steps

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL48JLEVO0CAXw2zqz43sWfHVRNbGZB7e82O7/G9PTCn"
FAR = """
git config --global user.name a
git config --global user.email a@example.org
git init -q -b main /run/far
cd /run/far
export GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
for each in 1 2; do
    echo "$each" >file
    git add file
    git commit -q -m "$each"
    git tag "v$each"
done
"""
_ANN = {"name": "ann", "uid": 4001, "group": "us", "groups": ["more"], "shell": "/bin/bash"}
_AGES = {"password": "$6$a$b", "password_expire_max": 90, "expires": 2000000000}
_JOB = {"name": "a job", "job": "echo 5 \\% >/dev/null", "minute": "*/5", "user": "ann"}
_FILE = {"name": "in a file", "job": "true", "cron_file": "x", "special_time": "reboot"}
_ACCESS = {"path": "/srv", "state": "present", "permissions": "rx"}
Tasks = tuple[tuple[str, Mapping[str, Any]], ...]
ACCOUNTS: Tasks = (
    ("group", {"name": "us", "gid": 4000}),
    ("group", {"name": "more", "system": True}),
    ("user", {**_ANN, **_AGES, "comment": "A 'b' é"}),
    ("user", {"name": "ben", "generate_ssh_key": True, "ssh_key_type": "ed25519"}),
    ("user", {"name": "sys", "system": True, "home": "/nonexistent", "create_home": False}),
    ("cron", _JOB),
    ("cron", {"name": "PATH", "job": "/bin:/usr/bin", "env": True, "user": "ann"}),
    ("cron", {**_FILE, "user": "ann", "disabled": True}),
    (
        "ansible.posix.authorized_key",
        {"user": "ann", "key": f"{KEY} a  b", "key_options": "no-pty"},
    ),
    ("ansible.posix.authorized_key", {"user": "ben", "key": KEY, "exclusive": True}),
    ("known_hosts", {"name": "h", "key": f"h {KEY}", "path": "/srv/known", "hash_host": True}),
    ("known_hosts", {"name": "[p]:22", "key": f"[p]:22 {KEY}", "path": "/srv/known"}),
    ("known_hosts", {"name": "*.x", "key": f"@cert-authority *.x {KEY}", "path": "/srv/known"}),
    ("ansible.posix.acl", {**_ACCESS, "etype": "user", "entity": "ann"}),
    ("ansible.posix.acl", {**_ACCESS, "etype": "group", "entity": "us", "default": True}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/a"}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/b", "version": "v1"}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/c", "bare": True}),
    ("git", {"repo": "file:///run/far", "dest": "/run/copies/d", "depth": 1}),
    ("git", {"repo": "/run/far", "dest": "/run/copies/e", "separate_git_dir": "/run/copies/own"}),
)
_TMPFS = {"path": "/srv/a b", "src": "none", "fstype": "tmpfs", "opts": "size=1m,noatime"}
_BOUND = {"path": "/srv/bound", "src": "/srv/from", "fstype": "none", "opts": "bind"}
_IPTABLES = "ansible.builtin.iptables"
_FILE_OF = {"sysctl_file": "/etc/sysctl.d/x.conf", "reload": False}
_PAD = {"name": "pad", "link": "/usr/bin/pad"}
_BED = {"name": "bed", "link": "/usr/bin/bed"}
_SLAVE = {"name": "pad.1", "link": "/usr/bin/pad1", "path": "/bin/ls"}
_ASKED = {"question": "tzdata/Areas", "vtype": "select", "value": "Europe"}
_UNIT = {"name": "plain"}
_PERMANENT = {"permanent": True, "immediate": True, "offline": True, "state": "enabled"}
SYSTEM: Tasks = (
    ("ansible.posix.mount", {**_TMPFS, "state": "mounted"}),
    ("ansible.posix.mount", {**_BOUND, "state": "mounted", "dump": "1", "passno": "2"}),
    ("ansible.posix.mount", {**_TMPFS, "path": "/srv/later", "state": "present"}),
    ("ansible.posix.mount", {**_TMPFS, "path": "/srv/now", "state": "ephemeral"}),
    (_IPTABLES, {"chain": "INPUT", "protocol": "tcp", "destination_port": "22", "jump": "ACCEPT"}),
    (_IPTABLES, {"chain": "OURS", "chain_management": True}),
    (_IPTABLES, {"chain": "OURS", "ctstate": ["NEW"], "comment": "a 'b'", "jump": "RETURN"}),
    (_IPTABLES, {"chain": "INPUT", "action": "insert", "rule_num": "1", "source": "!10.0.0.1",
                 "jump": "DROP"}),
    (_IPTABLES, {"chain": "FORWARD", "policy": "DROP"}),
    (_IPTABLES, {"chain": "INPUT", "ip_version": "ipv6", "protocol": "icmpv6", "jump": "ACCEPT"}),
    ("community.general.ufw", {"rule": "allow", "port": "22", "proto": "tcp", "comment": "logins"}),
    ("community.general.ufw", {"rule": "deny", "src": "10.0.0.0/8", "port": "25:30",
                               "proto": "tcp"}),
    ("community.general.ufw", {"rule": "limit", "name": "OpenSSH"}),
    ("community.general.ufw", {"rule": "allow", "route": True, "interface_in": "eth0",
                               "interface_out": "eth1"}),
    ("community.general.ufw", {"rule": "reject", "direction": "out", "port": "23", "log": True}),
    ("ansible.posix.sysctl", {**_FILE_OF, "name": "vm.swappiness", "value": "10"}),
    ("ansible.posix.sysctl", {**_FILE_OF, "name": "net.ipv4.ip_local_port_range",
                              "value": "1024 \t60999"}),
    ("ansible.posix.sysctl", {**_FILE_OF, "name": "net/ipv4/ip_forward", "value": "yes"}),
    ("community.general.alternatives", {**_PAD, "path": "/bin/sh", "subcommands": [_SLAVE]}),
    ("community.general.alternatives", {**_BED, "path": "/bin/cat", "priority": 70,
                                        "state": "present"}),
    ("community.general.alternatives", {**_BED, "path": "/bin/ls", "priority": 60,
                                        "state": "present"}),
    ("dpkg_selections", {"name": "bash", "selection": "hold"}),
    ("dpkg_selections", {"name": "perl-base", "selection": "deinstall"}),
    ("debconf", {"name": "tzdata", **_ASKED}),
    ("debconf", {"name": "own", "question": "own/secret", "vtype": "password", "value": "a  b"}),
    ("debconf", {"name": "own", "question": "own/yes", "vtype": "boolean", "value": "True",
                 "unseen": True}),
    ("systemd_service", {**_UNIT, "state": "started", "enabled": True}),
    ("service", {"name": "other.timer", "state": "started", "enabled": True}),
    ("systemd_service", {"name": "third", "masked": True}),
    ("systemd_service", {"name": "in@5", "state": "started", "enabled": True}),
    ("service", {"name": "old", "enabled": True, "state": "started"}),
    ("systemd_service", {"name": "plain.service", "state": "stopped", "scope": "system"}),
    ("systemd_service", {"name": "plain", "enabled": False}),
    ("ansible.posix.firewalld", {"service": "https", **_PERMANENT}),
    ("ansible.posix.firewalld", {"port": "8000-8010/tcp", "zone": "dmz", **_PERMANENT}),
    ("ansible.posix.firewalld", {"rich_rule": "rule family=ipv4 source address=10.0.0.0/8 accept",
                                 **_PERMANENT}),
    ("ansible.posix.firewalld", {"interface": "eth7", "zone": "work", **_PERMANENT}),
    ("ansible.posix.firewalld", {"masquerade": True, "zone": "home", **_PERMANENT}),
    ("ansible.posix.firewalld", {"target": "DROP", "zone": "block", "state": "present",
                                 "permanent": True}),
    ("ansible.posix.firewalld", {"zone": "ours", "state": "present", "permanent": True}),
    ("ansible.posix.firewalld", {"source": "10.1.0.0/16", "zone": "ours", "state": "enabled",
                                 "permanent": True, "offline": True}),
)  # fmt: skip
SHOWN = ("changed", "failed", "msg", "rc", "commands", "diff")
KERNEL: Tasks = (
    ("community.general.modprobe", {"name": "one", "persistent": "present", "params": "a=1 b=2"}),
    ("community.general.modprobe", {"name": "two", "state": "present"}),
    ("community.general.modprobe", {"name": "br_netfilter", "state": "absent"}),
)
NEVER_IDLE = ("plain.service", "plain", "/srv/now")
"""A unit of which a later task undoes what an earlier one did; and what is mounted until the next
boot is mounted anew each time, by both."""
UNITS = """
mkdir -p /srv/from
cat >/etc/systemd/system/plain.service <<'X'
[Service]
ExecStart=/bin/sleep 1000
[Install]
WantedBy=multi-user.target
X
cp /etc/systemd/system/plain.service /lib/systemd/system/third.service
sed 's/1000/200%i0/' /etc/systemd/system/plain.service >/etc/systemd/system/in@.service
printf '[Timer]\nOnBootSec=1000\nUnit=third.service\n[Install]\nWantedBy=timers.target\n' \
    >/etc/systemd/system/other.timer
cat >/etc/init.d/old <<'X'
#!/bin/sh
### BEGIN INIT INFO
# Provides: old
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: old
### END INIT INFO
case $1 in
start) touch /run/old ;;
stop) rm -f /run/old ;;
status) [ -e /run/old ] || exit 3 ;;
esac
X
chmod 755 /etc/init.d/old
systemctl daemon-reload
"""
SYSTEM_SIGHT = """
sed 's/^/fstab /' /etc/fstab
awk '$2 ~ "/srv" { print "mounts", $0 }' /proc/mounts
for each in iptables ip6tables; do $each -S | sed "s/^/$each /"; done
grep -h '^### tuple' /etc/ufw/user.rules /etc/ufw/user6.rules
for each in /etc/sysctl.d/x.conf /etc/modprobe.d/no-such* /etc/modules-load.d/no-such* \
    /etc/firewalld/zones/*.xml; do
  [ -e "$each" ] && stat -c '%n %a %U' "$each" && sed "s|^|  |" "$each"
done
update-alternatives --query pad
update-alternatives --query bed
dpkg --get-selections bash
dpkg --get-selections perl-base
debconf-show own tzdata
for each in plain other.timer third in@5 old; do
  echo "$each $(systemctl is-enabled $each 2>&1) $(systemctl is-active $each)"
done
find /etc/systemd/system /etc/rc*.d -type l -name '*[dnr].*' -printf '%p %l\n' | sort
"""


def theirs(box: disposable.Machine, top: Path, programs: Path, own: Tasks) -> list[dict[str, Any]]:
    """The results of ansible-playbook."""
    tasks = [{"name": module, module: args, "ignore_errors": True} for module, args in own]
    (top / "play.yml").write_text(
        json.dumps([{"hosts": "box", "gather_facts": False, "tasks": tasks}])
    )
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_STDOUT_CALLBACK": "json",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(top / "cp"),
        "LC_ALL": "C.UTF-8",
    }
    words = ["ansible-playbook", "-i", str(box.inventory()), str(top / "play.yml")]
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    told = json.loads(ended.stdout[ended.stdout.index("{") :])
    return [task["hosts"]["box"] for task in told["plays"][0]["tasks"]]


def ours(box: disposable.Machine, top: Path, own: Tasks) -> list[dict[str, Any]]:
    """The results of opsrun's modules."""
    with inside(box, top) as host:
        return [host.run(module, args) for module, args in own]


def main() -> int:
    """Run both ways; 1 if anything is not idle."""
    parser = argparse.ArgumentParser(description="opsrun behind ansible-playbook, and before it.")
    parser.add_argument("--programs", type=Path, default=Path("/usr/bin"), help="where that is")
    parser.add_argument(
        "tasks", nargs="?", choices=("accounts", "system", "kernel"), default="accounts"
    )
    given = parser.parse_args()
    programs, system = given.programs, given.tasks == "system"
    modules = steps("modprobe")[0]["before"]
    tasks, start = {
        "accounts": (ACCOUNTS, FAR),
        "system": (SYSTEM, UNITS),
        "kernel": (KERNEL, modules),
    }[given.tasks]
    looks, wrong = [], 0
    with tempfile.TemporaryDirectory(prefix="both-") as scratch:
        for first in ("opsrun", "ansible-playbook"):
            top = Path(scratch).resolve() / first
            top.mkdir()
            with disposable.machine(top / "box", PREPARE + start, booted=system) as box:
                for program in sorted(("opsrun", "ansible-playbook"), key=lambda x: x != first):
                    mine = program == "opsrun"
                    results = ours(box, top, tasks) if mine else theirs(box, top, programs, tasks)
                    if program == first:
                        more = box.sh(SYSTEM_SIGHT, check=False).splitlines() if system else []
                        looks.append([*seen(box), *more])
                    for (module, args), result in zip(tasks, results, strict=True):
                        if args.get("name", args.get("path")) in NEVER_IDLE and not result.get(
                            "failed"
                        ):
                            continue
                        if result.get("failed") or result["changed"] != (program == first):
                            wrong += 1
                            few = {each: result[each] for each in SHOWN if each in result}
                            print(f"{program} behind {first}: {module} {args}: {few}", flush=True)
    for name, one, other in (("opsrun", *looks), ("ansible-playbook", *looks[::-1])):
        print(f"{name} alone left:", *(line for line in one if line not in other), sep="\n  ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
