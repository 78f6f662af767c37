"""What the programs that `opsrun compat` writes do: translate, run, and end as Ansible would."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import click

from opsrun import __version__
from opsrun.cli.main import main, warn
from opsrun.compat.adhoc import playbook_of, printed
from opsrun.compat.arguments import (
    VERSION,
    adhoc_words,
    inventory_words,
    parser_of,
    playbook_words,
    vault_environment,
)
from opsrun.compat.settings import Settings, config_file
from opsrun.compat.translation import (
    ERROR,
    FAILED,
    INTERRUPTED,
    OK,
    OPTIONS,
    PARSER,
    UNEXPECTED,
    UNREACHABLE,
    NotTranslated,
    Translation,
)
from opsrun.errors import (
    InputError,
    InventoryError,
    NotBuiltError,
    OpsrunError,
    PlaybookError,
    SinkClosed,
)
from opsrun.vault.vault import WhichSecret

_REFUSED = {
    "ansible-config": "opsrun has `opsrun config show` for its own settings, and no ansible-config",
    "ansible-doc": "opsrun has no ansible-doc",
}
_ENDED = {0: OK, 1: FAILED, 3: UNREACHABLE, 4: UNREACHABLE, 130: INTERRUPTED}
"""Ansible's statuses for those of ``opsrun playbook``."""
_NO_HOSTS = "/etc/ansible/hosts"


def run(program: str, words: Sequence[str]) -> int:
    """Do what ``program`` does when it is given ``words``.

    Returns:
        Ansible's exit status, see `opsrun.compat.translation`.
    """
    try:
        if "--version" in words:
            return _version(program)
        if program in _REFUSED:
            raise NotTranslated(f"{program}: {_REFUSED[program]}", ERROR)
        return _vault(words) if program == "ansible-vault" else _translated(program, words)
    except NotTranslated as error:
        warn(str(error))
        return error.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return UNEXPECTED
    except SystemExit as ended:
        # Of argparse: 0 after --help, 2 for what it can't read.
        return ended.code if isinstance(ended.code, int) else UNEXPECTED


def _translated(program: str, words: Sequence[str]) -> int:
    given = parser_of(program).parse_args(words)
    settings = _settings()
    if program == "ansible":
        return _adhoc(given, settings)
    translate = inventory_words if program == "ansible-inventory" else playbook_words
    made = translate(given, settings)
    if program == "ansible-playbook":
        _look_for(given.playbooks)
    if program == "ansible-inventory" and given.output:
        return _into(given.output, made)
    return _carried_out(made)


def _vault(words: Sequence[str]) -> int:
    """``opsrun vault`` has ansible-vault's options."""
    settings = _settings()
    os.environ.update(vault_environment(settings))
    return _status(["vault", *words], refused=FAILED)


def _settings() -> Settings:
    path = config_file(os.environ)
    if path is None:
        return Settings(os.environ)
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotTranslated(f"{path}: {error.strerror}", ERROR) from error
    return Settings(os.environ, text, path)


def _look_for(playbooks: Sequence[str]) -> None:
    for path in playbooks:
        if not os.path.exists(path):
            raise NotTranslated(f"the playbook: {path} could not be found", ERROR)


def _version(program: str) -> int:
    path = config_file(os.environ)
    lines = (
        f"{program} [core {VERSION}]",
        f"  config file = {os.path.abspath(path) if path else None}",
        "  configured module search path = []",
        f"  ansible python module location = {Path(__file__).resolve().parents[1]}",
        "  ansible collection location = ",
        f"  executable location = {Path(sys.argv[0]).resolve()}",
        f"  python version = {platform.python_version()} ({sys.executable})",
        f"  opsrun version = {__version__}",
    )
    # At once: `ansible --version | head -1` is what scripts write.
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return OK


def _into(path: str, made: Translation) -> int:
    buffer = io.StringIO()
    with redirect_stdout(buffer):
        status = _carried_out(made)
    if status == OK:
        Path(path).write_text(buffer.getvalue(), encoding="utf-8")
    return status


def _adhoc(given: Namespace, settings: Settings) -> int:
    with tempfile.TemporaryDirectory(prefix="opsrun-") as folder:
        path = os.path.join(folder, "adhoc.yml")
        made = adhoc_words(given, settings, path)
        Path(path).write_text(playbook_of(given), encoding="utf-8")
        if given.list_hosts:
            return _carried_out(made)
        buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with _standard_output(buffer):
            status = _carried_out(made)
        buffer.seek(0)
        for line in printed(_events(buffer), one_line=given.one_line):
            print(line)
        return status


@contextmanager
def _standard_output(stream: io.TextIOWrapper) -> Iterator[None]:
    """Let the run write into ``stream``: by a file, as outputs write to the descriptor itself."""
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        stream.buffer.write(file.read())


def _events(lines: io.TextIOWrapper) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        found = json.loads(line)
        if found["type"] == "notice" and found["level"] in ("warning", "error"):
            print(f"[WARNING]: {found['message']}", file=sys.stderr)
        yield found


def _carried_out(made: Translation) -> int:
    for remark in made.remarks:
        warn(f"warning: {remark}")
    os.environ.update(made.environment)
    words = list(made.words)
    if "-i" not in words:
        words += ["-i", _NO_HOSTS if os.path.exists(_NO_HOSTS) else os.devnull]
    # The defaults of opsrun's own users are not those of Ansible's.
    os.environ.pop("OPSRUN_INVENTORY", None)
    os.environ["OPSRUN_ANSIBLE_CFG"] = "no"
    return _status(words)


def _status(words: Sequence[str], refused: int = OPTIONS) -> int:
    try:
        ended = main.main(args=list(words), prog_name="opsrun", standalone_mode=False)
        return _ENDED.get(ended if isinstance(ended, int) else 0, ERROR)
    except click.exceptions.Exit as exit_:
        return _ENDED.get(exit_.exit_code, ERROR)
    except click.ClickException as error:
        error.show()
        return refused
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (SinkClosed, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return UNEXPECTED
    except (OpsrunError, OSError) as error:
        print(f"ERROR! {_told(error)}", file=sys.stderr)
        return _status_of(error)


def _told(error: Exception) -> str:
    """What is wrong comes first, as Ansible says it; then where."""
    if not isinstance(error, InputError) or error.path is None:
        return str(error)
    place = str(error).replace(f": {error.message}", "", 1)
    return f"{error.message}\n\n{place}"


def _status_of(error: Exception) -> int:
    """Ansible's status for an error before the first host was reached."""
    if isinstance(error, InputError) and error.sealed:
        return ERROR
    if isinstance(error, PlaybookError):
        return PARSER
    if isinstance(error, NotBuiltError):
        return OPTIONS
    return OPTIONS if isinstance(error, (InventoryError, WhichSecret)) else ERROR
