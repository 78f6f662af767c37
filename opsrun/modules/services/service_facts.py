"""service_facts: which services a host has, and whether they run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module
from opsrun.modules.requests import Run

_SCRIPT = (
    LOOK
    + r"""
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  say systemd y
  say units "$(systemctl list-units --no-pager --type service --all --plain --no-legend)"
  l=$(systemctl list-unit-files --no-pager --type service --plain --no-legend)
  say files "$l"
  # Templates are no units, and asked for them systemctl tells of none.
  set -f
  # shellcheck disable=SC2046 # they are words
  set -- $(printf '%s\n' "$l" | cut -d ' ' -f 1 | grep -v '@\.')
  set +f
  [ $# -eq 0 ] || say states "$(systemctl show --no-pager -p Id -p ActiveState -- "$@")"
  say names "$*"
fi
if command -v rc-status >/dev/null 2>&1 && [ -d /run/openrc ]; then
  say openrc "$(rc-status -a -s 2>/dev/null)"
elif command -v rcctl >/dev/null 2>&1; then
  say rcctl.on "$(rcctl ls on)" rcctl.started "$(rcctl ls started)" rcctl.all "$(rcctl ls all)"
elif command -v chkconfig >/dev/null 2>&1; then
  say chkconfig "$(chkconfig --list 2>/dev/null)"
elif command -v service >/dev/null 2>&1; then
  say sysv "$(service --status-all 2>/dev/null </dev/null)"
fi
"""
)

_LAST_WORD = ("not-found", "masked", "failed")
"""States of a unit that its file's does not replace."""
_SYSV = re.compile(r"\s*\[ ([+?-]) \]\s+(\S.*?)\s*\Z")
_SIGNS = {"+": "running", "-": "stopped", "?": "unknown"}
_ACTIVE = re.compile(r"^ActiveState=(.*)$", re.MULTILINE)
_OPENRC = re.compile(r"\s*(\S+)\s+\[\s*(\S+)")
_CHKCONFIG = re.compile(r"(\S+)\s+0:(\w+)\s+1:(\w+)\s+2:(\w+)\s+3:(\w+)")

Services = Iterator[dict[str, str]]


@module("service_facts")
class ServiceFacts(Module):
    """Find out which services there are, and whether they run: facts below ``services``."""

    def steps(self, context: Context) -> Steps:
        """One script; nothing on the host is changed."""
        answers = Answers((yield Run(_SCRIPT, effect="reads")))
        found = {each["name"]: each for each in _every(answers)}
        if not found and not any(answers.get(each) is not None for each in ("systemd", "sysv")):
            raise ModuleError("none of this host's service managers is known here")
        return ModuleResult(facts={"services": found})


def _every(answers: Answers) -> Services:
    for line in answers.text("sysv").splitlines():
        sign = _SYSV.match(line)
        if sign is not None:
            yield {"name": sign[2], "state": _SIGNS[sign[1]], "source": "sysv"}
    for line in answers.text("chkconfig").splitlines():
        level = _CHKCONFIG.match(line)
        if level is not None:
            status = "enabled" if level[5] == "on" else "disabled"
            name = level[1]
            yield {"name": name, "state": "unknown", "status": status, "source": "sysv"}
    for line in answers.text("openrc").splitlines():
        row = _OPENRC.match(line)
        if row is not None:
            state = {"started": "running", "stopped": "stopped"}.get(row[2], row[2])
            yield {"name": row[1], "state": state, "source": "openrc"}
    yield from _openbsds(answers)
    if answers.get("systemd") is not None:
        blocks = re.split(r"\n\s*\n", answers.text("states").strip())
        states = [_ACTIVE.search(each) for each in blocks]
        named = zip(answers.text("names").split(), states, strict=False)
        told = {name: state[1] for name, state in named if state is not None}
        yield from units(answers.text("units"), answers.text("files"), told)


def _openbsds(answers: Answers) -> Services:
    on, started = (answers.text(f"rcctl.{each}").split() for each in ("on", "started"))
    for name in answers.text("rcctl.all").split():
        yield {
            "name": name,
            "state": "running" if name in started else "stopped",
            "status": "enabled" if name in on else "disabled",
            "source": "rcctl",
        }


def units(listed: str, files: str, states: Mapping[str, str]) -> Services:
    """What both lists of systemd's say.

    Args:
        listed: lines of unit, load state, active state, sub state and description.
        files: lines of a unit's file and its state.
        states: by name, whether those are active that are not in the first list.
    """
    found: dict[str, dict[str, str]] = {}
    for line in listed.splitlines():
        fields = line.lstrip("●*○× ").split(None, 4)
        if len(fields) < 4:
            continue
        name, load, active, sub = fields[:4]
        status = load if load in _LAST_WORD else active
        state = "running" if sub == "running" else "stopped"
        found[name] = _unit(name, state, status)
    for line in files.splitlines():
        name, status, *_ = [*line.split(), "", ""]
        if not name:
            continue
        known = found.setdefault(name, _unit(name, states.get(name, "unknown"), status))
        if known["status"] not in _LAST_WORD:
            known["status"] = status
    yield from found.values()


def _unit(name: str, state: str, status: str) -> dict[str, str]:
    return {"name": name, "state": state, "status": status, "source": "systemd"}
