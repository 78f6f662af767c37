"""What examples in docs and docstrings find: an inventory, files, and hosts with programs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from opsrun.lab import Lab

NAMES = ("web01", "web02", "web03", "db01", "app01")

_NGINX = """#!/bin/sh
case $OPSRUN_HOST in web02) version=1.26.1 ;; *) version=1.24.0 ;; esac
echo "nginx version: nginx/$version" >&2
"""
_SYSTEMCTL = """#!/bin/sh
echo "$OPSRUN_HOST $*" >>"${0%/*}/systemctl.log"
case $1 in is-active) echo active ;; esac
"""


def path_option(programs: Path) -> str:
    """The line of sshd_config by which hosts find these programs."""
    return f'ForceCommand PATH={programs}:$PATH exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'


def make_programs(folder: Path) -> None:
    """nginx and systemctl, as far as they are asked."""
    folder.mkdir()
    for name, script in (("nginx", _NGINX), ("systemctl", _SYSTEMCTL)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)


def settle(folder: Path, lab: Lab) -> None:
    """Lay out what examples find in the directory that they run in."""
    (folder / "inventories").mkdir()
    (folder / "inventories/lab.yml").write_bytes(lab.inventory.read_bytes())
    for name in ("srv", "log", "site"):
        (folder / name).mkdir()
    (folder / "log/app.log").write_text("app: ready\n")
    (folder / "app.conf").write_text("listen 80\n")
    (folder / "site/index.html").write_text("hello\n")
    shutil.copytree(Path(__file__).parents[2] / "playbooks", folder / "playbooks")
    keys = [line.split() for line in lab.known_hosts.read_text().splitlines()]
    (folder / "keys.txt").write_text("".join(" ".join(words) + "\n" for words in keys))


def at_home(source: str, folder: Path) -> str:
    """The example with the hosts' directories, which are this machine's, in ``folder``."""
    source = re.sub(r"(?<![\w/.])/srv\b", str(folder / "srv"), source)
    return source.replace("/var/log/", f"{folder}/log/")
