"""A module's job is handed to its host."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from opsrun.modules.background.job import Job, marks, whole_seconds
from opsrun.modules.background.scripts import KEEPER, LAUNCH
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word


@dataclass(frozen=True)
class Launch(Module):
    """Do what has to be seen to by us, and leave the rest to the host.

    The result says how the job is called; what it comes to is `AsyncStatus`'s.
    """

    module: Module
    jid: str
    folder: str
    """Of all jobs, as the host's shell is to read it."""
    limit: float
    """Seconds that the job may take; seen to by the host."""

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`."""
        job = yield from self.module.background(context)
        request = job.request or Run("")
        answer = yield replace(
            request, script="".join(self._script(job)), effect="changes", apart=False, timeout=None
        )
        said, _, words = text_of(answer.stdout).rstrip("\n").partition(" ")
        if said == "no":
            raise ModuleError(words)
        if said != "up" or not answer.ok:
            raise ModuleError.of(answer, "the job was not started")
        return ModuleResult(changed=True, data=marks(self.jid, words, finished=False))

    def _script(self, job: Job) -> Iterator[str]:
        limit = whole_seconds(self.limit)
        recipe = {**job.recipe, "limit": limit, "jid": self.jid}
        yield f"b={path_word(self.folder)}\ni={word(self.jid)}\nl={limit}\n"
        yield f"done={'y' if job.request is None else ''}\n"
        yield "put() {\n"
        yield from _file("recipe", json.dumps(recipe))
        if job.request is not None:
            yield " &&\n"
            yield from _file("script", job.request.script)
            yield " &&\n"
            yield from _file("keep", KEEPER)
        yield "\n}\n"
        yield LAUNCH


def _file(name: str, text: str) -> Iterator[str]:
    """Lines that write a file: no argument could be as long as a script may be."""
    end = f"END{secrets.token_hex(8)}"
    yield f"{{ cat >\"$j/{name}\" <<'{end}'\n{text}\n{end}\n}}"
