"""A program that is not there, answering as the real one did: each call once, in its order.

A call is a mapping: ``args`` (``TEMP`` is any path), what it printed to ``out`` and ``err``,
its ``rc``, and ``file``, what a file of its held behind it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Call = Mapping[str, Any]


def stand_in(program: Path, calls: Sequence[Call], file: Path | None = None) -> None:
    """Make the program anew; `strayed` tells whether it was called otherwise.

    Args:
        program: its path, beside which it notes what it was asked.
        calls: in their order.
        file: what ``file`` of a call is the content of.
    """
    for each in program.parent.glob(f"{program.name}.*"):
        each.unlink()
    program.write_text("".join(_script(program, calls, file)))
    program.chmod(0o755)


def strayed(program: Path, calls: Sequence[Call]) -> list[str]:
    """Calls that were not recorded, and recorded ones that were not made."""
    asked = Path(f"{program}.strange")
    strange = asked.read_text().splitlines() if asked.exists() else []
    missed = [
        call["args"]
        for number, call in enumerate(calls)
        if not Path(f"{program}.{number}").exists()
    ]
    return [*(f"asked: {each}" for each in strange), *(f"not asked: {each}" for each in missed)]


def _script(program: Path, calls: Sequence[Call], file: Path | None) -> Iterator[str]:
    yield "#!/bin/sh\ncase $* in\n"
    patterns: dict[str, list[int]] = {}
    for number, call in enumerate(calls):
        patterns.setdefault(call["args"], []).append(number)
    for args, numbers in patterns.items():
        yield f"{'*'.join(map(shlex.quote, args.split('TEMP')))})\n"
        for number in numbers:
            mark = shlex.quote(f"{program}.{number}")
            yield f"if [ ! -e {mark} ]; then\n: >{mark}\n{_answer(calls[number], file)}fi\n"
        yield ";;\n"
    strange = shlex.quote(f"{program}.strange")
    yield f"esac\nprintf '%s\\n' \"$*\" >>{strange}\necho 'never recorded' >&2\nexit 99\n"


def _answer(call: Call, file: Path | None) -> str:
    lines = []
    for name, to in (("out", ""), ("err", " >&2")):
        if call.get(name):
            lines.append(f"printf '%s' {shlex.quote(call[name])}{to}\n")
    if file is not None and "file" in call:
        lines.append(f"printf '%s' {shlex.quote(call['file'])} >{shlex.quote(str(file))}\n")
    return "".join([*lines, f"exit {call.get('rc', 0)}\n"])
