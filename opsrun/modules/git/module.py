"""git: a working copy of a repository, at the version that it shall be at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from opsrun.modules.git.looks import LOOK_GIT, Copy, Remote, read_copy, read_remote
from opsrun.modules.git.telling import told, without_password
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.placing import SURROUNDINGS
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_State = tuple[Copy, Remote]

_HEADLESS = "the HEAD of the remote leads to no commit (is there one yet?)"

_PLAIN = "LC_ALL=C\nexport LC_ALL\n"
"""With the task's environment, its locale comes, too: git is to speak as it is read."""

_GO = r"""
made=
aside=
split=
stop() {
  # Half a clone would be taken for one that is there, and one that is signed by nobody, too.
  [ -z "$made" ] || rm -rf -- "$dest"
  [ -z "$aside" ] || rm -rf -- "$split"
  say stop "$1" rc "${2:-1}" cmd "${3-}" why "${4-}"
  exit 0
}
go() {
  e=$("$git" "$@" 2>&1 </dev/null) || stop "$e" $? "git $what" "$fails"
}
"""

_MOVE = r"""
what='init --separate-git-dir'
[ ! -e "$split" ] || stop "$split is there already" 1 "git $what"
go init -q --separate-git-dir "$split" "$dest"
"""

_VERIFY = r"""
what="verify $version" fails="Failed to verify GPG signature of commit/tag \"$version\""
kind=commit
[ "$(g cat-file -t "$object" 2>/dev/null)" != tag ] || kind=tag
e=$(g "verify-$kind" --raw "$object" 2>&1) || stop "$e" $? "git verify-$kind" "$fails"
if [ -n "$allowed" ]; then
  good=
  for key in $allowed; do
    case $e in *"VALIDSIG $key"* | *" $key"*) good=y ;; esac
  done
  [ -n "$good" ] || stop "$e" 1 "git verify-$kind" 'the signature is by none of gpg_allowlist'
fi
"""


