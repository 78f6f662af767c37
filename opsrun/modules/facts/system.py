"""Platform, user, time, environment, package and service managers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsrun.modules.facts.files import Files
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


def platform(answers: Answers, files: Files) -> dict[str, Any]:
    """Kernel, architecture and names."""
    system, node, kernel, version, machine = _uname(answers.text("uname"))
    fqdn = _full_name(answers.text("slow"), node)
    bits = answers.text("bits") or ("64" if "64" in machine else "32")
    small = re.fullmatch(r"i[3456]86", machine) is not None
    ident = files.value("/var/lib/dbus/machine-id") or files.value("/etc/machine-id")
    found: dict[str, Any] = {
        "system": system,
        "kernel": kernel,
        "kernel_version": version,
        "machine": machine,
        "architecture": "i386" if small else machine,
        "userspace_bits": bits,
        "userspace_architecture": _userspace(machine, bits),
        "nodename": node,
        "hostname": node.split(".")[0],
        "fqdn": fqdn,
        "domain": fqdn.partition(".")[2],
        "is_chroot": _chroot(answers),
        "fips": files.value("/proc/sys/crypto/fips_enabled") == "1",
        "apparmor": {
            "status": "enabled" if files.there("/sys/kernel/security/apparmor") else "disabled"
        },
        "selinux": _selinux(files),
        "selinux_python_present": True,
        "fibre_channel_wwn": _ports(files),
        "hostnqn": next(iter(files.value("/etc/nvme/hostnqn").splitlines()), ""),
        "iscsi_iqn": _initiator(files.text("/etc/iscsi/initiatorname.iscsi")),
        **_capabilities(answers),
    }
    return found | ({"machine_id": ident} if ident else {})


def _uname(told: str) -> tuple[str, str, str, str, str]:
    """System, node, release, version and machine, as ``uname -snrvm`` prints them."""
    words = told.strip().split(" ")
    words += [""] * (5 - len(words))
    return words[0], words[1], words[2], " ".join(words[3:-1]), words[-1]


def _userspace(machine: str, bits: str) -> str:
    if bits == "64":
        return machine
    return "i386" if re.fullmatch(r"x86_64|amd64|i[3456]86", machine) else machine


def _full_name(told: str, node: str) -> str:
    """The first name with a dot that the host's own address has; see socket.getfqdn of Python."""
    names: list[str] = []
    for line in told.splitlines():
        if line.startswith("fqdn "):
            names += line.split()[2:]
            break
    return next((name for name in names if "." in name), names[0] if names else node)


def _chroot(answers: Answers) -> bool:
    if answers.get("chroot") is not None:
        return True
    # Where the first process's root can't be seen, the number of ours tells: 2, or XFS's, btrfs's.
    words = answers.text("root").split()
    return bool(words) and words[0] not in ("2", "128", "256")


def _ports(files: Files) -> list[str]:
    """World wide names of fibre channel ports."""
    top = "/sys/class/fc_host"
    told = [files.value(f"{top}/{name}/port_name") for name in files.names(top)]
    return [each.removeprefix("0x") for each in told if each]


def _initiator(text: str) -> str:
    found = re.search(r"^InitiatorName=(\S+)", text, re.MULTILINE)
    return found[1] if found is not None else ""


def _capabilities(answers: Answers) -> dict[str, Any]:
    """What capsh(1) says; nothing where there is none."""
    found = re.search(r"^Current:(.*)$", answers.text("caps"), re.MULTILINE)
    if found is None:
        return {}
    told = found[1].strip()
    if told == "=ep":
        return {"system_capabilities": [], "system_capabilities_enforced": "False"}
    listed = told.partition("=")[2].split(",")
    return {
        "system_capabilities": [each.strip() for each in listed],
        "system_capabilities_enforced": "True",
    }


def _selinux(files: Files) -> dict[str, Any]:
    enforcing = files.get("/sys/fs/selinux/enforce")
    if enforcing is None:
        return {"status": "disabled"}
    config = dict(
        line.strip().split("=", 1)
        for line in files.text("/etc/selinux/config").splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    version = files.number("/sys/fs/selinux/policyvers")
    return {
        "status": "enabled",
        "mode": "enforcing" if enforcing.strip() == "1" else "permissive",
        "config_mode": config.get("SELINUX", "unknown").strip(),
        "type": config.get("SELINUXTYPE", "unknown").strip(),
        "policyvers": version if version is not None else "unknown",
    }


def user(answers: Answers) -> dict[str, Any]:
    """Who runs the tasks."""
    told = {
        name: (number, word or "")
        for name, number, word in re.findall(
            r"\b(e?[ug]id)=(\d+)(?:\(([^)]*)\))?", answers.text("id").split(" groups=")[0]
        )
    }
    real_uid, real_gid = told.get("uid", ("", ""))[0], told.get("gid", ("", ""))[0]
    uid, word = told.get("euid", told.get("uid", ("", "")))
    gid = told.get("egid", told.get("gid", ("", "")))[0]
    fields = (answers.text("passwd").split("\n")[0].split(":") + [""] * 7)[:7]
    name = fields[0] or word
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


def date_time(answers: Answers, files: Files) -> dict[str, str]:
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
        "tz_dst": _summer(files.target("/etc/localtime"), now, zone),
        "tz_offset": offset,
    }


def _summer(link: str, now: datetime, zone: str) -> str:
    """What the zone is called in summer; as it is now, where it has none."""
    name = link.partition("zoneinfo/")[2].removeprefix("posix/")
    try:
        there = ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return zone
    for month in (1, 7):
        day = datetime(now.year, month, 1, 12, tzinfo=there)
        if day.dst():
            return day.tzname() or zone
    return zone


def package_manager(answers: Answers, family: str) -> str:
    """The family's own, where there is one; else the first that is there."""
    tools = set(answers.every("tool"))
    there = [name for tool, name in _MANAGERS if tool in tools]
    own = [name for name in _BY_FAMILY.get(family, ()) if name in there]
    return (own or there or ["unknown"])[0]


def service_manager(answers: Answers, files: Files) -> str:
    """What starts services."""
    comm = files.value("/proc/1/comm").rpartition("/")[2]
    tools = answers.every("tool")
    if comm in ("", "init", "sh", "bash", "tini", "dumb-init"):
        if files.there("/run/systemd/system") or files.target("/sbin/init").endswith("systemd"):
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


def host_keys(files: Files) -> dict[str, str]:
    """Public keys of the host's SSH server."""
    found = {}
    for kind in ("dsa", "ecdsa", "ed25519", "rsa"):
        for top in ("/etc/ssh", "/etc/openssh"):
            words = files.text(f"{top}/ssh_host_{kind}_key.pub").split()
            if len(words) > 1:
                found[f"ssh_host_key_{kind}_public"] = words[1]
                found[f"ssh_host_key_{kind}_public_keytype"] = words[0]
                break
    return found
