"""apt_repository: a line of sources.list(5) is there, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from opsrun.modules.packages.apt_scripts import ENVIRONMENT, updating
from opsrun.modules.packages.apt_telling import How, told
from opsrun.modules.packages.sources_list import asked, file_name, with_source, without_source
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_READ = f"""\
{LOOK}
command -v apt-get >/dev/null || {{ echo 'there is no apt-get on this host' >&2; exit 1; }}
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -f "$f" ]; then
    x=$(cat -- "$f" && printf x) || exit 1
    say path "$f" text "${{x%x}}"
  fi
done
"""

_PUT = """\
made=
undo() {
  for f in $made; do
    old=${f%/*}/.${f##*/}.opsrun-old
    if [ -e "$old" ]; then mv -f "$old" "$f"; else rm -f "$f"; fi
  done
}
drop() { for f in $made; do rm -f "${f%/*}/.${f##*/}.opsrun-old"; done; }
put() {
  f=$1 old=${1%/*}/.${1##*/}.opsrun-old new=${1%/*}/.${1##*/}.opsrun-new
  # What somebody left who was killed is not what was there.
  rm -f "$old" "$new"
  mkdir -p -- "${f%/*}" || return
  if [ -e "$f" ] && ! cp -p -- "$f" "$old"; then
    rm -f "$old"
    return 1
  fi
  made="$made$nl$f"
  if [ -z "$2" ]; then
    rm -f -- "$f"
    return
  fi
  if { if [ -e "$f" ]; then cp -p -- "$f" "$new"; else : >"$new"; fi } &&
    { [ -z "$3" ] || chmod -- "$3" "$new"; } &&
    printf '%s' "$2" | cat >"$new" && mv -f -- "$new" "$f"; then
    return
  fi
  rm -f "$new"
  return 1
}
trap 'undo; exit 143' HUP INT TERM
"""
"""``put PATH TEXT [MODE]``: whole, or not at all; a file without text goes. apt passes over names
that begin with a dot."""


@module("apt_repository")
class AptRepository(StateModule[Mapping[str, str]]):
    """See to it that apt takes packages from a repository, or no longer does."""

    repo: str = option(required=True, doc="The line, as sources.list(5) has it.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is there.")
    filename: str | None = option(
        doc="The file in sources.list.d that a new one goes to, without .list; its address if not "
        "said."
    )
    mode: int | str | None = option(kind="mode", doc="Permissions of a new file.")
    update_cache: bool = option(
        True,
        aliases=("update-cache",),
        doc="Whether the lists of packages are renewed when something changed; if that fails, all "
        "is put back.",
    )
    update_cache_retries: int = option(5, doc="Attempts at that.")
    update_cache_retry_max_delay: int = option(12, doc="Seconds between them, at most.")
    validate_certs: bool = option(True, doc="Means nothing: it is for PPAs.")
    install_python_apt: bool = option(True, doc="Means nothing: no Python is needed.")
    codename: str | None = option(doc="Means nothing: it is for PPAs.")

    def inspect(self, context: Context) -> Inspection[Mapping[str, str]]:
        """All files with such lines."""
        if self.repo.startswith("ppa:"):
            raise ModuleError(
                f"{self.repo}: Launchpad is not asked for what that is; give the deb line that its "
                "page shows, and its key with apt_key or deb822_repository"
            )
        asked(self.repo)
        return Inspection(_READ, _files)

    def plan(self, state: Mapping[str, str], context: Context) -> Plan:
        """Put it where it is to be, or take it out of all files."""
        source = asked(self.repo)
        if self.state == "present":
            changes = with_source(state, source, self._path)
        else:
            changes = without_source(state, source)
        data = {
            "repo": self.repo,
            "state": self.state,
            "sources_added": [each for each in changes if each not in state],
            "sources_removed": [each for each, text in changes.items() if not text],
        }
        if not changes:
            return Plan(result=ModuleResult(data=data))
        diff = tuple(_diff(path, state.get(path), text) for path, text in sorted(changes.items()))
        run = Run("".join(self._script(changes, state)), environment=True)
        return Plan((run,), ModuleResult(True, data=data, diff=diff))

    @property
    def _path(self) -> str:
        name = self.filename or file_name(asked(self.repo))
        if "/" in name and not name.startswith("/"):
            raise ModuleError(
                f"filename: {name!r} is no file of /etc/apt/sources.list.d: expected a name "
                "without a slash, or a whole path"
            )
        name = name if name.endswith(".list") else f"{name}.list"
        return name if name.startswith("/") else f"/etc/apt/sources.list.d/{name}"

    def _script(self, changes: Mapping[str, str], state: Mapping[str, str]) -> Iterator[str]:
        yield f"{ENVIRONMENT}IFS='\n'\nnl='\n'\n{_PUT}"
        mode = f"{self.mode:04o}" if isinstance(self.mode, int) else self.mode or ""
        for path, text in sorted(changes.items()):
            new = word(mode) if path not in state else "''"
            yield f"put {word(path)} {word(text)} {new} || {{ undo; exit 1; }}\n"
        if self.update_cache:
            tries = max(self.update_cache_retries, 1)
            yield updating(tries, max(self.update_cache_retry_max_delay, 0))
            yield "IFS='\n'\nif [ \"$s\" -eq 0 ]; then drop; else undo; fi\nexit 0\n"
        else:
            yield "drop\n"

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """The plan's; unless the lists could not be had."""
        return _concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _concluded(ModuleResult.from_dict(recipe["result"]), answer)


def _concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    try:
        told(How("update"), Answers(answer))
    except ModuleError as error:
        data = {each: error.data[each] for each in ("rc", "stdout", "stderr") if each in error.data}
        raise ModuleError(f"{error.msg}; the sources are as they were", **data) from error
    return result


def _files(answer: CommandResult) -> Mapping[str, str]:
    answers = Answers(answer)
    return dict(zip(answers.every("path"), answers.every("text"), strict=True))


def _diff(path: str, old: str | None, new: str) -> Diff:
    before = "/dev/null" if old is None else path
    return Diff(old or "", new, before, path if new else "/dev/null")
