"""The script that asks a host for its facts; each part answers for some of the subsets.

Processes are what costs time on a host, so files are read by one grep(1) and links by one ls(1),
whatever their number (`opsrun.modules.facts.files`), and what can be told by the shell itself
starts nothing. Whatever may hang (file systems of servers that are away, names that nobody
resolves, volume groups) stands in `SLOW`, which ends at a limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.modules.wording import path_word, word

START = """\
say() { printf '%s\\0' "$@"; }
has() { command -v "$1" >/dev/null 2>&1; }
say env "$(env)"
LC_ALL=C
export LC_ALL
"""
"""The environment is told before the locale becomes ours."""

RELEASES = (
    *("os-release", "lsb-release", "altlinux-release", "oracle-release", "slackware-version"),
    *("centos-release", "redhat-release", "vmware-release", "openwrt_release", "system-release"),
    *("alpine-release", "arch-release", "SuSE-release", "gentoo-release", "mageia-release"),
    *("debian_version", "coreos/update.conf"),
)
"""Below ``/etc``: what tells of a distribution."""

_LEAST_FILES = (
    *(f"/etc/{name}" for name in RELEASES),
    *("/usr/lib/os-release", "/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/resolv.conf"),
    *("/proc/1/comm", "/proc/cmdline", "/proc/sys/crypto/fips_enabled", "/etc/selinux/config"),
    *("/sys/fs/selinux/enforce", "/sys/fs/selinux/policyvers", "/proc/1/status"),
    *("/etc/ssh/ssh_host_*_key.pub", "/etc/openssh/ssh_host_*_key.pub"),
    *("/etc/iscsi/initiatorname.iscsi", "/etc/nvme/hostnqn", "/sys/class/fc_host/*/port_name"),
)
_LEAST_LINKS = (
    *("/etc/arch-release", "/etc/localtime", "/sbin/init", "/run/systemd/system"),
    *("/sys/kernel/security/apparmor", "/dev/.systemd"),
)
_QUEUE = ("rotational", "logical_block_size", "scheduler", "discard_granularity")
_HARDWARE_FILES = (
    *("/proc/meminfo", "/proc/uptime", "/proc/loadavg", "/proc/self/mounts"),
    *("/proc/self/mountinfo", "/proc/self/status"),
    *(f"/sys/block/*/{name}" for name in ("size", "removable")),
    *(f"/sys/block/*/queue/{name}" for name in _QUEUE),
    *(
        f"/sys/block/*/device/{name}"
        for name in ("model", "vendor", "serial", "sas_address", "sas_device_handle")
    ),
    *(f"/sys/block/*/*/{name}" for name in ("partition", "size", "start")),
)
_HARDWARE_LINKS = (
    *("/sys/block/*", "/sys/block/*/holders/*", "/sys/block/*/*/holders/*"),
    *("/sys/block/*/slaves/*", "/dev/disk/by-id/*", "/dev/disk/by-uuid/*", "/dev/disk/by-label/*"),
)
_DMI = (
    *("product_name", "product_version", "product_serial", "product_uuid", "sys_vendor"),
    *("bios_date", "bios_vendor", "bios_version", "board_name", "board_vendor", "board_version"),
    *("board_serial", "board_asset_tag", "chassis_type", "chassis_vendor", "chassis_version"),
    *("chassis_serial", "chassis_asset_tag"),
)
_DMI_FILES = tuple(f"/sys/devices/virtual/dmi/id/{name}" for name in _DMI)
_VIRTUAL_FILES = ("/proc/1/cgroup", "/proc/modules", "/proc/xen/capabilities")
_VIRTUAL_LINKS = (
    *("/.dockerenv", "/.dockerinit", "/run/.containerenv", "/dev/kvm", "/proc/xen"),
    *("/proc/vz", "/proc/lxc", "/proc/bc"),
)
_NETWORK_FILES = (
    *(
        f"/sys/class/net/*/{name}"
        for name in ("address", "mtu", "type", "flags", "operstate", "speed")
    ),
    *("/sys/class/net/*/bridge/bridge_id", "/sys/class/net/*/bridge/stp_state"),
    *(
        f"/sys/class/net/*/bonding/{name}"
        for name in ("mode", "miimon", "lacp_rate", "primary", "all_slaves_active", "slaves")
    ),
)
_NETWORK_LINKS = ("/sys/class/net/*/device", "/sys/class/net/*/brif/*")

_FILES = {
    "min": _LEAST_FILES,
    "hardware": (*_HARDWARE_FILES, *_DMI_FILES),
    "virtual": (*_VIRTUAL_FILES, *_DMI_FILES),
    "network": _NETWORK_FILES,
}
_LINKS = {
    "min": _LEAST_LINKS,
    "hardware": _HARDWARE_LINKS,
    "virtual": _VIRTUAL_LINKS,
    "network": _NETWORK_LINKS,
}


def reading(parts: Iterable[str]) -> str:
    """The part that reads files and links."""
    wanted = sorted(parts)
    files = list(dict.fromkeys(path for part in wanted for path in _FILES[part]))
    links = list(dict.fromkeys(path for part in wanted for path in _LINKS[part]))
    lines = []
    if files:
        lines += ["printf 'files\\0'", f"grep -sH '' {' '.join(files)} 2>/dev/null"]
        lines += ["printf '\\0'"]
    if links:
        lines += ["printf 'links\\0'", f"ls -ld {' '.join(links)} 2>/dev/null", "printf '\\0'"]
    return "\n".join(lines) + "\n"


PLATFORM = """\
i=$(id)
s=$(uname -snrvm)
say uname "$s" id "$i" bits "$(getconf LONG_BIT 2>/dev/null)"
say date "$(date '+%s %z %Z %N')"
u=${i#uid=}
u=${u%%[!0-9]*}
say passwd "$(getent passwd "$u" 2>/dev/null || grep "^[^:]*:[^:]*:$u:" /etc/passwd)"
if [ ! -e /etc/lsb-release ] && has lsb_release; then
  say lsb "$(lsb_release -a 2>/dev/null)"
fi
for t in apt-get dnf5 dnf yum microdnf rpm-ostree zypper pacman apk emerge pkg swupd xbps-install \\
  opkg brew urpmi eopkg rc-service initctl capsh; do
  if has "$t"; then say tool "$t"; fi
done
if has capsh; then say caps "$(capsh --print 2>/dev/null)"; fi
if [ -e /proc/1/root/. ]; then
  [ / -ef /proc/1/root/. ] || say chroot y
elif [ -d /proc/1 ]; then
  say root "$(ls -di / 2>/dev/null)"
fi
case $s in
  Darwin*) say swvers "$(sw_vers 2>/dev/null)" ;;
