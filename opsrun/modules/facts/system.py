"""Platform, user, time, environment, package and service managers."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from opsrun.modules.looking import Answers

_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_MANAGERS = (
    ("apt-get", "apt"),
    ("dnf5", "dnf5"),
    ("dnf", "dnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
    ("pacman", "pacman"),
    ("apk", "apk"),
    ("emerge", "portage"),
    ("pkg", "pkgng"),
    ("swupd", "swupd"),
    ("xbps-install", "xbps"),
    ("opkg", "opkg"),
    ("brew", "homebrew"),
)
_BY_FAMILY = {
    "Debian": ("apt",),
    "RedHat": ("dnf5", "dnf", "yum"),
    "Suse": ("zypper",),
    "Alpine": ("apk",),
    "Archlinux": ("pacman",),
}


def environment(text: str) -> dict[str, str]:
    """What env(1) printed; a line that assigns nothing belongs to the value before it."""
    found: dict[str, str] = {}
    last = ""
    for line in text.split("\n"):
        assigned = _ASSIGNED.match(line)
        if assigned is not None:
            last = assigned[1]
            found[last] = assigned[2]
        elif last:
            found[last] += f"\n{line}"
    return found


def platform(answers: Answers) -> dict[str, Any]:
    """Kernel, architecture and names."""
    machine = answers.text("machine")
    node = answers.text("nodename")
    fqdn = answers.text("fqdn") or node
    bits = answers.text("bits") or ("64" if "64" in machine else "32")
    small = re.fullmatch(r"i[3456]86", machine) is not None
    found: dict[str, Any] = {
        "system": answers.text("uname"),
        "kernel": answers.text("kernel"),
        "kernel_version": answers.text("version"),
        "machine": machine,
        "architecture": "i386" if small else machine,
        "userspace_bits": bits,
        "userspace_architecture": machine if bits == "64" else "i386",
        "nodename": node,
        "hostname": node.split(".")[0],
        "fqdn": fqdn,
        "domain": fqdn.partition(".")[2],
        "is_chroot": answers.get("chroot") is not None,
        "fips": answers.text("fips").strip() == "1",
        "apparmor": {"status": "enabled" if answers.get("apparmor") else "disabled"},
        "selinux": _selinux(answers),
    }
    if answers.get("machine_id"):
        found["machine_id"] = answers.text("machine_id").strip()
    return found


def _selinux(answers: Answers) -> dict[str, Any]:
    enforcing = answers.get("selinux")
    if enforcing is None:
        return {"status": "disabled"}
    config = dict(
        line.strip().split("=", 1)
        for line in answers.text("selinux-config").splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {
        "status": "enabled",
        "mode": "enforcing" if enforcing.strip() == "1" else "permissive",
        "config_mode": config.get("SELINUX", "unknown"),
        "type": config.get("SELINUXTYPE", "unknown"),
    }


def user(answers: Answers) -> dict[str, Any]:
    """Who runs the tasks."""
    name, uid, gid, real_uid, real_gid = (answers.text("who").split(" ") + [""] * 5)[:5]
    fields = (answers.text("passwd").split("\n")[0].split(":") + [""] * 7)[:7]
    return {
        "user_id": name,
        "user_uid": _int(uid),
        "user_gid": _int(fields[3] or gid),
        "user_gecos": fields[4],
        "user_dir": fields[5],
        "user_shell": fields[6],
        "effective_user_id": _int(uid),
        "effective_group_id": _int(gid),
        "real_user_id": _int(real_uid),
        "real_group_id": _int(real_gid),
    }


def _int(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def date_time(answers: Answers) -> dict[str, str]:
    """The host's clock, in its own zone."""
    epoch, offset, zone, fraction = (answers.text("date").split(" ") + [""] * 4)[:4]
    if not epoch.lstrip("-").isdecimal() or re.fullmatch(r"[+-]\d{4}", offset) is None:
        return {}
    sign = -1 if offset[0] == "-" else 1
    away = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    micro = int(fraction[:6]) if fraction[:6].isdecimal() else 0
    utc = datetime.fromtimestamp(int(epoch), UTC).replace(microsecond=micro)
    now = utc.astimezone(timezone(away))
    return {
        "year": f"{now:%Y}",
        "month": f"{now:%m}",
        "weekday": f"{now:%A}",
        "weekday_number": f"{now:%w}",
        "weeknumber": f"{now:%W}",
        "day": f"{now:%d}",
        "hour": f"{now:%H}",
        "minute": f"{now:%M}",
        "second": f"{now:%S}",
        "epoch": epoch,
        "epoch_int": epoch,
        "date": f"{now:%Y-%m-%d}",
        "time": f"{now:%H:%M:%S}",
        "iso8601_micro": f"{utc:%Y-%m-%dT%H:%M:%S.%fZ}",
        "iso8601": f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        "iso8601_basic": f"{now:%Y%m%dT%H%M%S%f}",
        "iso8601_basic_short": f"{now:%Y%m%dT%H%M%S}",
        "tz": zone,
        "tz_dst": zone,
        "tz_offset": offset,
    }


