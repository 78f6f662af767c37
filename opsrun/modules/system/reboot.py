"""reboot: the host is started anew, and has been seen to be.

A broken connection proves nothing, and neither does a login: what the host shows of its start (see
`opsrun.remote.boot`) has to be another than before. Where it shows nothing of the kind, it has to
have been away in between.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from opsrun.errors import AuthenticationFailed, CommandTimeout, ConnectionFailed, ConnectionLost
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.requests import Reconnect, Request, Run, Sleep
from opsrun.modules.wording import path_word, text_of, word
from opsrun.remote.boot import ASK, Boot
from opsrun.remote.command import CommandResult

AWAY = (AuthenticationFailed, CommandTimeout, ConnectionFailed, ConnectionLost)
"""What is raised of a host on its way down or up: it let us in before, with the same."""

_FIND = r"""
find_it() {
  for d in $paths; do
    if [ -f "$d/$1" ] && [ -x "$d/$1" ]; then
      c=$d/$1
      return 0
    fi
  done
  return 1
}
none() {
  echo "there is no $1 on this host in any of: $paths" >&2
  exit 127
}
"""
"""Wants ``paths``, split at spaces and newlines as ``IFS`` says; leaves what it found in ``c``."""

_SHUTDOWN = r"""
case $(uname) in
  FreeBSD | DragonFly)
    find_it shutdown || none shutdown
    set -- -r "+${seconds}s" "$msg"
    ;;
  SunOS)
    find_it shutdown || none shutdown
    set -- -y -g "$seconds" -i 6 "$msg"
    ;;
  Linux)
    if find_it shutdown; then
      set -- -r "+$((seconds / 60))" "$msg"
      [ "$seconds" -ge 60 ] || set -- -r now "$msg"
    elif find_it reboot; then
      set --
      sleep "$seconds"
    else
      none shutdown
    fi
    ;;
  *)
    find_it shutdown || none shutdown
    set -- -r "+$((seconds / 60))" "$msg"
    ;;