esac
"""

_PYTHON = """\
for t in {chosen}/usr/bin/python3 python3 /usr/libexec/platform-python python2 python; do
  if has "$t"; then
    say python "$("$t" -S -E -c 'import sys
v = list(sys.version_info)
print("|".join([sys.executable] + [str(x) for x in v] + [sys.implementation.name]))' 2>/dev/null)"
    break
  fi
done
"""

HARDWARE = """\
w='processor|model name|Processor|vendor_id|physical id|core id|cpu cores|siblings|cpu model'
printf 'cpuinfo\\0'
if [ -r /proc/cpuinfo ]; then
  grep -E "^($w)" /proc/cpuinfo
  grep -m 1 -E '^(flags|Features)' /proc/cpuinfo
  printf '\\0'
else
  printf '\\0'
  say sysctl "$(sysctl hw.ncpu hw.physmem hw.memsize hw.model machdep.cpu.brand_string \\
    kern.boottime 2>/dev/null)"
fi
"""


def python_script(interpreter: str) -> str:
    """Asks the host's Python what it is.

    Args:
        interpreter: the one that the inventory names; empty for the usual ones.
    """
    chosen = f"{word(interpreter)} " if interpreter.startswith("/") else ""
    return _PYTHON.replace("{chosen}", chosen)


VIRTUAL = """\
if has systemd-detect-virt; then say detected "$(systemd-detect-virt 2>/dev/null)"; fi
if [ -r /proc/1/environ ]; then
  say init.env "$(tr '\\0' '\\n' 2>/dev/null </proc/1/environ | grep '^container=')"
fi
"""

NETWORK = """\
if has ip; then
  printf 'addr\\0'
  ip addr show 2>/dev/null
  printf '\\0route4\\0'
  ip -4 route get 8.8.8.8 2>/dev/null
  printf '\\0route6\\0'
  ip -6 route get 2404:6800:400a:800::1012 2>/dev/null
  printf '\\0local4\\0'
  ip -4 route show table local 2>/dev/null
  printf '\\0local6\\0'
  ip -6 route show table local 2>/dev/null
  printf '\\0'
