"""dnf and yum: packages of distributions that have rpm.

One script tells what is installed; where that is what the task asks for, nothing else is done. dnf
itself is only asked what it would do (``--assumeno``) where the answer is not known from that: in
check mode, for the newest versions, groups and URLs. What has changed is told from rpm's database,
before and behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.background.job import Job
from opsrun.modules.base import Beginning, Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module
from opsrun.modules.packages import missing
from opsrun.modules.packages.dnf_listing import read_list, script_for_list
from opsrun.modules.packages.dnf_options import DnfOptions
from opsrun.modules.packages.dnf_table import (
    LOCKED,
    Transaction,
    excluded,
    read_transaction,
    together,
    unknown,
    why,
)
from opsrun.modules.packages.dnf_wanted import Found, Work, work
from opsrun.modules.packages.managers import split_names
from opsrun.modules.packages.rpm_database import FORMAT, changes, read
from opsrun.modules.refusing import hint_of
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

LIMIT = 64 * 1024 * 1024
"""Bytes of what is told of packages."""

_PLAIN = "LC_ALL=C\nexport LC_ALL\n"
"""With the task's environment, its locale comes, too: dnf is to speak as it is read."""

_TOOL = r"""
tool=
for t in dnf yum; do
  if [ -z "$tool" ] && command -v "$t" >/dev/null 2>&1; then tool=$t; fi
done
say tool "$tool"
"""

_PROVIDED = r"""
tab=$(printf '\t')
nl='
'
provided() {
  for s; do
    case $nl$all in
      *"$nl$s$tab"*) ;;
      *) ! rpm @ROOT@-q --whatprovides -- "$s" >/dev/null 2>&1 || say provided "$s" ;;
    esac
  done
}
"""

_GO = r"""
go() {
  n=0
  while :; do
    out=$("$tool" "$@" 2>&1 </dev/null)
    rc=$?
    if [ "$rc" -ne @LOCKED@ ] || [ "$n" -eq "$patience" ]; then break; fi
    n=$((n + 1))
    sleep 1
  done
  say out "$out" rc "$rc"
  [ "$rc" -eq 0 ] || [ -n "$dry" ]
}
""".replace("@LOCKED@", str(LOCKED))

_NOTHING = "Nothing to do"
_WOULD = "Check mode: No changes made, but would have if not in check mode"


