"""slurp: a file of the host, as base64."""

from __future__ import annotations

import base64
from dataclasses import replace

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word

LIMIT = 64 * 1024 * 1024
"""Bytes of a file that still goes into a variable."""

_MARK = b"content\0\0"


@module("slurp")
class Slurp(Module):
    """Read a file of the host into the result."""

    ahead = True

    src: str = option(required=True, kind="path", aliases=("path",), doc="Which one.")

    def steps(self, context: Context) -> Steps:
        """One script: what is there, and behind it the bytes."""
        script = (
            f'{LOOK}p={path_word(self.src)}\nat src "$p" -L\nsay content ""\n'
            'if [ -f "$p" ] || [ -c "$p" ]; then cat <"$p"; fi\n'
        )
        answer = yield Run(script, effect="reads", cap=LIMIT)
        if answer.truncated:
            raise ModuleError(f"{self.src} has more than {LIMIT >> 20} MiB")
        head, found, content = answer.stdout.partition(_MARK)
        if not found:
            raise ModuleError.of(answer)
        try:
            seen = Answers(replace(answer, stdout=head, rc=0)).seen("src")
        except ModuleError as error:
            raise _refused(self.src, error.msg) from error
        if not seen.exists:
            raise ModuleError(f"file not found: {seen.path}")
        if seen.is_dir:
            raise ModuleError(f"source is a directory and must be a file: {seen.path}")
        if not answer.ok:
            raise _refused(seen.path, ModuleError.of(answer).msg)
        text = base64.b64encode(content).decode("ascii")
        return ModuleResult(data={"content": text, "source": seen.path, "encoding": "base64"})


def _refused(path: str, words: str) -> ModuleError:
    """With the host's words behind what playbooks look for."""
    if "permission denied" in words.lower():
        return ModuleError(f"file is not readable: {path}: {words}")
    return ModuleError(f"unable to slurp file: {words}")
