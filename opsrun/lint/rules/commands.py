"""What goes wrong in commands and shell scripts."""

from __future__ import annotations

import re
import shlex
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.lint.project import Project
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Task

_VALUE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
_SYNTAX = frozenset({"|", "||", "&&", ";", ">", ">>", "<", "&", "2>", "2>>", "&>", "2>&1", "1>"})
_REDIRECTED = re.compile(r"([012&]?>{1,2}&?[012]?(/\S+)?|<{1,3}\S*)\Z")
_NEEDS_SHELL = re.compile(r"[|&;<>$*?~`(){}\[\]\n\\#!]")
_BUILTINS = frozenset(
    {
        *(".", ":", "alias", "bg", "bind", "builtin", "cd", "command", "complete", "declare"),
        *("eval", "exec", "exit", "export", "fc", "fg", "hash", "history", "if", "for", "while"),
        *("until", "case", "jobs", "let", "local", "popd", "pushd", "read", "readonly", "return"),
        *("set", "shift", "shopt", "source", "suspend", "time", "times", "trap", "type"),
        *("typeset", "ulimit", "umask", "unalias", "unset", "wait"),
    }
)
_ASSIGNED = re.compile(r"\s*\w+=")
_CD = re.compile(r"\s*cd\s+(?P<where>\S+)\s*(&&|;|\n)")
_RM = re.compile(
    r"\brm\s+(?:-\S+\s+)*-\w*[rR]\w*\s+(?:-\S+\s+)*[\"']?"
    r"(?P<path>/?(?:\{\{(?P<value>.*?)\}\}|\$\{?(?P<name>\w+)\}?)[\"']?(?P<rest>[/*])?)"
)
_SAFE = re.compile(r"\|\s*(mandatory|default|d)\b")
_FETCHED = re.compile(
    r"\b(curl|wget)\b[^|;&\n]*\|\s*(sudo\s+(-\S+\s+)*)?(env\s+)?(\w+=\S+\s+)*(/\S*/)?(ba|z|da|k)?sh\b"
    r"|\b(ba|z|da|k)?sh\s+(-\S+\s+)*<\(\s*(curl|wget)\b"
)
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")
_KINDS = frozenset({"command", "shell", "raw"})


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for _, task, _ in view.tasks:
        if task.action.name not in _KINDS:
            continue
        text = _text(task)
        if text is None:
            continue
        origin = _place(view, task, text)
        if task.action.name == "command":
            _no_shell(view, origin, text)
        else:
            _shell(view, task, origin, text)
        _removal(view, origin, text)
        _changes(view, task)


def _text(task: Task) -> str | None:
    action = task.action
    found: Any = action.free_form if action.free_form is not None else action.args.get("cmd")
    return str.__str__(found) if isinstance(found, str) else None


def _place(view: FileView, task: Task, text: str) -> Origin:
    """Where the command's text begins, as far as it can be found."""
    start = task.action.places.get("cmd", task.action.origin)
    first = text.strip().split("\n", 1)[0].strip()
    for down in range(3):
        number = (start.line or 1) - 1 + down
        if number < len(view.lines) and first and first in view.lines[number]:
            column = view.lines[number].index(first) + 1
            return Origin(start.path, number + 1, column, start.kind)
    return start


def masked(text: str) -> str:
    """``text`` with something harmless, and as long, in place of templates."""
    return _VALUE.sub(lambda found: "x" * len(found[0]), text)


def _no_shell(view: FileView, origin: Origin, text: str) -> None:
    try:
        words = shlex.split(masked(text), posix=False)
    except ValueError:
        return
    for word in words:
        if word in _SYNTAX or _REDIRECTED.match(word) or word.startswith(("$(", "`")):
            place = view.word_at(origin, word)
            message = f"command has no shell: {word!r} goes to the program as it is; use shell"
            view.tell("shell-pipe", place, message, word)
            return
    if words[:1] == ["cd"]:
        message = "`cd` is no program, and changes nothing for later tasks; use `chdir`"
        view.tell("shell-pipe", origin, message, "cd")


def _shell(view: FileView, task: Task, origin: Origin, text: str) -> None:
    code = masked(text)
    found = _FETCHED.search(code)
    if found is not None:
        words = "what is downloaded goes into a shell unseen: get_url with a checksum, then run it"
        view.tell("download-to-shell", _down(view, origin, code, found.start()), words)
    if task.action.name == "raw":
        return
    move = _CD.match(code)
    if move is not None:
        view.tell("shell-cd", origin, "give the directory as `chdir` in place of `cd`", "cd")
    elif _is_plain(task, text, code):
        words = "nothing here needs a shell: `command` does the same, and quotes nothing"
        view.tell("shell-not-needed", task.action.origin, words, task.action.written)
    _pipe(view, origin, code)
    _unquoted(view, origin, text)


def _is_plain(task: Task, text: str, code: str) -> bool:
    if "{%" in text or text.lstrip().startswith("{{") or "executable" in task.action.args:
        return False
    first = code.split()[0] if code.split() else ""
    if not first or _NEEDS_SHELL.search(code.strip()) or _ASSIGNED.match(code):
        return False
    # What templates come to may be shell code of its own.
    return first not in _BUILTINS and "{{" not in text


def _down(view: FileView, origin: Origin, text: str, at: int) -> Origin:
    """The place of a character, where the text's lines are the file's."""
    before = text[:at]
    below, column = before.count("\n"), at - (before.rfind("\n") + 1)
    if origin.line is None:
        return origin
    if below == 0:
        return Origin(origin.path, origin.line, (origin.column or 1) + column, origin.kind)
    line = view.lines[min(origin.line - 1 + below, len(view.lines) - 1)]
    indent = len(line) - len(line.lstrip())
    return Origin(origin.path, origin.line + below, indent + 1, origin.kind)


def _pipe(view: FileView, origin: Origin, code: str) -> None:
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", lambda found: "x" * len(found[0]), code)
    found = _PIPE.search(bare)
    if found is not None and "pipefail" not in code:
        words = "only the last program's status counts: `set -o pipefail` (with bash) before it"
        view.tell("pipe-status", _down(view, origin, bare, found.start()), words, "|")


def _unquoted(view: FileView, origin: Origin, text: str) -> None:
    for found in _VALUE.finditer(text):
        before = text[: found.start()]
        open_quote = before.count('"') % 2 or before.count("'") % 2
        if found[0].startswith("{{") and not open_quote and not re.search(r"\|\s*quote", found[0]):
            words = "a value with blanks or shell syntax breaks out here: `| quote` it"
            view.tell("unquoted-template", _down(view, origin, text, found.start()), words, "{{")
            return


def _removal(view: FileView, origin: Origin, text: str) -> None:
    found = _RM.search(text)
    if found is None or _SAFE.search(found["value"] or ""):
        return
    if found["name"] == "HOME":
        return
    if found["rest"] or found["path"].startswith("/"):
        what = (found["value"] or found["name"] or "").strip()
        words = (
            f"if {what!r} is empty, this removes what begins at the root; use file: state=absent"
        )
        view.tell("rm-variable", _down(view, origin, text, found.start("path")), words)


def _changes(view: FileView, task: Task) -> None:
    asked = task.written & {"changed_when"} or {"creates", "removes"} & set(task.action.args)
    if not asked and not task.handler:
        words = "always counts as changed: say when it does with `changed_when`"
        view.tell("changed-when", task.action.origin, words, task.action.written)
