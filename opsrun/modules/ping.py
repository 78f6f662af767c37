"""ping: whether a host can be reached and runs a shell."""

from __future__ import annotations

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run


@module("ping")
class Ping(Module):
    """Log in, run a shell, and answer ``pong``."""

    ahead = True

    data: str = option("pong", doc="What to answer; ``crash`` fails on purpose.")

    def steps(self, context: Context) -> Steps:
        answer = yield Run("echo here", effect="reads")
        if answer.stdout != b"here\n":
            raise ModuleError.of(answer, "the shell does not answer")
        if self.data == "crash":
            raise ModuleError("boom", module_stdout="", module_stderr="Exception: boom\n", rc=1)
        return ModuleResult(data={"ping": self.data})
