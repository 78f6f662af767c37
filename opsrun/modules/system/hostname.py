"""hostname: what a host calls itself, now and at the next start.

Where systemd runs, hostnamectl(1) sets it; elsewhere it stands in a file, a different one from one
system to the next, and hostname(1) tells the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
from opsrun.modules.packages import missing
from opsrun.modules.requests import Run
from opsrun.modules.system.hostname_files import FILES, NameFile, file_for
from opsrun.modules.system.rewriting import TELL, rewriting
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
_LONGEST = 64
"""Bytes that Linux keeps; see gethostname(2)."""
_MAY_NAME = 1 << 21
"""CAP_SYS_ADMIN; see capabilities(7)."""
_NOT_HERE = ("macos", "macosx", "darwin", "solaris")

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
say kernel "$(uname -n)"
say system "$(uname -s)"
say may "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status 2>/dev/null)"
say ids "$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release 2>/dev/null | tr '"\n' '  ')"
[ ! -d /run/systemd/system ] || say booted y
if ! command -v hostnamectl >/dev/null; then
  say none y
elif s=$(hostnamectl --static 2>&1); then
  say static "$s"
else
  say why "$s"
fi
"""
_FQDN = r"""
n=NAME
a=
if command -v getent >/dev/null; then
  a=$(getent ahosts "$n" 2>/dev/null)
  a=${a%% *}
fi
say names "${a:+$(getent hosts "$a")}"
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name, use = values.get("called"), values.get("use")
    if isinstance(name, str) and "{{" not in name:
        if not _NAME.match(name):
            words = "letters, digits, - and _, with single dots between them"
            yield "name", f"{name!r} is no name of a host: {words}"
        elif len(name) > _LONGEST:
            yield "name", f"it has {len(name)} letters, and may have {_LONGEST}"
    if use in _NOT_HERE:
        yield "use", f"{use} can't be done by opsrun"


@dataclass(frozen=True, slots=True)
class HostnameSeen:
    """What a host is called."""

    kernel: str
    """Now."""
    lasting: str
    """At the next start; empty where that is not told."""
    file: NameFile | None
    """Where it stands; None for hostnamectl(1)'s."""
    text: str = ""
    """That file, whole."""
    settable: bool = True
    """Whether the kernel would take another name of us; containers often may not."""
    names: str = ""
    """What the resolver knows of the name."""


@module("hostname", judged=_judged)
class Hostname(StateModule[HostnameSeen]):
    """Have a host call itself by a name. What it finds the name in (/etc/hosts) stays as it is."""

    called: str = option(required=True, name="name", doc="The name, with or without its domain.")
    use: str | None = option(
        choices=(
            "alpine",
            "debian",
            "freebsd",
            "generic",
            "macos",
            "macosx",
            "darwin",
            "openbsd",
            "openrc",
            "redhat",
            "sles",
            "solaris",
            "systemd",
        ),
        doc="How it is set: ``systemd`` by hostnamectl; ``alpine``, ``generic`` in /etc/hostname, "
        "``redhat``, ``openrc``, ``sles``, ``openbsd``, ``freebsd`` in those systems' files; "
        "``debian``, or nothing, for what the host runs on.",
    )

    def inspect(self, context: Context) -> Inspection[HostnameSeen]:
        """What it is called now and next, and what the resolver makes of that."""
        told = "".join(f"tell {each.path}\n" for each in FILES.values())
        asked = _FQDN.replace("NAME", '"$(uname -n)"')
        return Inspection(f"{LOOK}{TELL}{_LOOK}{told}{asked}", self._seen)

    def _seen(self, answer: CommandResult) -> HostnameSeen:
        answers = Answers(answer)
        kernel, names = answers.text("kernel"), answers.text("names")
        static = answers.get("static")
        by_file = self.use not in (None, "debian", "systemd")
        if not by_file and (answers.get("booted") or self.use == "systemd"):
            if static is not None:
                return HostnameSeen(kernel, static, None, names=names)
            if self.use == "systemd":
                none = answers.get("none")
                raise ModuleError(missing("hostnamectl") if none else answers.text("why"))
        files = dict(zip(answers.every("file"), answers.every("content"), strict=True))
        use = None if self.use == "debian" else self.use
        file = file_for(use, answers.text("system"), answers.text("ids").split(), files)
        text = files.get(file.path, "")
        may = answers.text("may")
        settable = not may or bool(int(may, 16) & _MAY_NAME)
        return HostnameSeen(kernel, file.name_in(text), file, text, settable, names)

    def plan(self, state: HostnameSeen, context: Context) -> Plan:
        """Write it down, and tell the kernel."""
        lasts = state.lasting == self.called
        now = state.kernel == self.called
        facts = _facts(self.called, state.names, state.kernel)
        data = {"name": self.called}
        if lasts and (now or not state.settable):
            warnings = () if now else (f"the kernel's name stays {state.kernel}: it takes none",)
            return Plan(result=ModuleResult(data=data, facts=facts, warnings=warnings))
        old = state.kernel if lasts else state.lasting
        diff = Diff(f"hostname = {old}\n", f"hostname = {self.called}\n", alone=True)
        script = self._script(state) + LOOK + _FQDN.replace("NAME", word(self.called))
        result = ModuleResult(True, data=data, facts=facts, diff=(diff,))
        return Plan((Run(script),), result)

    def _script(self, state: HostnameSeen) -> str:
        path = "PATH=$PATH:/usr/sbin:/sbin\n"
        name = word(self.called)
        if state.file is None:
            scopes = "--static --transient --pretty"
            return f"{path}e=$(hostnamectl {scopes} set-hostname {name} 2>&1) || {_REFUSED}"
        lines = rewriting({state.file.path: (state.text, state.file.with_name(state.text, name))})
        told = state.settable and state.kernel != self.called
        return path + lines + (f"hostname {name} || exit\n" if told else "")

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what the resolver makes of the new name."""
        return replace(plan.result, facts=_facts(self.called, _names(answers[-1]), self.called))

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """The same, of a job."""
        if not answer.ok:
            raise ModuleError.of(answer)
        found = ModuleResult.from_dict(recipe["result"])
        name = str(found.data["name"])
        facts = _facts(name, _names(answer), name)
        return replace(found, data={**found.data, "ansible_facts": facts})


_REFUSED = "{\n  r=$?\n  printf '%s\\n' \"$e\" >&2\n  exit $r\n}\n"


def _facts(name: str, names: str, called: str) -> dict[str, Any]:
    """What is told of a host of that name.

    Args:
        name: its own.
        names: what the resolver knows of it: an address, and names.
        called: its full name where that is nothing.
    """
    known = names.split()[1:]
    fqdn = next((each for each in known if "." in each), known[0] if known else called)
    return {
        "ansible_hostname": name.partition(".")[0],
        "ansible_nodename": name,
        "ansible_fqdn": fqdn,
        "ansible_domain": fqdn.partition(".")[2],
    }


def _names(answer: CommandResult) -> str:
    _, _, told = text_of(answer.stdout).rpartition("names\0")
    return told.rstrip("\0\n")
