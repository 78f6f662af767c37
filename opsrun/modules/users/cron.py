"""cron: jobs and variables of crontabs."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wish
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing
from opsrun.modules.users.crontab import Crontab
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import path_bytes, path_of, word
from opsrun.remote.command import CommandResult

_NONE_YET = re.compile(r"no crontab|No such file or directory|can't open", re.IGNORECASE)
_NAME = re.compile(r"[^\s=]+\Z")
_SYSTEMS = "/etc/crontab"
_TIMES = ("minute", "hour", "day", "month", "weekday")

# The text may hold any bytes but NUL.
_LIST = r"""
has crontab || lack crontab
say backup "${TMPDIR:-/tmp}/crontab$$.$(date +%s)"
e=$(crontab $of -l 2>&1 >/dev/null </dev/null)
rc=$?
say rc "$rc" stderr "$e"
if [ "$rc" -eq 0 ]; then
  x=$(crontab $of -l 2>/dev/null </dev/null && echo x) || exit
  say text "${x%x}"
fi
"""

_INSTALL = r"""
old=$(crontab $of -l 2>/dev/null </dev/null; echo x)
old=${old%x}
s=$(printf '%s' "$old" | { sha1sum || openssl dgst -sha1 -r || shasum; } 2>/dev/null)
s=${s%%[!0-9a-f]*}
if [ -n "$s" ] && [ "$s" != "$sum" ]; then
  echo 'the crontab has changed since it was read: nothing was written' >&2
  exit 1
fi
if [ -n "$backup" ]; then
  (set -C && crontab $of -l >"$backup" 2>/dev/null </dev/null) || : >>"$backup" || exit
fi
crontab $of - || exit
"""


_REMOVE = r"""
if [ -n "$backup" ]; then cp -p -- "$f" "$backup" || exit; fi
digested sha1 "$f"
s=$x
if [ -n "$s" ] && [ "$s" != "$sum" ]; then
  echo "$f has changed since it was read: nothing was removed" >&2
  exit 1
fi
rm -f -- "$f" || exit
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A crontab as it is."""

    raw: bytes
    backup: str
    """Where a copy would be kept."""
    file: Text | None = None
    """A file of its own; None for a user's."""