esac
"$c" "$@" </dev/null
"""
_NOTE_BEFORE = "a host that shows no boot id, and has not been seen to go away"
_PAUSE = 1.0
"""Seconds between attempts."""
_ATTEMPT = 10
"""Seconds that one may take, where nothing is said."""


@dataclass(slots=True)
class _Way:
    """How far the host has got."""

    began: float = field(default_factory=time.monotonic)
    before: Boot | str | None = None
    gone: bool = False
    last: str = ""

    @property
    def elapsed(self) -> int:
        return int(time.monotonic() - self.began)


@module("reboot")
class Reboot(Module):
    """Start the host anew, and wait until it is up and runs commands."""

    stays = True

    reboot_timeout: int = option(
        600, aliases=("reboot_timeout_sec",), doc="Seconds until it is up, and again until ready."
    )
    pre_reboot_delay: int = option(
        0,
        aliases=("pre_reboot_delay_sec",),
        doc="Seconds that the host waits before; whole minutes, but on FreeBSD and Solaris.",
    )
    post_reboot_delay: int = option(
        0, aliases=("post_reboot_delay_sec",), doc="Seconds before it is looked for."
    )
    connect_timeout: int | None = option(
        aliases=("connect_timeout_sec",), doc="Seconds that one attempt to log in may take."
    )
    test_command: str = option("whoami", doc="What has to succeed before anything goes on.")
    msg: str = option("Reboot initiated by opsrun", doc="What users that are logged in are told.")
    boot_time_command: str | None = option(
        doc="Prints something else after each start; by default the host's boot id is asked for."
    )
    reboot_command: str | None = option(
        doc="What starts the host anew, with its arguments, in place of shutdown; its delays and "
        "msg don't count then."
    )
    search_paths: list[str] = option(
        ("/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"),
        elements="str",
        doc="Where that program is looked for.",
    )

    def steps(self, context: Context) -> Steps:
        """Down, up, ready."""
        if context.here:
            words = "this would reboot the machine that opsrun runs on: nothing was done"
            return ModuleResult(failed=True, msg=words, data={"elapsed": 0, "rebooted": False})
        if context.check:
            return ModuleResult(True, data={"elapsed": 0, "rebooted": True})
        way = _Way()
        way.before = self._boot((yield Run(self._asking, effect="reads")))
        try:
            yield from self._down(way)
            yield from self._up(way)
        except ModuleError as error:
            data = {**error.data, "elapsed": way.elapsed, "rebooted": False}
            return ModuleResult(failed=True, msg=error.msg, data=data)
        try:
            yield from self._ready(way)
        except ModuleError as error:
            data = {"elapsed": way.elapsed, "rebooted": True}
            return ModuleResult(True, failed=True, msg=error.msg, data=data)
        return ModuleResult(True, data={"elapsed": way.elapsed, "rebooted": True})

    @property
    def _asking(self) -> str:
        asked = self.boot_time_command
        return f"{ASK.replace('cat ', 'cat 2>/dev/null ', 1)}\n" if asked is None else f"{asked}\n"

    def _boot(self, answer: CommandResult) -> Boot | str | None:
        text = text_of(answer.stdout).strip()
        if self.boot_time_command is None:
            return Boot.parse(text)
        if not answer.ok:
            raise ModuleError.of(answer, f"boot_time_command: {self.boot_time_command}")
        return text

    @property
    def _patience(self) -> float:
        return float(self.connect_timeout or _ATTEMPT)

    def _down(self, way: _Way) -> Generator[Request, Any, None]:
        try:
            answer = yield Run(self._script(), apart=True, away=True)
        except AWAY as error:
            way.gone, way.last = True, error.message
            return
        if not answer.ok and answer.signal is None:
            raise ModuleError.of(answer, "the command to reboot failed")

    def _script(self) -> str:
        paths = "\n".join(self.search_paths)
        head = f"IFS='\n'\nset -f\npaths={word(paths)}\n{_FIND}"
        if self.reboot_command is None:
            seconds = max(0, self.pre_reboot_delay)
            return f"{head}seconds={seconds} msg={word(self.msg)}\n{_SHUTDOWN}"
        program, _, arguments = self.reboot_command.strip().partition(" ")
        if program.startswith("/"):
            return f"{self.reboot_command} </dev/null\n"
        found = f"find_it {path_word(program)} || none {word(program)}\n"
        return f'{head}{found}unset IFS\nset +f\n"$c" {arguments} </dev/null\n'

    def _up(self, way: _Way) -> Generator[Request, Any, None]:
        if self.reboot_command is None and self.post_reboot_delay > 0:
            yield Sleep(float(self.post_reboot_delay))
        ends = time.monotonic() + self.reboot_timeout
        while True:
            try:
                yield Reconnect(timeout=0.0, attempt_timeout=self._patience)
                answer = yield Run(self._asking, effect="reads", timeout=self._patience, away=True)
            except AWAY as error:
                way.gone, way.last = True, error.message
            else:
                if self._is_another(answer, way):
                    return
            if time.monotonic() + _PAUSE >= ends:
                raise ModuleError(f"not rebooted within {self.reboot_timeout} s: {way.last}")
            yield Sleep(_PAUSE)

    def _is_another(self, answer: CommandResult, way: _Way) -> bool:
        before = way.before
        if before is None:
            way.last = f"still up: {_NOTE_BEFORE}"
            return way.gone
        try:
            after = self._boot(answer)
        except ModuleError as error:
            way.last = error.msg
            return False
        way.last = "still up: it was not started anew since the command"
        if isinstance(before, Boot):
            return isinstance(after, Boot) and after.is_another(before)
        return bool(after) and after != before

    def _ready(self, way: _Way) -> Generator[Request, Any, None]:
        ends = time.monotonic() + self.reboot_timeout
        while True:
            try:
                answer = yield Run(
                    f"{self.test_command} </dev/null\n", effect="reads", environment=True, away=True
                )
                if answer.ok:
                    return
                way.last = ModuleError.of(answer, self.test_command).msg
            except AWAY as error:
                way.last = error.message
            if time.monotonic() + _PAUSE >= ends:
                words = f"test_command did not succeed within {self.reboot_timeout} s"
                raise ModuleError(f"it was rebooted, and {words}: {way.last}")
            yield Sleep(_PAUSE)
