"""What is told of a working copy once all is done."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from opsrun.modules.base import Diff, ModuleResult
from opsrun.modules.git.looks import raise_stop
from opsrun.modules.looking import Answers
from opsrun.remote.command import CommandResult


def told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    """A plan's result, with what the host came to. ModuleError: it stopped."""
    answers = Answers(answer)
    raise_stop(answers)
    after = answers.text("after")
    data = {**result.data, "after": after} if after else dict(result.data)
    if answers.text("diff"):
        result = replace(result, diff=(Diff(prepared=f"{answers.text('diff')}\n", alone=True),))
    changed = result.changed
    if answers.get("submodules") is not None:
        changed = data["submodules_changed"] = True
    return replace(result, changed=changed or data["before"] != data["after"], data=data)


def without_password(url: str) -> str:
    """An address as it may be shown."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
    except ValueError:
        return url
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:********@{place}").geturl()
