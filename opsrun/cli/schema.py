"""``opsrun schema``: JSON Schema for editors."""

from __future__ import annotations

import json

import click


class _Kind(click.ParamType[str]):
    """A kind of file; which there are is known where schemas are made."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See `click.ParamType`."""
        from opsrun.errors import did_you_mean
        from opsrun.schema import KINDS

        if value not in KINDS:
            hint = did_you_mean(value, KINDS)
            self.fail(f"{value!r} is none of {', '.join(KINDS)}{hint}", param, ctx)
        return value


@click.command("schema")
@click.argument("kind", type=_Kind(), default="playbook", metavar="[KIND]")
@click.option(
    "--output",
    "path",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE",
    help="Write it there in place of standard output.",
)
def schema(kind: str, path: str | None) -> None:
    """Print JSON Schema (draft 7) of a KIND of file, for editors.

    Kinds: playbook (default), tasks, handlers, vars, meta, argument-specs, requirements, inventory.
    """
    from opsrun.schema import schema as made

    text = json.dumps(made(kind), indent=1, ensure_ascii=False)
    if path is None:
        click.echo(text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
