"""The script that asks a host for its facts; each part answers for some of the subsets."""

from __future__ import annotations

from opsrun.modules.looking import LOOK
from opsrun.modules.wording import path_word

START = f"""\
say env "$(env)"
LC_ALL=C
export LC_ALL
{LOOK}
of() {{ if [ -r "$2" ]; then say "$1" "$(cat "$2" 2>/dev/null)"; fi; }}
has() {{ command -v "$1" >/dev/null 2>&1; }}
"""
"""The environment is told before the locale becomes ours."""

PLATFORM = """\
say uname "$(uname -s)" kernel "$(uname -r)" version "$(uname -v)" machine "$(uname -m)"
say nodename "$(uname -n)" fqdn "$(hostname -f 2>/dev/null)"
say bits "$(getconf LONG_BIT 2>/dev/null)"
of machine_id /etc/machine-id
say date "$(date '+%s %z %Z %N')" tz "${TZ-}"
say who "$(id -un) $(id -u) $(id -g) $(id -ru) $(id -rg)"
say passwd "$(getent passwd "$(id -u)" 2>/dev/null || grep "^$(id -un):" /etc/passwd)"
of os-release /etc/os-release
for f in debian_version redhat-release system-release alpine-release arch-release \\
  SuSE-release lsb-release; do
  of "$f" "/etc/$f"
done
if has lsb_release; then say lsb y; fi
of comm /proc/1/comm
if [ -L /sbin/init ]; then say init "$(readlink /sbin/init)"; fi
if [ -d /run/systemd/system ]; then say systemd y; fi
of cmdline /proc/cmdline
of fips /proc/sys/crypto/fips_enabled
if [ -e /sys/fs/selinux/enforce ]; then of selinux /sys/fs/selinux/enforce; fi
of selinux-config /etc/selinux/config
if [ -d /sys/kernel/security/apparmor ]; then say apparmor y; fi
of resolv /etc/resolv.conf
for t in apt-get dnf5 dnf yum zypper pacman apk emerge pkg swupd xbps-install opkg brew; do
  if has "$t"; then say tool "$t"; fi
done
for t in systemctl rc-service initctl runit-init; do
  if has "$t"; then say manager "$t"; fi
done
for k in dsa ecdsa ed25519 rsa; do
  of "key.$k" "/etc/ssh/ssh_host_${k}_key.pub"
done
if [ "$(stat -c %i / 2>/dev/null)" != "$(stat -c %i /proc/1/root/. 2>/dev/null)" ] &&
  [ -e /proc/1/root/. ]; then say chroot y; fi
"""

PYTHON = """\
for t in python3 python2 python; do
  if has "$t"; then
    say python "$("$t" -c 'import sys
v = list(sys.version_info)
print("|".join([sys.executable] + [str(x) for x in v] + [sys.implementation.name]))' 2>/dev/null)"
    break
  fi
done
"""

HARDWARE = """\
w='processor|model name|Processor|vendor_id|physical id|core id|cpu cores|siblings|flags|Features'
say cpuinfo "$(grep -E "^($w|cpu model)" /proc/cpuinfo 2>/dev/null)"
say nproc "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null)"
of meminfo /proc/meminfo
of uptime /proc/uptime
of loadavg /proc/loadavg
of mtab /proc/self/mounts
say df "$(df -Pkl 2>/dev/null)"
line() {
  v=
  if [ -r "$2" ]; then { IFS= read -r v <"$2"; } 2>/dev/null; printf '%s=%s\\n' "$1" "$v"; fi
}
block() {
  for f in size removable start; do line "$f" "$1/$f"; done
  for f in rotational logical_block_size scheduler discard_granularity; do
    line "$f" "$1/queue/$f"
  done
  for f in model vendor; do line "$f" "$1/device/$f"; done
  for f in "$1"/holders/*; do if [ -e "$f" ]; then echo "holder=${f##*/}"; fi; done
}
for d in /sys/block/*; do
  [ -r "$d/size" ] || continue
  n=${d##*/}
  say "block.$n" "$(block "$d"; readlink "$d" | sed 's/^/path=/')"
  for p in "$d/$n"*; do
    if [ -e "$p/partition" ]; then say "part.$n/${p##*/}" "$(block "$p")"; fi
  done
done
for k in id uuid label; do
  for f in "/dev/disk/by-$k"/*; do
    if [ -L "$f" ]; then say "disk.$k/${f##*/}" "$(readlink "$f")"; fi
  done
done
"""

DMI = """\
for f in product_name product_version product_serial product_uuid sys_vendor bios_date \\
  bios_vendor bios_version board_name board_vendor board_version board_serial board_asset_tag \\
  chassis_type chassis_vendor chassis_version chassis_serial chassis_asset_tag; do
  of "dmi.$f" "/sys/devices/virtual/dmi/id/$f"
done
"""

VIRTUAL = """\
if [ -e /.dockerenv ] || [ -e /.dockerinit ]; then say container docker; fi
if [ -e /run/.containerenv ]; then say container podman; fi
if has systemd-detect-virt; then say detected "$(systemd-detect-virt 2>/dev/null)"; fi
say init.env "$(tr '\\0' '\\n' </proc/1/environ 2>/dev/null | grep '^container=')"
of cgroup /proc/1/cgroup
if [ -e /dev/kvm ]; then say kvm y; fi
if [ -d /proc/xen ]; then say xen y; fi
if [ -r /proc/modules ]; then say modules "$(cut -d ' ' -f 1 /proc/modules)"; fi
if grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null; then say hypervisor y; fi
"""

NETWORK = """\
if has ip; then
  say link "$(ip -o link show 2>/dev/null)" addr "$(ip -o addr show 2>/dev/null)"
  say route4 "$(ip -4 route get 8.8.8.8 2>/dev/null)"
  say route6 "$(ip -6 route get 2404:6800:400a:800::1012 2>/dev/null)"
fi
"""


def local_script(directory: str) -> str:
    """Facts that the host's own files tell: programs are run, others read."""
    return f"""\
d={path_word(directory)}
for f in "$d"/*.fact; do
  [ -f "$f" ] || continue
  n=${{f##*/}}
  if [ -x "$f" ]; then say "local.${{n%.fact}}" "$("$f" 2>/dev/null </dev/null)"
  else of "local.${{n%.fact}}" "$f"
  fi
done
"""