else
  if has ifconfig; then say ifconfig "$(ifconfig -a 2>/dev/null)"; fi
  printf 'net\\0'
  grep -sH '' /proc/net/dev /proc/net/route /proc/net/if_inet6 /proc/net/ipv6_route \\
    /proc/net/fib_trie 2>/dev/null
  printf '\\0'
  if ! [ -r /proc/net/route ] && has route; then
    say get4 "$(route -n get default 2>/dev/null)" get6 "$(route -n get -inet6 default 2>/dev/null)"
  fi
fi
"""

_NAME = """\
  (
    n=${s#* }
    n=${n%% *}
    if has getent; then
      a=$(getent ahosts "$n") || a=
      a=${a%% *}
      if [ -n "$a" ]; then printf 'fqdn %s\\n' "$(getent hosts "$a")"; fi
    elif has hostname; then
      printf 'fqdn - %s\\n' "$(hostname -f)"
    fi
  ) &
  tasks="$tasks $!"
"""

_SIZES = r"""
  set --
  far=
  if [ -r /proc/self/mounts ]; then
    while read -r d m t o; do
      case $d in
        /* | *:/* | \\*) ;;
        *) continue ;;
      esac
      case $m in
        *\\*) m=$(printf '%b' "$(printf '%s' "$m" | sed 's/\\\([0-7]\)/\\0\1/g')") ;;
      esac
      case $t:$d in
        *:*:/* | nfs* | cifs* | smb* | fuse* | 9p:* | ceph:* | gluster* | afs:* | lustre:* | \
          gfs* | ocfs* | davfs* | beegfs:* | orangefs:* | coda:* | ncp*)
          if has stat; then stat -f -c "$format" -- "$m" & else df -Pk "$m" & fi
          far="$far $!"
          ;;
        *) set -- "$@" "$m" ;;
      esac
    done </proc/self/mounts
    tasks="$tasks$far"
    if [ $# -gt 0 ]; then
      if has stat; then stat -f -c "$format" -- "$@" & else df -Pk "$@" & fi
      tasks="$tasks $!"
    fi
  else
    df -Pk &
    tasks="$tasks $!"
  fi
"""

_VOLUMES = """\
  if [ "${u:-1}" = 0 ] && has vgs; then
    for t in 'vgs -o vg_name,lv_count,pv_count,vg_size,vg_free' 'lvs -o lv_name,vg_name,lv_size' \\
      'pvs -o pv_name,vg_name,pv_size,pv_free'; do
      # shellcheck disable=SC2086 # words
      (
        o=$($t --noheadings --nosuffix --units g --separator ',')
        [ -z "$o" ] || printf '%s\\n' "$o" | sed "s/^ */${t%% *},/"
      ) &
      tasks="$tasks $!"
    done
  fi
"""


def slow(parts: Iterable[str], limit: int) -> str:
    """What may hang, all at once and side by side, ended at the limit.

    Each writes whole lines, so that they can't get into each other (a write of less than PIPE_BUF
    bytes is atomic). Who hangs in the kernel can't even be killed: nobody waits for them, only for
    the alarm, which is ended by who waits for the others.

    Args:
        parts: which facts are wanted.
        limit: seconds; 0 for none.
    """
    wanted = set(parts)
    tasks = ""
    if "min" in wanted:
        tasks += _NAME
    if "hardware" in wanted:
        tasks += _VOLUMES + _SIZES.lstrip("\n")
    if not tasks:
        return ""
    return f"""\
printf 'slow\\0'
u=${{u-$(id -u)}}
format='fs %S %b %f %a %c %d %n'
{{
sleep {limit or 10**9} >/dev/null &
alarm=$!
(
  tasks=
  # shellcheck disable=SC2086 # numbers
  trap 'kill -9 $tasks; echo late; exit 0' TERM
{tasks}  wait
  trap '' TERM
  kill "$alarm"
) &
crew=$!
wait "$alarm"
kill "$crew"
wait "$crew"
}} 2>/dev/null
printf '\\0'
"""


def local_script(directory: str) -> str:
    """Facts that the host's own files tell: programs are run, others read.

    What a program wrote to standard error comes first, then its exit status and its output.
    """
    return f"""\
d={path_word(directory)}
for f in "$d"/*.fact; do
  n=${{f##*/}}
  n=${{n%.fact}}
  if [ -d "$f" ]; then
    continue
  elif [ ! -e "$f" ]; then
    [ ! -h "$f" ] || say "gone.$n" "$f"
  elif [ -x "$f" ]; then
    say "ran.$n" "$(
      {{
        o=$("$f" 2>&3 3>&- </dev/null)
        printf '\\001%s\\001%s' "$?" "$o"
      }} 3>&1
    )"
  else
    say "read.$n" "$(cat "$f" 2>/dev/null)"
  fi
done
"""
