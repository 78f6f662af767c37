"""A small repository of Debian packages, made in a machine that is thrown away."""

from __future__ import annotations

import shutil

from support import disposable

MAKE = r"""
set -eu
mkdir -p /srv/repo /tmp/made
cd /srv/repo
made() {
  name=$1 version=$2 arch=$3
  shift 3
  top=/tmp/made/$name-$version
  mkdir -p "$top/DEBIAN" "$top/usr/share/$name" "$top/etc"
  echo "$version" >"$top/usr/share/$name/version"
  echo "$version" >"$top/etc/$name.conf"
  echo "/etc/$name.conf" >"$top/DEBIAN/conffiles"
  {
    printf '%s\n' "Package: $name" "Version: $version" "Architecture: $arch" \
      'Maintainer: M <m@example.org>' 'Description: made for a test' "$@"
  } >"$top/DEBIAN/control"
  [ ! -e "/tmp/made/$name.postinst" ] ||
    install -m 755 "/tmp/made/$name.postinst" "$top/DEBIAN/postinst"
  dpkg-deb -b --root-owner-group -Znone "$top" . >/dev/null
}
printf '#!/bin/sh\nexit 3\n' >/tmp/made/zzfails.postinst
printf '#!/bin/sh\n/usr/sbin/policy-rc.d x start >/dev/null; echo "$?" >/srv/policy\n' \
  >/tmp/made/zzserves.postinst
for version in 1.0 1.5 2.0; do made zza "$version" all; done
made zzb 1.0 all 'Depends: zza (>= 1.0), zzlib' 'Recommends: zzrec'
made zzlib 1.0 all
made zzrec 1.0 all
made zzmail1 1.0 all 'Provides: zzmail'
made zzmail2 1.0 all 'Provides: zzmail'
made zzonly1 1.0 all 'Provides: zzonly'
made zzbroken 1.0 all 'Depends: zznothing'
made zzconf 1.0 all 'Conflicts: zza'
made zzarch 1.0 "$(dpkg --print-architecture)"
made zzfails 1.0 all
made zzserves 1.0 all
dpkg-scanpackages -m . >Packages 2>/dev/null
chmod -R a+rX /srv
rm -rf /etc/apt/sources.list.d/* /etc/apt/preferences.d/* /var/lib/apt/lists/*
rm -f /etc/apt/apt.conf.d/docker* /etc/apt/apt.conf.d/99*
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
rm -f /usr/sbin/policy-rc.d
# With what this machine has, each call would take its time: here nothing is installed.
arch=$(dpkg --print-architecture)
mount -t tmpfs none /var/lib/dpkg
cd /var/lib/dpkg
mkdir info updates triggers alternatives parts
: >status && : >available && : >diversions && : >statoverride
echo "$arch" >arch
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/zz
apt-get update -qq
"""


def obstacle() -> str | None:
    """Why there can be none; None when nothing is in the way."""
    for program in ("apt-get", "dpkg-deb", "dpkg-scanpackages"):
        if shutil.which(program) is None:
            return f"there is no {program} (Debian: apt-get install dpkg-dev)"
    return disposable.obstacle()