def package_manager(answers: Answers, family: str) -> str:
    """The family's own, where there is one; else the first that is there."""
    tools = set(answers.every("tool"))
    there = [name for tool, name in _MANAGERS if tool in tools]
    own = [name for name in _BY_FAMILY.get(family, ()) if name in there]
    return (own or there or ["unknown"])[0]


def service_manager(answers: Answers) -> str:
    """What starts services."""
    comm = answers.text("comm").strip().rpartition("/")[2]
    tools = answers.every("manager")
    if comm in ("", "init", "sh", "bash", "tini", "dumb-init"):
        if answers.get("systemd") or answers.text("init").endswith("systemd"):
            return "systemd"
        for tool, name in (("rc-service", "openrc"), ("initctl", "upstart")):
            if tool in tools:
                return name
        return "sysvinit" if comm in ("init", "") else "service"
    if comm.startswith("openrc"):
        return "openrc"
    return "runit" if comm.startswith("runit") else comm


def python(answers: Answers) -> dict[str, Any]:
    """The host's Python, if it has one."""
    words = answers.text("python").split("|")
    if len(words) != 7:
        return {}
    numbers = [_int(each) for each in (*words[1:4], words[5])]
    major, minor, micro, serial = numbers
    return {
        "python_version": f"{major}.{minor}.{micro}",
        "python": {
            "executable": words[0],
            "type": words[6],
            "has_sslcontext": True,
            "version": {
                "major": major,
                "minor": minor,
                "micro": micro,
                "releaselevel": words[4],
                "serial": serial,
            },
            "version_info": [major, minor, micro, words[4], serial],
        },
    }


def command_line(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kernel's command line: the last value of each word, and all of them."""
    last: dict[str, Any] = {}
    every: dict[str, Any] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        told: Any = value if equals else True
        last[name] = told
        if name in every:
            before = every[name] if isinstance(every[name], list) else [every[name]]
            every[name] = [*before, told]
        else:
            every[name] = told
    return last, every


def resolver(text: str) -> dict[str, Any]:
    """/etc/resolv.conf, see resolv.conf(5)."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        words = line.split()
        if not words or line.lstrip().startswith(("#", ";")):
            continue
        if words[0] == "nameserver" and len(words) > 1:
            found.setdefault("nameservers", []).append(words[1])
        elif words[0] == "domain" and len(words) > 1:
            found["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            found[words[0]] = words[1:]
        elif words[0] == "options":
            pairs = (each.partition(":") for each in words[1:])
            found["options"] = {name: value or True for name, _, value in pairs}
    return found


def host_keys(answers: Answers) -> dict[str, str]:
    """Public keys of the host's SSH server."""
    found = {}
    for kind in ("dsa", "ecdsa", "ed25519", "rsa"):
        words = answers.text(f"key.{kind}").split()
        if len(words) > 1:
            found[f"ssh_host_key_{kind}_public"] = words[1]
            found[f"ssh_host_key_{kind}_public_keytype"] = words[0]
    return found


def own_facts(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Facts that files of the host tell: JSON, or sections as in INI files."""
    return {name: _own(text) for name, text in pairs.items()}


def _own(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return "error loading facts as JSON or ini - please check content"
    return {section: dict(parser.items(section)) for section in parser.sections()}
