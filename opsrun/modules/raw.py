"""raw: words for the login shell, with nothing of ours around them."""

from __future__ import annotations

import shlex

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.requests import Run
from opsrun.modules.wording import text_of


@module("raw", free_form="_raw_params")
class Raw(Module):
    """Send words as they are: for devices without a POSIX shell, and hosts without anything."""

    stays = True

    raw = True
    checks = False

    cmd: str | None = option(name="_raw_params", doc="The words.")
    executable: str | None = option(doc="The shell that is to read them, given as ``-c``.")

    def steps(self, context: Context) -> Steps:
        """One channel."""
        words = self.cmd or ""
        if not words.strip():
            raise ModuleError("no command given")
        if self.executable:
            words = f"{self.executable} -c {shlex.quote(words)}"
        answer = yield Run(words)
        rc = answer.rc if answer.rc is not None else 0 if answer.no_exit_status else 255
        return ModuleResult(
            changed=True,
            failed=rc != 0,
            msg="non-zero return code" if rc else None,
            data={"rc": rc, **lines_of(text_of(answer.stdout), text_of(answer.stderr))},
        )
