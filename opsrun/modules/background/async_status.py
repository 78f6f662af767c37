"""async_status: what became of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.background.job import FOLDER, PROGRAM, is_id, marks
from opsrun.modules.background.scripts import LOOK, REMOVE
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.outcome import lines_of
from opsrun.modules.own.program import Program
from opsrun.modules.registry import find
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.command import CommandResult

MOST = 10 * 1024 * 1024
"""Bytes of each stream of a job that are read; as much as of any command."""
_ROOM = 4096

_UNKNOWN = {
    "gone": "what watched over the job was ended before the job was: how it ended is not known",
    "rebooted": "the host was started anew before the job had ended: what it did is not known",
    "orphan": "what watched over the job was ended; process {pid} of it still runs, and how it "
    "ends will not be known",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host shows of a job."""

    state: str
    """``none running ended late``, or a key of what is not known."""
    rc: int | None = None
    folder: str = ""
    recipe: bytes = b""
    out: bytes = b""
    err: bytes = b""
    truncated: bool = False

    @classmethod
    def read(cls, answer: CommandResult) -> Seen:
        """From what `LOOK` printed. ModuleError: it is not that."""
        head, _, rest = answer.stdout.partition(b"\n")
        folder, _, rest = rest.partition(b"\n")
        words = text_of(head).split(" ")
        try:
            state, rc, sizes = words[0], words[1], [int(each) for each in words[2:]]
            recipe, out, err, cut = sizes
        except (ValueError, IndexError):
            raise ModuleError.of(answer, "the job can't be looked at") from None
        if not answer.ok or len(rest) != recipe + out + err:
            raise ModuleError.of(answer, "the job can't be read whole")
        parts = rest[:recipe], rest[recipe : recipe + out], rest[recipe + out :]
        status = int(rc) if rc.isdigit() else None
        return cls(state, status, text_of(folder), *parts, truncated=bool(cut))


@module("async_status")
class AsyncStatus(Module):
    """Tell what became of a job that a task with ``async`` left to its host."""

    jid: str = option(required=True, doc="The job, as ansible_job_id of the task's result says.")
    mode: str = option(
        "status", choices=("status", "cleanup"), doc="Whether to look, or to remove what is kept."
    )
    folder: str = option(FOLDER, name="_async_dir", kind="path", doc="Where jobs are kept.")

    def steps(self, context: Context) -> Steps:
        """See `Module.steps`."""
        if not is_id(self.jid):
            raise ModuleError(f"{self.jid!r:.200} is no job's id", ansible_job_id=self.jid)
        where = f"b={path_word(self.folder)}\ni={word(self.jid)}\n"
        script = f"{where}most={MOST}\n{LOOK}"
        answer = yield Run(script, effect="reads", cap=2 * MOST + 1024 * _ROOM)
        seen = Seen.read(answer)
        if seen.state == "none":
            keys = marks(self.jid, seen.folder, finished=True)
            raise ModuleError("could not find job", **keys, **lines_of("", ""))
        if self.mode == "status":
            return told(seen, self.jid)
        return (yield from self._cleaned(where, seen, context))

    def _cleaned(self, where: str, seen: Seen, context: Context) -> Steps:
        if not context.check:
            answer = yield Run(f"{where}{REMOVE}", effect="changes")
            if answer.stdout.strip() not in (b"gone", b"none"):
                raise ModuleError.of(answer, "the job can't be removed")
        keys = {"ansible_job_id": self.jid, "started": 0, "finished": 0}
        return ModuleResult(data={**keys, "erased": seen.folder, **lines_of("", "")})


def told(seen: Seen, jid: str) -> ModuleResult:
    """A job's own result, or why there is none (yet)."""
    keys = marks(jid, seen.folder, finished=seen.state != "running")
    if seen.state == "running":
        return ModuleResult(data={**keys, **lines_of("", "")})
    recipe = _recipe(seen.recipe)
    result = _concluded(recipe, seen) if seen.state == "ended" else _unfinished(seen, recipe)
    found = result.to_dict()
    streams = {name: value for name, value in lines_of("", "").items() if name not in found}
    return ModuleResult.from_dict({**streams, **found, **keys})


def _recipe(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModuleError("what is kept of the job can't be read: how it ended is not known")
    return found


def _unfinished(seen: Seen, recipe: Mapping[str, Any]) -> ModuleResult:
    if seen.state == "late":
        words = f"the job was ended: it had not come to its end within {recipe.get('limit')} s"
    else:
        words = _UNKNOWN.get(seen.state, "how the job ended is not known").format(pid=seen.rc)
    streams = lines_of(text_of(_without_marks(seen.out, recipe.get("mark"))), text_of(seen.err))
    return ModuleResult(failed=True, msg=words, data=streams)


def _without_marks(output: bytes, mark: Any) -> bytes:
    """What a command wrote so far, without what is ours around it."""
    if not isinstance(mark, str) or not output.startswith(mark.encode()):
        return output
    _, _, rest = output.partition(b"\n")
    return rest.partition(b"\n" + mark.encode() + b" ")[0]


def _concluded(recipe: Mapping[str, Any], seen: Seen) -> ModuleResult:
    status = seen.rc if seen.rc is not None else 255
    answer = CommandResult(status, None, seen.out, seen.err, seen.truncated)
    try:
        if PROGRAM in recipe:
            return Program.concluded(recipe, answer)
        if "module" not in recipe:
            if not answer.ok:
                raise ModuleError.of(answer)
            return ModuleResult.from_dict(recipe["result"])
        kind = find(str(recipe.get("module")))
        if kind is None:
            raise ModuleError(f"the job is of a module {recipe.get('module')!r:.80}, unknown here")
        return kind.concluded(recipe, answer)
    except ModuleError as error:
        return error.result()
    except (KeyError, TypeError, ValueError) as error:
        return ModuleResult(failed=True, msg=f"what is kept of the job can't be used: {error!r}")