class _Dnf(DnfOptions, Module):
    def steps(self, context: Context) -> Steps:
        """Look, ask dnf where that leaves a doubt, and have it done."""
        answer = yield self._look()
        found = self._found(answer)
        if self.listed is not None:
            script = f"{_PLAIN}{LOOK}{script_for_list(self, found.tool)}"
            told = yield Run(script, effect="reads", cap=LIMIT, environment=True)
            return ModuleResult(msg="", data={"results": read_list(self.listed, told)})
        wanted = work(self, found)
        if wanted.calls and (context.check or not wanted.sure):
            answer = yield self._run(wanted, found, dry=True)
            would = self._would(answer)
            if context.check and would:
                return self._told(wanted.remarks, would.results(found.installed), _WOULD)
            if not would:
                wanted = Work(remarks=wanted.remarks)
        if not wanted.calls:
            if self.update_cache and not context.check:
                answer = yield self._refresh(found)
                _checked(Answers(answer))
            alone = self.update_cache and not self.named and not self.autoremove
            words = "Cache updated" if alone else _NOTHING
            return ModuleResult(msg=words, data={"results": [*wanted.remarks], "rc": 0})
        answer = yield self._run(wanted, found)
        return self._done(wanted.remarks, self.download_only, answer)

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: what dnf is asked for is left to the host, whether it turns out
        to be anything or not."""
        answer = yield self._look()
        found = self._found(answer)
        wanted = work(self, found)
        if self.listed is not None or not wanted.calls:
            steps = self.steps(context)
            next(steps)
            try:
                request = steps.send(answer)
                while True:
                    request = steps.send((yield request))
            except StopIteration as ended:
                return Job.done(ended.value.to_dict())
        recipe = {"module": self.name, "remarks": [*wanted.remarks], "fetch": self.download_only}
        return Job(self._run(wanted, found), recipe)

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return cls._done(tuple(recipe["remarks"]), bool(recipe["fetch"]), answer)

    # -- what is asked of the host

    def _look(self) -> Run:
        return Run("".join(self._looking()), effect="reads", cap=LIMIT)

    def _looking(self) -> Iterator[str]:
        yield f"{LOOK}{_TOOL}all=$({self._rpm}-qa --qf '{FORMAT}') || exit\nsay all \"$all\"\n"
        specs = [each for each in split_names(self.named or ()) if each[0] != "@"]
        local = [each for each in specs if "://" not in each]
        files = [each for each in local if each.endswith(".rpm")]
        for each in files:
            asked = f"rpm -qp --nosignature --qf '{FORMAT}' -- {path_word(each)}"
            yield f'x=$({asked} 2>/dev/null) && say {word(f"file:{each}")} "$x"\n'
        names = [each for each in local if each not in files and each != "*"]
        if names:
            root = self.root
            yield _PROVIDED.replace("@ROOT@", root)
            yield f"provided {' '.join(map(word, names))}\n"
        yield ":\n"

    @property
    def _rpm(self) -> str:
        return f"rpm {self.root}"

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        tool = answers.text("tool")
        if not tool:
            raise ModuleError(missing("dnf"))
        files = {name: read(line) for name, line in answers.below("file:").items()}
        return Found(
            tool,
            read(answers.text("all")),
            frozenset(answers.every("provided")),
            {name: packages[0] for name, packages in files.items() if packages},
        )

    def _run(self, wanted: Work, found: Found, *, dry: bool = False) -> Run:
        options = " ".join([*self.words(found.tool), *self._signed(found.tool)])
        way = "--assumeno" if dry else "-y"
        told = f"$({self._rpm}-qa --qf '{FORMAT}')"
        lines = [
            f"{_PLAIN}{LOOK}tool={found.tool}\ndry={'y' if dry else ''}\n",
            f"patience={self.lock_timeout if self.lock_timeout >= 0 else -1}\n{_GO}",
            "" if dry else f'say before "{told}"\n',
        ]
        if self.update_cache and found.tool == "yum":
            lines.append("yum -q clean expire-cache >/dev/null 2>&1\n")
        fresh = " --refresh" if self.update_cache and found.tool != "yum" else ""
        calls = [
            f"go {way}{fresh} {options} {verb} {' '.join(map(_spec_word, specs))}".rstrip()
            for verb, specs in wanted.calls
        ]
        lines.append(" &&\n  ".join(calls) + "\n")
        lines.append(":\n" if dry else f'say after "{told}"\n')
        return Run("".join(lines), None, "reads" if dry else "changes", cap=LIMIT, environment=True)

    def _signed(self, tool: str) -> Iterator[str]:
        # dnf believes what lies in files; the dialect does not.
        if not self.disable_gpg_check and tool != "yum":
            yield "--setopt=localpkg_gpgcheck=1"

    def _refresh(self, found: Found) -> Run:
        fresh = "--refresh " if found.tool != "yum" else ""
        script = f"{_PLAIN}{LOOK}tool={found.tool}\ndry=\npatience={self.lock_timeout}\n{_GO}"
        options = " ".join([*self.places(), "--setopt=exit_on_lock=1"])
        return Run(f"{script}go -y {fresh}{options} makecache\n:\n", environment=True)

    # -- what came of it

    def _would(self, answer: CommandResult) -> Transaction:
        printed = _checked(Answers(answer), dry=True)
        table = together(read_transaction(each) for each in printed)
        older = set(table.downgrades)
        if older and not self.allow_downgrade and set(table.coming) == older:
            return Transaction()
        return table

    def _told(self, remarks: tuple[str, ...], results: list[str], msg: str) -> ModuleResult:
        if self.download_only:
            results = [each.replace("Installed:", "Downloaded:") for each in results]
        return ModuleResult(True, msg=msg, data={"results": [*remarks, *results], "rc": 0})

    @staticmethod
    def _done(remarks: tuple[str, ...], fetched: bool, answer: CommandResult) -> ModuleResult:
        answers = Answers(answer)
        changed = changes(read(answers.text("before")), read(answers.text("after")))
        printed = _checked(answers, changed)
        if fetched:
            coming = [each for text in printed for each in read_transaction(text).coming]
            changed = [f"Downloaded: {each}" for each in coming]
        data = {"results": [*remarks, *changed], "rc": 0}
        return ModuleResult(bool(changed), msg="" if changed else _NOTHING, data=data)


def _spec_word(spec: str) -> str:
    return path_word(spec) if spec.endswith(".rpm") and "://" not in spec else word(spec)


def _checked(answers: Answers, changed: list[str] | None = None, *, dry: bool = False) -> list[str]:
    """What each call printed. ModuleError: one of them failed; ``changed`` is what was done."""
    printed = answers.every("out")
    for text, status in zip(printed, answers.every("rc"), strict=True):
        rc = int(status)
        if rc == 0 or (dry and read_transaction(text)):
            continue
        raise _failure(text, rc, changed or [])
    return printed


def _failure(printed: str, rc: int, changed: list[str]) -> ModuleError:
    data: dict[str, Any] = {"results": changed, "rc": 1}
    words = why(printed)
    if rc == LOCKED:
        return ModuleError(f"another process holds the lock of packages: {words}", **data)
    unknowns = unknown(printed)
    if unknowns:
        left_out = excluded(printed)
        told = [
            f"{each} {left_out[each]}" if each in left_out else f"No package {each} available."
            for each in unknowns
        ]
        return ModuleError(
            f"Failed to install some of the specified packages: {', '.join(unknowns)}",
            failures=told,
            **data,
        )
    if "Problem" in words:
        return ModuleError(f"Depsolve Error occurred: {words}", failures=[], **data)
    hint = hint_of(words)
    return ModuleError(f"{words} ({hint})" if hint else words, failures=[], **data)


@module("dnf", exclusive=(("name", "list"), ("best", "nobest")))
class Dnf(_Dnf):
    """Install, upgrade and remove packages with dnf."""


@module("yum", exclusive=(("name", "list"), ("best", "nobest")))
class Yum(_Dnf):
    """Install, upgrade and remove packages with dnf where it is, else with yum."""
