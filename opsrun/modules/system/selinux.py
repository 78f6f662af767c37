"""selinux: whether a host enforces SELinux's policy, and which, now and at the next start.

The next start goes by selinux_config(5); setenforce(8) turns between enforcing and permissive. A
kernel can't be told to begin, to end, or to take another policy: that needs a start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.requests import Run
from opsrun.modules.system.assigning import assigned, value_of
from opsrun.modules.system.rewriting import TELL, rewriting
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_POLICY = re.compile(r"[A-Za-z0-9][\w.-]*\Z", re.ASCII)

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
for d in /sys/fs/selinux /selinux; do
  if [ -e "$d/enforce" ]; then
    say enforce "$(cat "$d/enforce")"
    break
  fi
done
command -v setenforce >/dev/null || say noset y
"""
_GRUBBY = r"""
if command -v grubby >/dev/null; then
  k=$(grubby --info=ALL) || exit
  say kernels "$k"
else
  say nogrubby y
fi
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    policy = values.get("policy")
    if isinstance(policy, str) and "{{" not in policy and not _POLICY.match(policy):
        yield "policy", f"{policy!r} is no name of a policy, as targeted is one"


@dataclass(frozen=True, slots=True)
class SelinuxSeen:
    """What a host is set to."""

    path: str
    """Of its configuration, with homes and variables in it replaced."""
    text: str
    running: str
    """``enforcing``, ``permissive`` or ``disabled``."""
    there: bool
    """Whether the policy that is asked for is there."""
    settable: bool
    """There is a setenforce(8)."""
    kernels: str | None
    """What grubby(8) says of them; None where it was not asked, or is not there."""


@module(
    "ansible.posix.selinux",
    judged=_judged,
    required_if=[("state", "enforcing", ("policy",)), ("state", "permissive", ("policy",))],
)
class Selinux(StateModule[SelinuxSeen]):
    """Have a host enforce SELinux's policy, only note what it would forbid, or do without."""

    state: str = option(
        required=True, choices=("disabled", "enforcing", "permissive"), doc="What it does."
    )
    policy: str | None = option(doc="The policy: targeted. Needed unless it is disabled.")
    configfile: str = option(
        "/etc/selinux/config", kind="path", aliases=("conf", "file"), doc="The file that says so."
    )
    update_kernel_param: bool = option(
        False, doc="Whether the kernel's own parameters say it as well, by grubby."
    )

    def inspect(self, context: Context) -> Inspection[SelinuxSeen]:
        """The file, and the kernel."""

        def parse(answer: CommandResult) -> SelinuxSeen:
            answers = Answers(answer)
            text = answers.get("content")
            if text is None:
                words = f"there is no {self.configfile} on this host: a policy's package brings it"
                raise ModuleError(words)
            if self.update_kernel_param and answers.get("nogrubby"):
                raise ModuleError(missing("grubby"))
            enforce = answers.get("enforce")
            running = "disabled" if enforce is None else _MODES.get(enforce.strip(), "permissive")
            settable = answers.get("noset") is None
            there = answers.get("policy") is not None
            kernels = answers.get("kernels")
            return SelinuxSeen(answers.text("path"), text, running, there, settable, kernels)

        script = f"{LOOK}{TELL}{_LOOK}f={path_word(self.configfile)}\n"
        script += 'if [ -h "$f" ]; then f=$(readlink -f -- "$f") || exit; fi\n'
        script += 'say path "$f"\ntell "$f"\n'
        if self.policy:
            script += f"[ ! -d /etc/selinux/{word(self.policy)}/policy ] || say policy y\n"
        return Inspection(script + (_GRUBBY if self.update_kernel_param else ""), parse)

    def plan(self, state: SelinuxSeen, context: Context) -> Plan:
        """Write it down, and have the kernel do what it can."""
        said = value_of(state.text, "SELINUXTYPE") or ""
        mode = value_of(state.text, "SELINUX") or ""
        policy = self.policy or said
        if self.policy and self.policy != said and not state.there:
            raise ModuleError(f"there is no policy {self.policy} in /etc/selinux on this host")
        text, told = state.text, []
        if policy != said:
            text = assigned(text, "SELINUXTYPE", policy)
            told.append(f"the policy was {said or 'none'} and is {policy}")
        if self.state != mode:
            text = assigned(text, "SELINUX", self.state)
            told.append(f"{state.path} said {mode or 'nothing'} and says {self.state}")
        wanted, reboot = self._now(state, bool(told) and policy != said)
        if wanted is not None:
            told.append(f"the kernel was {state.running} and is {wanted}")
        lines = [rewriting({state.path: (state.text, text)} if text != state.text else {})]
        lines += self._kernels(state, told)
        if wanted is not None:
            if not state.settable:
                raise ModuleError(missing("setenforce"))
            lines.append(f"setenforce {int(wanted == 'enforcing')} || exit\n")
        data: dict[str, Any] = {"policy": policy, "state": self.state}
        data |= {"configfile": self.configfile, "reboot_required": reboot}
        warnings = (f"{self.state} is what it is after a reboot",) if reboot else ()
        result = ModuleResult(bool(told), msg=", ".join(told), data=data, warnings=warnings)
        if not told:
            return Plan(result=result)
        return Plan((Run("".join(["PATH=$PATH:/usr/sbin:/sbin\n", *lines])),), result)

    def _now(self, state: SelinuxSeen, other: bool) -> tuple[str | None, bool]:
        """What the kernel is told, None for nothing; and whether that is not enough."""
        if state.running == "disabled":
            return None, self.state != "disabled"
        if self.state == "disabled":
            # As good as it gets until then.
            return "permissive" if state.running == "enforcing" else None, True
        return self.state if state.running != self.state else None, other

    def _kernels(self, state: SelinuxSeen, told: list[str]) -> Iterator[str]:
        if state.kernels is None:
            return
        args = re.findall(r'^args="(.*)"', state.kernels, re.MULTILINE)
        off = [bool({"selinux=0"} & set(each.split())) for each in args]
        if self.state == "disabled" and not all(off):
            told.append("kernels are started with selinux=0")
            yield "grubby --update-kernel=ALL --args=selinux=0 || exit\n"
        elif self.state != "disabled" and any(off):
            told.append("kernels are no longer started with selinux=0")
            yield "grubby --update-kernel=ALL --remove-args=selinux || exit\n"


_MODES: Mapping[str, str] = {"1": "enforcing", "0": "permissive"}