@module("git")
class Git(StateModule[_State]):
    """Clone a git repository, and keep it at a version."""

    repo: str = option(required=True, aliases=("name",), doc="Where it comes from.")
    dest: str | None = option(kind="path", doc="Where it is to be; not needed without clone.")
    version: str = option("HEAD", doc="A branch, a tag or a commit; HEAD: what the remote says.")
    remote: str = option("origin", doc="What the remote is called there.")
    refspec: str | None = option(doc="What is fetched besides, as git fetch takes it.")
    force: bool = option(False, doc="Whether changes of files there are thrown away.")
    clone: bool = option(True, doc="Whether it is cloned where it isn't there.")
    update: bool = option(True, doc="Whether anything newer is fetched.")
    bare: bool = option(False, doc="Whether there are no files, but the repository alone.")
    depth: int | None = option(kind="int", doc="How many commits of history are fetched.")
    single_branch: bool = option(False, doc="Whether other branches are left out.")
    recursive: bool = option(True, doc="Whether submodules come along.")
    track_submodules: bool = option(False, doc="Whether submodules go with their own branches.")
    reference: str | None = option(doc="A repository on the host to borrow objects of.")
    separate_git_dir: str | None = option(kind="path", doc="Where git keeps its own files.")
    accept_hostkey: bool = option(False, doc="Whether ssh believes any host key.")
    accept_newhostkey: bool = option(False, doc="Whether ssh believes a host key it doesn't know.")
    key_file: str | None = option(kind="path", doc="A private key on the host, for ssh.")
    ssh_opts: str | None = option(doc="Further options of ssh.")
    executable: str | None = option(kind="path", doc="git, where it is another one.")
    umask: Any = option(doc="The umask for all that is made, in octal.")
    verify_commit: bool = option(False, doc="Whether the version has to be signed.")
    gpg_allowlist: list[str] = option(
        (), elements="str", aliases=("gpg_whitelist",), doc="Fingerprints that may have signed."
    )
    archive: str | None = option(kind="path", doc="An archive of it: not built; refused.")
    archive_prefix: str | None = option(doc="Of names in the archive: not built; refused.")

    # -- looking

    def inspect(self, context: Context) -> Inspection[_State]:
        """One script: what is there, and what the remote has."""
        self._sound()
        flags = {
            "update": self.update,
            "bare": self.bare,
            "recursive": self.recursive,
        }
        lines = [f"{name}={'y' if on else ''}\n" for name, on in flags.items()]
        lines.append(f"apart={path_word(self.separate_git_dir or '')}\n")
        script = f"{_PLAIN}{LOOK}{SURROUNDINGS}{''.join(self._names())}{''.join(lines)}{LOOK_GIT}"

        def parse(answer: CommandResult) -> _State:
            answers = Answers(answer)
            return read_copy(answers), read_remote(answers, self.version)

        return Inspection(script, parse, environment=True)

    def _sound(self) -> None:
        if self.archive is not None or self.archive_prefix is not None:
            raise ModuleError("git: archive is not built here: the archive module makes archives")
        if self.dest is None and self.clone:
            raise ModuleError("the destination directory must be specified unless clone=no")
        for name in ("repo", "version", "remote", "refspec"):
            value = getattr(self, name)
            if value is not None and (value.startswith("-") or not value.strip()):
                raise ModuleError(f"{name}: {value!r} can't be meant: git takes it for an option")
        if self.separate_git_dir is not None and self.bare:
            raise ModuleError("separate_git_dir and bare can't go together")

    @property
    def _url(self) -> str:
        return f"file://{self.repo}" if self.repo.startswith("/") else self.repo

    def _names(self) -> Iterator[str]:
        yield f"git={path_word(self.executable or 'git')}\ndest={path_word(self.dest or '')}\n"
        shown = word(without_password(self._url))
        yield f"repo={word(self._url)}\n# shellcheck disable=SC2034\nshown={shown}\n"
        yield f"remote={word(self.remote)}\nversion={word(self.version)}\n"
        yield "GIT_TERMINAL_PROMPT=0\nexport GIT_TERMINAL_PROMPT\n"
        ssh = "".join(self._ssh())
        if ssh:
            base = '"${GIT_SSH_COMMAND:-ssh}"'
            # Git gives it to a shell.
            yield f"# shellcheck disable=SC2089\nGIT_SSH_COMMAND={base}{word(ssh)}\n"
            if self.key_file is not None:
                # A word for the shell that git starts: quotes around what is in quotes here.
                yield f"key={path_word(self.key_file)}\n"
                yield "# shellcheck disable=SC2089\nGIT_SSH_COMMAND=\"$GIT_SSH_COMMAND -i '$key'"
                yield ' -o IdentitiesOnly=yes"\n'
            yield "# shellcheck disable=SC2090\nexport GIT_SSH_COMMAND\n"

    def _ssh(self) -> Iterator[str]:
        if self.key_file is not None and "'" in self.key_file:
            raise ModuleError(f"key_file: {self.key_file!r} has a quote in it")
        if self.accept_hostkey:
            yield " -o StrictHostKeyChecking=no"
        elif self.accept_newhostkey:
            yield " -o StrictHostKeyChecking=accept-new"
        if self.ssh_opts:
            yield f" {self.ssh_opts}"
        if self.key_file is not None:
            yield " -o BatchMode=yes"

    # -- what has to change

    def plan(self, state: _State, context: Context) -> Plan:
        """Nothing, where the copy is at the remote's commit already."""
        copy, remote = state
        if not copy.there:
            return self._fresh(copy, remote, context)
        # Of a copy without a commit, its name is told.
        before = copy.before or "HEAD"
        data: dict[str, Any] = {"before": before}
        if not self.update:
            # As it is, changes and all: nothing is asked of the remote.
            return Plan(result=ModuleResult(data={**data, "after": before}))
        if copy.dirty and not self.force and not self.bare:
            words = f"Local modifications exist in the destination: {copy.path} (force=no)."
            raise ModuleError(words, **data)
        msg = f"Local modifications exist in the destination: {copy.path}" if copy.dirty else None
        moved = copy.url != self._url
        after = self._after(copy, remote)
        data |= {"remote_url_changed": moved, "after": after}
        if copy.moves:
            data |= dict(zip(("git_dir_before", "git_dir_now"), copy.moves, strict=True))
        again = self.track_submodules or self.verify_commit or bool(copy.moves)
        branch = remote.name if remote.kind == "branch" else ""
        # Another branch at the same commit is no change, but it is to be on it all the same.
        again = again or (not self.bare and copy.branch != branch)
        work = after != before or copy.dirty or copy.stale or again
        changed = after != before or copy.dirty or copy.stale or moved or bool(copy.moves)
        if not work and not moved:
            return Plan(result=ModuleResult(msg=msg, data=data))
        diff = self._diff(before, after) if context.diff and after != before else ()
        result = ModuleResult(changed, msg=msg, data=data, diff=diff)
        script = "".join(self._updating(copy, remote, context))
        return Plan((Run(script, environment=True),), result)

    def _after(self, copy: Copy, remote: Remote) -> str:
        if remote.sha:
            return remote.sha
        if remote.headless:
            if self.bare and copy.before is None:
                return "HEAD"
            words = f"Could not determine remote revision for HEAD: {_HEADLESS}"
            raise ModuleError(words, before=copy.before or "HEAD")
        # A revision that the remote has no name for: the copy may have come by it.
        if not remote.kind and not self.refspec:
            words = f"Could not determine remote revision for {self.version}"
            raise ModuleError(
                f"{words}: it is no branch and no tag of the remote", before=copy.before
            )
        return ""

    def _fresh(self, copy: Copy, remote: Remote, context: Context) -> Plan:
        after = remote.sha or None
        if remote.headless and not self.refspec:
            if not self.bare:
                raise ModuleError(f"Failed to checkout HEAD: {_HEADLESS}")
            after = "HEAD"
        if after is None and not remote.kind and not self.refspec:
            raise ModuleError(f"Failed to checkout {self.version}: the remote has no such version")
        data: dict[str, Any] = {"before": None, "after": after}
        words = f">> Newly checked out {after}"
        diff = (Diff(prepared=words, alone=True),) if context.diff else ()
        result = ModuleResult(True, data=data, diff=diff)
        if not self.clone:
            return Plan(result=result)
        return Plan((Run("".join(self._cloning(copy, remote)), environment=True),), result)

    def _diff(self, before: str, after: str) -> tuple[Diff, ...]:
        return (Diff(prepared=f">> {before} to {after}\n", alone=True),)

    # -- changing it

    def _head(self, copy: Copy) -> Iterator[str]:
        yield LOOK
        yield _PLAIN
        yield f"umask {self._umask(copy):03o}\n"
        yield "".join(self._names())
        yield f'{_GO}g() {{ "$git" -C "$dest" "$@"; }}\nwhat=\nfails=\n'

    def _umask(self, copy: Copy) -> int:
        if self.umask in (None, ""):
            return copy.umask
        if isinstance(self.umask, int) and not isinstance(self.umask, bool):
            return self.umask
        if not re.fullmatch(r"0?[0-7]{1,3}", str(self.umask)):
            raise ModuleError(f"umask: {self.umask!r} is no octal number")
        return int(str(self.umask), 8)

    def _cloning(self, copy: Copy, remote: Remote) -> Iterator[str]:
        yield from self._head(copy)
        options = [f"--origin {word(self.remote)}"]
        shallow = bool(self.depth) and remote.kind in ("branch", "tag")
        if self.bare:
            options = ["--bare"]
        if self.depth and shallow:
            options.append(f"--depth {max(self.depth, 1)}")
        if (shallow or self.single_branch) and remote.name and remote.kind in ("branch", "tag"):
            options.append(f"--branch {word(remote.name)}")
        if self.single_branch:
            options.append("--single-branch")
        if self.reference:
            options.append(f"--reference {word(self.reference)}")
        if self.separate_git_dir:
            yield f"split={path_word(self.separate_git_dir)}\n"
            options.append('--separate-git-dir "$split"')
        if not self.bare:
            # Its files come when it is known to be the right one.
            options.append("--no-checkout")
        yield 'new=\n[ -e "$dest" ] || new=y\nup=${dest%/*}\n'
        yield 'case $dest in */?*) [ -z "$up" ] || mkdir -p -- "$up" || exit ;; esac\n'
        yield f'what="clone $shown"\ngo clone {" ".join(options)} -- "$repo" "$dest"\n'
        yield "made=$new aside=${split:+$new}\n"
        if self.bare:
            yield 'go -C "$dest" config "remote.$remote.url" "$repo"\n'
        yield from self._fetching(remote, first=True)
        if not (self.bare and remote.headless):
            yield from self._switching(remote)

    def _updating(self, copy: Copy, remote: Remote, context: Context) -> Iterator[str]:
        yield from self._head(copy)
        if copy.moves:
            yield f"split={path_word(self.separate_git_dir or '')}\n{_MOVE}"
        if copy.url != self._url:
            setting = "set-url" if copy.url else "add"
            yield f'what="remote {setting}"\ngo -C "$dest" remote {setting} "$remote" "$repo"\n'
        if copy.dirty:
            yield self._reset_line()
        yield from self._fetching(remote, first=False)
        if context.diff and copy.before:
            yield f"was={copy.before}\n"
        yield from self._switching(remote)
        if context.diff and copy.before:
            yield 'say diff "$(g diff "$was" HEAD -- 2>/dev/null | head -c 100000)"\n'

    def _reset_line(self) -> str:
        return 'what="reset --hard"\ngo -C "$dest" reset --hard HEAD --\n'

    def _fetching(self, remote: Remote, *, first: bool) -> Iterator[str]:
        """What is needed of the remote: all, unless this is to be a shallow copy."""
        wanted = ["--force"]
        specs = [word(self.refspec)] if self.refspec else []
        if self.depth:
            wanted.append(f"--depth {max(self.depth, 1)}")
        if not first:
            specs += self._specs(remote)
        if not specs:
            return
        if not self.depth and not self.single_branch:
            wanted.append("--tags")
        yield 'what="fetch $remote" fails="Failed to download remote objects and refs"\n'
        yield f'go -C "$dest" fetch {" ".join(wanted)} "$remote" {" ".join(specs)}\nfails=\n'

    def _specs(self, remote: Remote) -> list[str]:
        if self.bare:
            return ["'+refs/heads/*:refs/heads/*'"]
        far = f"refs/remotes/{self.remote}"
        if remote.kind == "tag":
            return [word(f"+refs/tags/{remote.name}:refs/tags/{remote.name}")]
        if remote.kind == "branch" and (self.depth or self.single_branch):
            return [word(f"+refs/heads/{remote.name}:{far}/{remote.name}")]
        return [word(f"+refs/heads/*:{far}/*")]

    def _switching(self, remote: Remote) -> Iterator[str]:
        """The files of the version, once it is known to be there, and signed if it has to be."""
        far = f"refs/remotes/{self.remote}/{remote.name}"
        target = far if remote.kind == "branch" else self.version
        target = f"refs/tags/{remote.name}" if remote.kind == "tag" else target
        target = "HEAD" if self.bare and self.version == "HEAD" else target
        if self.bare and remote.kind == "branch" and self.version != "HEAD":
            target = f"refs/heads/{remote.name}"
        if target == "HEAD" and remote.kind == "branch":
            # One that was made of a remote without commits may have a HEAD of another name.
            yield 'what="symbolic-ref HEAD"\ng rev-parse -q --verify HEAD >/dev/null ||\n'
            yield f'  go -C "$dest" symbolic-ref HEAD {word(f"refs/heads/{remote.name}")}\n'
        yield f"object={word(target)}\n"
        yield 'fails="Failed to checkout $version" what="checkout --force $version"\n'
        yield 'e=$(g rev-parse -q --verify "$object^{commit}" 2>&1) ||\n'
        yield '  stop "${e:-$version is no revision that git knows there}" 1 "git $what" "$fails"\n'
        if self.verify_commit:
            yield f"allowed={word(' '.join(self.gpg_allowlist))}\n{_VERIFY}"
        if self.bare:
            yield 'say after "$(g rev-parse -q --verify HEAD 2>/dev/null)"\n'
            return
        if remote.kind == "branch":
            name = word(remote.name)
            yield f'go -C "$dest" checkout --force -B {name} "$object" --\n'
            yield f'g branch --set-upstream-to="$remote/"{name} {name} >/dev/null 2>&1 || :\n'
        else:
            yield 'go -C "$dest" checkout --force --detach "$object" --\n'
        if self.recursive:
            yield from self._submodules()
        yield 'say after "$(g rev-parse -q --verify HEAD)"\n'

    def _submodules(self) -> Iterator[str]:
        remote = " --remote" if self.track_submodules else ""
        yield 'if [ -f "$dest/.gitmodules" ]; then\n  fails="Failed to init/update submodules"\n'
        yield '  what="submodule update"\n  old=$(g submodule status --recursive 2>/dev/null)\n'
        yield '  go -C "$dest" submodule sync --recursive\n'
        yield f'  go -C "$dest" submodule update --init --recursive --force{remote}\n'
        yield "  new=$(g submodule status --recursive 2>/dev/null)\n"
        yield '  [ "$old" = "$new" ] || say submodules y\nfi\n'

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With the commit that it is at now."""
        return told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Any, answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        return told(ModuleResult.from_dict(recipe["result"]), answer)
