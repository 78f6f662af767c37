"""``opsrun new``: a beginning for what people write themselves."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from opsrun.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


@click.group("new")
def new() -> None:
    """Write a beginning for a module of your own."""


@new.command("module")
@click.argument("name")
@click.option("--python", is_flag=True, help="A Python class, in place of sh with a header.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("."),
    metavar="DIR",
    help="The playbooks' directory; here, if not given.",
)
def module(name: str, python: bool, folder: Path) -> None:
    """Write library/NAME.sh and tests/test_NAME.py, which run as they are: a module to change.

    Playbooks in the same directory can call it at once; docs/modules.md has the tutorial.
    """
    from opsrun.modules.registry import known_names

    if not _NAME.match(name):
        raise UsageError(f"{name!r}: expected a name of small letters, digits and _")
    if name in known_names():
        raise UsageError(f"{name!r} is a module of opsrun's own: choose another name")
    suffix = "py" if python else "sh"
    made = {
        folder / "library" / f"{name}.{suffix}": _template(f"module.{suffix}", name),
        folder / "tests" / f"test_{name}.py": _template("test_module.py", name),
    }
    for path in made:
        if path.exists():
            raise UsageError(f"{path} is there already")
    for path, text in made.items():
        _write(path, text)
        click.echo(path)


def _template(file: str, name: str) -> str:
    text = (files("opsrun.cli") / "templates" / f"{file}.txt").read_text(encoding="utf-8")
    return text.replace("NAME", name).replace("FILE", f"tests/test_{name}.py")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
