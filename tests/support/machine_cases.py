"""Cases of modules that change a whole machine: users, crontabs, access lists.

They are steps on one machine that is thrown away (`support.disposable`), in order; ``machine.yml``
beside the other cases of a module. A step is a mapping:

``name``, ``args``, ``before``
    what runs, and a script that prepares it.
``check``, ``result``, ``again``, ``after``
    in check mode, in earnest, and once more; and what the machine looks like behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support import disposable
from support.module_cases import CASES, usual
from support.module_host import ModuleHost, module_host

PREPARE = """\
# Numbers that are given go by those that are taken.
for name in passwd group; do
  awk -F: '$3 < 1000 || $3 == 65534' "/etc/$name" >"/run/$name"
  cat "/run/$name" >"/etc/$name"
done
for name in passwd group shadow gshadow; do cp "/etc/$name" "/run/$name"; done
mkdir /run/copies
rm -rf /srv /home /etc/cron.d
mkdir /srv /home /etc/cron.d
# What a new user is given differs from one distribution to the next.
rm -rf /etc/skel
mkdir /etc/skel
echo 'a line' >/etc/skel/.profile
"""

SIGHT = r"""
awk -v today="$(($(date +%s) / 86400))" 'BEGIN {
  count = split("passwd group shadow gshadow", names, " ")
  for (at = 1; at <= count; at++) {
    name = names[at]
    while ((getline line <("/run/" name)) > 0) old[name, line]
    while ((getline line <("/etc/" name)) > 0) {
      if ((name, line) in old) continue
      if (name == "shadow" && split(line, field, ":") > 3 && field[3] == today) {
        head = field[1] ":" field[2] ":"
        line = head "TODAY" substr(line, length(head today) + 1)
      }
      print name, line
    }
  }
}'
holds() {
  for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ ! -e "$each" ] && [ ! -h "$each" ] || return 0
  done
  return 1
}
for top in /home /srv /etc/cron.d /var/spool/cron/crontabs; do
  [ -d "$top" ] || continue
  ! holds "$top" || (cd "$top" &&
      find . -mindepth 1 ! -name '*.old' -exec stat -c '%n	%A %U %G' {} + |
      LC_ALL=C sort | while IFS='	' read -r name about; do
    printf '%s\n' "$about $top/$name"
    case $name in
      *.profile|*id_*) ;;
      *) [ -h "$name" ] || [ ! -f "$name" ] || sed 's/^/  /' "$name" ;;
    esac
  done)
  [ "$top" = /srv ] && command -v getfacl >/dev/null && getfacl -PRsp "$top"
done
for copy in /run/copies/*; do
  [ -d "$copy" ] || continue
  echo "$copy" $(ls -A "$copy" | grep -v '^[A-Z]*_HEAD$' | LC_ALL=C sort)
  git -C "$copy" rev-parse --is-shallow-repository HEAD 2>/dev/null | sed 's/^/  /'
  [ ! -e "$copy/.git" ] || git -C "$copy" status --porcelain --branch | sed 's/^/  /'
  git -C "$copy" for-each-ref --format='  %(objectname:short) %(refname) %(symref)'
  git -C "$copy" remote -v | sed 's/^/  /'
  [ ! -e "$copy/.gitmodules" ] || git -C "$copy" submodule status --recursive | sed 's/^/  /'
done
:
"""
"""Prints what differs from the beginning: users, groups, homes, crontabs, access lists, working
copies of git."""

_KEY = re.compile(r"(\S+) AAAA[A-Za-z0-9+/=]+")
_VOLATILE = (
    (re.compile(r"\|1\|[A-Za-z0-9+/=]+\|[A-Za-z0-9+/=]+"), "HASHED"),
    (re.compile(r"\t+#effective"), "\t#effective"),
    (re.compile(r"SHA256:[A-Za-z0-9+/=]+"), "SHA256:SUM"),
    (re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@[\d:]+~"), ".BACKUP~"),
    (re.compile(r"/tmp/crontab[\w.]*~?"), "/tmp/CRONTAB"),
    (re.compile(r"# \(Cron version[^\n]*"), "# VERSION"),
    (re.compile(r"# \(/\S+ installed on[^\n]*"), "# INSTALLED"),
    # In check mode the dialect's own engine fetches, and shows all.
    (re.compile(r"\Adiff --git.*", re.DOTALL), "DIFFERENCE"),
    (re.compile(r"\A>> [0-9a-f]{40} to [0-9a-f]{40}\n"), "DIFFERENCE"),
    (re.compile(r"# \(- installed on[^\n]*"), "# INSTALLED"),
)


def plain(value: Any) -> Any:
    """Without keys, hashes and dates that no two runs share."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, str):
        for pattern, sign in _VOLATILE:
            value = pattern.sub(sign, value)
    return value


def told(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as it is written down."""
    if result.get("failed"):
        return {"failed": True, "changed": bool(result.get("changed"))}
    found: dict[str, Any] = plain(usual(result, "/no such folder"))
    for name in ("stdout", "stdout_lines", "stderr", "stderr_lines"):
        # What the tools remarked.
        found.pop(name, None)
    if found.get("diff") == {}:
        del found["diff"]
    if found.get("ssh_public_key"):
        found["ssh_public_key"] = _KEY.sub(r"\1 PUBLIC", found["ssh_public_key"])
    return found


def steps(module: str) -> list[dict[str, Any]]:
    """Those of one module."""
    path = CASES / module / "machine.yml"
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def scenarios() -> list[str]:
    """Modules that have them."""
    return sorted(path.parent.name for path in CASES.glob("*/machine.yml"))


def sight(module: str = "") -> str:
    """`SIGHT`, and what a module has in ``sight.sh`` beside its steps to show what it is about."""
    own = CASES / module / "sight.sh"
    return SIGHT + (own.read_text(encoding="utf-8") if module and own.exists() else "")


def seen(box: disposable.Machine, module: str = "") -> list[str]:
    """What the machine looks like, in lines."""
    lines: list[str] = plain(box.sh(sight(module))).splitlines()
    return lines


@contextmanager
def inside(
    box: disposable.Machine, directory: Path, shell: str = "sh", path: str = ""
) -> Iterator[ModuleHost]:
    """Runs modules in a machine, over a shell in it."""
    found = path or "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # The directory that nsenter begins in is outside of the machine.
    words = ("env", "--chdir=/", "-i", f"PATH={found}", "HOME=/root", "USER=root", "/bin/sh", "-c")
    prefix = box.entering(*words)
    with module_host(directory, shell, prefix) as host:
        yield host
