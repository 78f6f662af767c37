"""``opsrun compat``: programs with Ansible's names, options and exit statuses."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import click

from opsrun.compat.translation import PROGRAMS
from opsrun.errors import UsageError

_PROGRAM = """\
#!{python}
# Written by `opsrun compat`: {name}, carried out by opsrun.
import sys

from opsrun.cli.as_ansible import run

sys.exit(run({name!r}, sys.argv[1:]))
"""
_LONG = """\
#!/bin/sh
''''exec {python} "$0" "$@" # '''
"""
_LONGEST_INTERPRETER = 120
"""Linux cuts a first line after 127 bytes (execve(2)), and splits nothing at blanks but once."""
_MARK = "Written by `opsrun compat`"


@click.command("compat", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace programs that something else put there.")
def compat(directory: Path, force: bool) -> None:
    """Write ansible-playbook, ansible, ansible-inventory and others into DIR.

    They take Ansible's options, its ANSIBLE_* variables and ansible.cfg, run opsrun, print what
    Ansible prints and end with Ansible's exit statuses, so that Makefiles and scripts work as they
    are. With DIR first on PATH, that is all there is to it. What opsrun doesn't do is refused.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / name for name in PROGRAMS]
    if not force:
        _protect(paths)
    for path in paths:
        _write(path)
    click.echo(f"export PATH={_quoted(str(directory.resolve()))}:$PATH")


def _protect(paths: list[Path]) -> None:
    for path in paths:
        if os.path.lexists(path) and _MARK not in _head(path):
            raise UsageError(f"{path} is there, and not ours; --force replaces it")


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(500)
    except OSError:
        return ""


def _write(path: Path) -> None:
    text = _PROGRAM.format(python=sys.executable, name=path.name)
    if len(sys.executable) > _LONGEST_INTERPRETER or " " in sys.executable:
        text = _LONG.format(python=_quoted(sys.executable)) + text.partition("\n")[2]
    # Not over a link: what it leads to may be the real one.
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o755 & ~_umask())
    temporary.replace(path)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current & (stat.S_IRWXG | stat.S_IRWXO)


def _quoted(text: Any) -> str:
    import shlex

    return shlex.quote(str(text))
