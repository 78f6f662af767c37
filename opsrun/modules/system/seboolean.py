"""seboolean: a switch of SELinux's policy, now and for good.

The kernel shows each in selinuxfs, see booleans(8); what outlasts the next start stands in the
policy's store, which setsebool(8) writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
name=NAME
type=$(sed -n 's/^[[:space:]]*SELINUXTYPE=[[:space:]]*//p' /etc/selinux/config 2>/dev/null)
type=${type%%[[:space:]]*}
# Names that a policy has given up lead to others.
while read -r old new; do
  if [ "$old" = "$name" ]; then name=$new; break; fi
done 2>/dev/null <"/etc/selinux/$type/booleans.subs_dist"
for d in /sys/fs/selinux /selinux; do
  if [ -e "$d/enforce" ]; then
    say enabled y
    if [ -f "$d/booleans/$name" ]; then say now "$(cat "$d/booleans/$name")"; fi
    break
  fi
done
command -v setsebool >/dev/null || say none y
"""
_STORE = r"""
for d in "/var/lib/selinux/$type/active" "/etc/selinux/$type/active" \
  "/etc/selinux/$type/modules/active"; do
  if [ -n "$type" ] && [ -d "$d" ]; then
    say store "$d"
    b=$(sed -n "s/^[[:space:]]*${name}[[:space:]]*=[[:space:]]*//p" "$d/booleans.local" 2>/dev/null)
    if [ -z "$b" ]; then
      for f in "$d"/modules/*/*/cil; do
        if [ -f "$f" ]; then
          b=$({ bzip2 -dc "$f" 2>/dev/null || cat "$f"; } |
            sed -n "s/^[[:space:]]*(boolean $name \([a-z]*\)).*/\1/p")
          [ -z "$b" ] || break
        fi
      done
    fi
    say later "$b"
    break
  fi
done
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name = values.get("called")
    if isinstance(name, str) and "{{" not in name and not _NAME.match(name):
        yield "name", f"{name!r} is no name of a boolean, as httpd_can_network_connect is one"


@dataclass(frozen=True, slots=True)
class SebooleanSeen:
    """A boolean; None where nothing is known of it."""

    enabled: bool
    now: bool | None
    """In the kernel."""
    later: bool | None
    """In the policy's store."""
    store: bool
    """There is such a store."""
    tool: bool
    """There is a setsebool(8)."""


@module("ansible.posix.seboolean", judged=_judged)
class Seboolean(StateModule[SebooleanSeen]):
    """Turn a boolean of SELinux's on or off."""

    called: str = option(required=True, name="name", doc="The boolean.")
    state: bool = option(required=True, doc="Whether it is on.")
    persistent: bool = option(False, doc="Whether it is at the next start, too.")
    ignore_selinux_state: bool = option(
        False, doc="Whether a host without SELinux in its kernel is let by, as an image is."
    )

    def inspect(self, context: Context) -> Inspection[SebooleanSeen]:
        """The kernel's value; where that counts, the store's."""

        def parse(answer: CommandResult) -> SebooleanSeen:
            answers = Answers(answer)
            return SebooleanSeen(
                answers.get("enabled") is not None,
                _truth(answers.text("now")),
                _truth(answers.text("later")),
                answers.get("store") is not None,
                answers.get("none") is None,
            )

        script = LOOK + _LOOK.replace("NAME", word(self.called))
        return Inspection(script + (_STORE if self.persistent else ""), parse)

    def plan(self, state: SebooleanSeen, context: Context) -> Plan:
        """Set it where it is another one."""
        data = {"name": self.called, "persistent": self.persistent, "state": self.state}
        if not state.enabled and not self.ignore_selinux_state:
            raise ModuleError("SELinux is disabled on this host", **data)
        if state.enabled and state.now is None:
            raise ModuleError(f"this host's policy has no boolean {self.called}", **data)
        if self.persistent and not state.store:
            raise ModuleError("no policy is kept on this host that could remember it", **data)
        stays = not self.persistent or state.later is self.state
        if stays and (state.now is self.state or not state.enabled):
            alone = not (state.enabled or self.persistent)
            words = "SELinux is disabled on this host: nothing is set, as it is not persistent"
            warnings = (words,) if alone else ()
            return Plan(result=ModuleResult(data=data, warnings=warnings))
        if not state.tool:
            raise ModuleError(missing("setsebool"), **data)
        options = "-P " if self.persistent else ""
        options += "" if state.enabled else "-N "
        value = "on" if self.state else "off"
        script = f"PATH=$PATH:/usr/sbin:/sbin\nsetsebool {options}{word(self.called)} {value}\n"
        return Plan((Run(script),), ModuleResult(True, data=data))


def _truth(text: str) -> bool | None:
    """Of ``1 0``: the kernel has it now, and what is pending; of ``1`` or ``true`` in policies."""
    words = text.split()
    return words[0] in ("1", "true") if words else None