@module("cron")
class Cron(StateModule[Found]):
    """See to it that a crontab has a job or a variable, or has it not."""

    ahead = True

    called: str = option(
        required=True, name="name", doc="What the job is known by, or the variable's name."
    )
    job: str | None = option(aliases=("value",), doc="The command, or the variable's value.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    minute: str = option("*", doc="0-59, ``*``, ``*/2`` …")
    hour: str = option("*", doc="0-23, ``*``, ``*/2`` …")
    day: str = option("*", aliases=("dom",), doc="Day of the month, 1-31, ``*``, ``*/2`` …")
    month: str = option("*", doc="1-12, ``*``, ``*/2`` …")
    weekday: str = option("*", aliases=("dow",), doc="0-6 from Sunday on, ``*`` …")
    special_time: str | None = option(
        choices=("annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"),
        doc="A name for when, in place of the times.",
    )
    disabled: bool = option(False, doc="Whether the job stands there as a remark only.")
    user: str | None = option(doc="Whose crontab; in a file, as whom the job runs.")
    cron_file: str | None = option(
        kind="path", doc="A file in place of a user's crontab; below /etc/cron.d as a name."
    )
    env: bool = option(False, doc="Whether it is a variable.")
    insertafter: str | None = option(doc="The variable that a new one stands behind.")
    insertbefore: str | None = option(doc="The variable that a new one stands before.")
    backup: bool = option(False, doc="Whether the old crontab is kept.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Found]:
        """The crontab's text."""
        self._check()
        if self.cron_file:
            path = self.cron_file
            if not path.startswith(("/", "~", "$")):
                path = f"/etc/cron.d/{path}"
            script = f"{read_script(path, Wish())}"
            return Inspection(script, self._of_file)
        script = f"{LOOK}{TOOLS}{self._whose()}{_LIST}"
        return Inspection(script, lambda answer: self._of_user(answer, context))

    def _check(self) -> None:
        special = self.special_time is not None
        if special and any(getattr(self, each) != "*" for each in _TIMES):
            raise ModuleError("special_time stands in place of minute, hour and so on")
        if self.env and not _NAME.match(self.called):
            raise ModuleError(f"{self.called!r} can't be the name of a variable")
        if self.insertafter and self.insertbefore:
            raise ModuleError("insertafter and insertbefore exclude each other")
        if (self.insertafter or self.insertbefore) and not self.env:
            raise ModuleError("insertafter and insertbefore are for variables: set env")
        if any("\n" in each or "\0" in each for each in (self.called, self.job or "")):
            raise ModuleError("a line of a crontab can't hold a line break")
        if self.state != "present":
            return
        if self.job is None:
            raise ModuleError("state is present but any of the following are missing: job")
        if self.cron_file and not self.user and not self.env:
            raise ModuleError("a job in a cron_file needs user: as whom it runs")

    def _whose(self) -> str:
        if not self.user:
            return "of=\n"
        # Nobody but root may say whose; everybody has his own.
        name = word(self.user)
        return f'of="-u {self._plain_user()}"\nif [ "$(id -un)" = {name} ]; then of=; fi\n'

    def _plain_user(self) -> str:
        assert self.user is not None
        if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.@$+-]*", self.user):
            raise ModuleError(f"{self.user!r} can't be the name of a user")
        return self.user.replace("$", "\\$")

    def _of_user(self, answer: CommandResult, context: Context) -> Found:
        answers = Answers(answer)
        words = answers.text("stderr").strip()
        # In check mode, an earlier task may be about to make the user.
        if answers.number("rc") != 0 and not _NONE_YET.search(words) and not context.check:
            raise ModuleError(words or "crontab -l failed")
        return Found(path_bytes(answers.text("text")), answers.text("backup"))

    def _of_file(self, answer: CommandResult) -> Found:
        text = parse_read(answer, Wish(), check=True)
        if _SYSTEMS in (os.path.normpath(text.path), text.real):
            raise ModuleError(f"Will not manage {_SYSTEMS} via cron_file: it is the system's own")
        return Found(text.content, f"/tmp/crontab.{text.answers.text('stamp')}", text)

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """Edit the text, and put it back whole."""
        before = Crontab.read(path_of(state.raw))
        after = self._edited(before)
        data: dict[str, Any] = {"jobs": after.jobs, "envs": after.variables}
        if self.cron_file:
            data["cron_file"] = self.cron_file
        idle = after.lines == before.lines
        if idle and (before.ended or self.state == "absent"):
            return Plan(result=ModuleResult(data=data))
        gone = self.state == "absent" and not self.env
        empty = state.file is not None and gone and not after.text.strip()
        diff = self._diff(state, before.text, "" if empty else after.text, context)
        kept = ""
        if self.backup and not context.check:
            kept = data["backup_file"] = state.backup
        content = path_bytes(after.text)
        if state.file is not None and empty:
            told = {"cron_file": self.cron_file, "state": "absent"}
            told |= {"backup_file": kept} if kept else {}
            script = _removal(state.file, kept)
            return Plan((Run(script),), ModuleResult(True, data=told, diff=diff))
        if state.file is not None:
            script = Writing(state.file, content, kept if state.raw else "").script()
        else:
            script = self._install(state, kept)
        result = ModuleResult(True, data=data, diff=diff)
        if state.file is not None and kept and not state.raw:
            result = replace(result, data={k: v for k, v in data.items() if k != "backup_file"})
        return Plan((Run(script, content),), result)

    def _diff(self, state: Found, before: str, after: str, context: Context) -> tuple[Diff, ...]:
        if not context.diff:
            return ()
        if state.file is None:
            return (Diff(before, after, "crontab", "crontab", alone=True),)
        path = state.file.path
        return (Diff(before, after, path, path if after or self.env else os.devnull, alone=True),)

    def _install(self, state: Found, kept: str) -> str:
        digest = hashlib.sha1(state.raw).hexdigest()
        return f"{self._whose()}backup={word(kept)}\nsum={digest}\n{_INSTALL}"

    def _edited(self, before: Crontab) -> Crontab:
        if self.env and self.state == "absent":
            return before.without_variable(self.called)
        if self.env:
            assert self.job is not None
            after, ahead = self.insertafter, self.insertbefore
            return before.with_variable(self.called, self.job, after, ahead)
        if self.state == "absent":
            return before.without_job(self.called)
        return before.with_job(self.called, self._line())

    def _line(self) -> str:
        when = " ".join(str(getattr(self, each)) for each in _TIMES)
        if self.special_time:
            when = f"@{self.special_time}"
        whose = f" {self.user}" if self.cron_file else ""
        return f"{'#' if self.disabled else ''}{when}{whose} {self.job}"


def _removal(text: Text, kept: str) -> str:
    """What takes away a file that has nothing left in it; of a link, what it leads to stays."""
    digest = hashlib.sha1(text.content).hexdigest()
    names = f"f={word(text.path)}\nbackup={word(kept)}\n"
    return f"{LOOK}{names}sum={digest}\n{_REMOVE}"
