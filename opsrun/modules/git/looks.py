"""What there is of a repository on a host, and what its remote has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.packages import holding

SHA = re.compile(r"[0-9a-f]{40}\Z")
SHORT = re.compile(r"[0-9a-f]{7,40}\Z")

LOOK_GIT = r"""
if ! command -v "$git" >/dev/null 2>&1; then
  say stop "there is no $git on the host (@HOLDING@)"
  exit 0
fi
stop() { say stop "$1" rc "${2:-1}" cmd "${3-}"; exit 0; }
g() { "$git" -C "$dest" "$@"; }
say path "$dest"
there=
if [ -n "$dest" ]; then
  if [ -e "$dest/.git" ]; then there=y; fi
  if [ -f "$dest/HEAD" ] && [ -d "$dest/objects" ]; then there=y; fi
fi
if [ -n "$there" ]; then
  e=$(g rev-parse --git-dir 2>&1) || stop "$e" 128 'git rev-parse --git-dir'
  say there y
  say before "$(g rev-parse -q --verify HEAD 2>/dev/null)"
  say on "$(g symbolic-ref -q --short HEAD 2>/dev/null)"
  say url "$(g config --get "remote.$remote.url" 2>/dev/null)"
  s=$(g rev-parse --absolute-git-dir 2>/dev/null)
  if [ -n "$apart" ]; then
    a=$(cd -- "$apart" 2>/dev/null && pwd -P) || a=
    if [ "$s" != "$apart" ] && [ "$s" != "$a" ]; then
      [ ! -e "$apart" ] || stop "$apart is there already: git's own files can't move to it"
      say folder "$s" apart "$apart"
    fi
  fi
  if [ -z "$bare" ]; then
    e=$(g status --porcelain --untracked-files=no --ignore-submodules=untracked 2>&1) ||
      stop "$e" 128 'git status'
    say local "$e"
    if [ -n "$recursive" ] && [ -f "$dest/.gitmodules" ]; then
      say modules "$(g submodule status --recursive 2>/dev/null)"
    fi
  fi
  if [ "$version" != HEAD ]; then
    say known "$(g rev-parse -q --verify "$version^{commit}" 2>/dev/null)"
  fi
fi
if [ -z "$there" ] || [ -n "$update" ]; then
  ref=
  case $version in refs/*) ref=$version ;; esac
  r=$("$git" ls-remote --symref -- "$repo" HEAD "refs/heads/$version" "refs/tags/$version" \
    "refs/tags/$version^{}" ${ref:+"$ref"} 2>&1 </dev/null) || stop "$r" "$?" "git ls-remote $shown"
  say refs "$r"
fi
"""
LOOK_GIT = LOOK_GIT.replace("@HOLDING@", holding("git"))
"""Wants ``git``, ``dest``, ``apart``, ``remote``, ``version``, ``repo``, ``shown``, and flags."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What the remote says of a version."""

    kind: str
    """``branch``, ``tag``, ``commit``, or empty for what it does not know."""
    name: str
    """Of the branch or tag; the branch that HEAD means."""
    sha: str
    """Of the commit; empty where it is not known."""
    headless: bool = False
    """Whether HEAD is asked for, and leads to no commit: there is none yet, perhaps."""


def read_remote(answers: Answers, version: str) -> Remote:
    """What `LOOK_GIT` told of the remote's version."""
    refs: dict[str, str] = {}
    head = ""
    for line in answers.text("refs").split("\n"):
        value, sign, name = line.partition("\t")
        if not sign:
            continue
        if value.startswith("ref: refs/heads/"):
            head = value.removeprefix("ref: refs/heads/")
        else:
            refs[name] = value
    if version == "HEAD":
        sha = refs.get("HEAD", "")
        return Remote("branch" if head else "commit", head, sha, headless=not sha)
    if f"refs/heads/{version}" in refs:
        return Remote("branch", version, refs[f"refs/heads/{version}"])
    tag = refs.get(f"refs/tags/{version}^{{}}") or refs.get(f"refs/tags/{version}", "")
    if tag:
        return Remote("tag", version, tag)
    if version in refs:
        return Remote("commit", version, refs[version])
    if SHORT.match(version):
        known = answers.text("known")
        return Remote("commit", version, version if SHA.match(version) else known)
    return Remote("", version, "")


@dataclass(frozen=True, slots=True)
class Copy:
    """What is at the destination."""

    path: str
    there: bool
    before: str | None
    """The commit that it is at; None for none."""
    branch: str
    """That it is on; empty for none."""
    url: str
    dirty: bool
    """Files that git knows have been changed."""
    stale: bool
    """Submodules are not at the commits that they shall be at."""
    moves: tuple[str, str] | None
    """Where git's own files are and where they shall be; None where that is the same."""
    umask: int


def read_copy(answers: Answers) -> Copy:
    """What `LOOK_GIT` told of the destination. ModuleError: git can't do it; in its own words."""
    raise_stop(answers)
    modules = answers.text("modules").split("\n")
    return Copy(
        answers.text("path"),
        answers.get("there") is not None,
        answers.text("before") or None,
        answers.text("on"),
        answers.text("url"),
        bool(answers.text("local").strip()),
        any(line[:1] in ("-", "+", "U") for line in modules),
        (answers.text("folder"), answers.text("apart")) if answers.get("apart") else None,
        answers.octal("umask", 0o022),
    )


def raise_stop(answers: Answers) -> None:
    """Raises `ModuleError` where a script said that it can't go on."""
    words = answers.get("stop")
    if words is not None:
        more = {"rc": answers.number("rc"), "cmd": answers.text("cmd"), "stderr": words}
        told = more if answers.get("rc") is not None else {}
        raise ModuleError(answers.text("why") or words.strip() or "git failed", **told)
