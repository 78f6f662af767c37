"""Machines with rpm, dnf and a small repository that is made on the spot."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support import disposable

PROGRAMS = ("rpm", "rpmbuild", "dnf", "createrepo_c", "zypper")

PREPARE = r"""
set -e
top=/srv/r
mkdir -p "$top/repo" "$top/build"
begin() {
  printf 'Name: all%s\nVersion: 1\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\n' "$1"
  printf '%%description\nd\n'
}
pack() {
  printf '%%package -n %s\nSummary: s\nVersion: %s\nRelease: 1\n%b\n' "$1" "$2" "${3:-}"
  printf '%%description -n %s\nd\n%%files -n %s\n%s\n' "$1" "$1" "${4:-}"
}
{
  begin one
  pack alpha 1.0
  pack beta 1.0 'Requires: gamma\nProvides: webserver\n'
  pack gamma 1.0
  pack delta 1.0 'Epoch: 2\nRecommends: epsilon\n'
  pack epsilon 1.0
  pack broken 1.0 'Requires: nowhere\n'
  pack tool 1.0 '' /usr/bin/tool
  printf '%%install\nmkdir -p %%{buildroot}/usr/bin\necho x >%%{buildroot}/usr/bin/tool\n'
} >"$top/one.spec"
{
  begin two
  pack alpha 2.0
  pack beta 2.0 'Requires: gamma\n'
  pack gamma 1.1
  pack alpha-extra 1.0
} >"$top/two.spec"
{
  begin three
  pack failing 1.0 'Provides: /bin/sh\n'
  pack big 1.0 '' /srv/full/big
  printf '%%post -n failing\nexit 3\n'
  printf '%%install\nmkdir -p %%{buildroot}/srv/full\n'
  printf 'head -c 3000000 /dev/zero >%%{buildroot}/srv/full/big\n'
} >"$top/more.spec"
cd /srv
for s in one two more; do
  to=repo
  [ "$s" != more ] || to=more
  rpmbuild -bb --quiet --define "_topdir $top/build" --define "_rpmdir $top/$to" \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
    --define '_binary_payload w0.gzdio' "$top/$s.spec" >/dev/null 2>&1
done
createrepo_c -q "$top/repo"
createrepo_c -q "$top/more"
mkdir -p /etc/yum.repos.d /etc/dnf
rm -rf /etc/yum.repos.d/* /var/lib/rpm/* /var/cache/dnf/* /var/lib/dnf/*
cat >/etc/dnf/dnf.conf <<'E'
[main]
gpgcheck=0
best=True
skip_if_unavailable=False
E
printf '[made]\nname=made\nbaseurl=file:///srv/r/repo\ngpgcheck=0\n' >/etc/yum.repos.d/made.repo
printf '[other]\nname=other\nbaseurl=file:///srv/none\nenabled=0\n' >/etc/yum.repos.d/other.repo
# Where zypper looks, wherever Debian's rpm would have it.
mkdir -p /etc/rpm
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
rpm --initdb
rm -rf /etc/zypp/repos.d /etc/zypp/services.d /var/cache/zypp /var/lib/zypp
mkdir -p /etc/zypp/repos.d
repository() {
  printf '[%s]\nname=%s\nbaseurl=file:///srv/r/%s\nautorefresh=%s\ngpgcheck=0\n' "$@"
}
repository made made repo 0 >/etc/zypp/repos.d/made.repo
"""

CASES = Path(__file__).parents[1] / "cases"
_STREAMS = ("stdout", "stdout_lines", "stderr", "stderr_lines")
_VOLATILE = ("warnings", "deprecations", "invocation", "exception", *_STREAMS)


def obstacle() -> str | None:
    """Why there can be no such machine; None when nothing is in the way."""
    lacking = [each for each in PROGRAMS if shutil.which(each) is None]
    return f"there is no {lacking[0]}" if lacking else disposable.obstacle()


def steps(module: str) -> list[dict[str, Any]]:
    """Steps on one machine: ``args``, ``check`` for check mode, ``result``; or ``sh``, a script,
    and what it ``prints``."""
    path = CASES / module / "packages.yml"
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def told(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as it is written down: the words of failures are left out, and so is the order in
    which packages came."""
    found = {name: value for name, value in result.items() if name not in _VOLATILE}
    if result.get("failed"):
        kept = {name: found[name] for name in ("failures", "results") if found.get(name)}
        return {"failed": True, "changed": bool(result.get("changed")), **kept}
    found["failed"] = False
    if found.get("results"):
        found["results"] = sorted(found["results"], key=str)
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        value = re.sub(r"/tmp/[\w./-]*(venv|python)", r"/tmp/\1", value)
    return value


@contextmanager
def rpm_box(directory: Path) -> Iterator[disposable.Machine]:
    """One that is up."""
    with disposable.machine(directory, PREPARE) as box:
        yield box
