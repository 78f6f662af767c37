"""The rules: their names, which are for good, how bad each is, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opsrun.errors import UsageError, did_you_mean
from opsrun.lint.problem import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    name: str
    severity: Severity
    about: str
    """One line."""
    on: bool = True
    """Whether it is looked for without being asked for."""
    fixed: bool = False
    """Whether ``--fix`` knows what to do, at least sometimes."""


def _rule(
    name: str, severity: Severity, about: str, *, on: bool = True, fixed: bool = False
) -> Rule:
    return Rule(name, severity, about, on, fixed)


_RULES = (
    # Reading
    _rule("yaml", "error", "a file can't be read: broken YAML, an unknown tag, no UTF-8"),
    _rule("playbook-syntax", "error", "a play, task or argument that can't be understood"),
    _rule("duplicate-key", "warning", "a key twice in a dictionary: the last one wins"),
    _rule("unknown-keyword", "error", "a keyword that plays, roles, blocks or tasks don't have"),
    _rule("removed-keyword", "error", "a keyword of earlier versions (sudo)", fixed=True),
    _rule("removed-include", "error", "`include`, which is no longer an action", fixed=True),
    _rule("keyword-value", "error", "a keyword's value that is not of its kind"),
    _rule("variable-name", "error", "a name that no variable can have"),
    _rule("several-actions", "error", "two modules in one task"),
    _rule("no-action", "error", "a task that names no module"),
    _rule("several-loops", "error", "`loop` and `with_*` in one task"),
    # Modules and their options
    _rule("unknown-module", "error", "a module that nobody knows, perhaps misspelt"),
    _rule("module-header", "error", "a module of the project's own that can't be used"),
    _rule("module-not-built", "hint", "a module of Ansible's that opsrun doesn't have yet"),
    _rule("unknown-option", "error", "an option that a module doesn't have"),
    _rule("missing-option", "error", "an option that a module needs"),
    _rule("option-value", "error", "an option's value of a wrong type, or that excludes another"),
    # Templates and variables
    _rule("template-syntax", "error", "a template or condition that can't be compiled"),
    _rule("unknown-filter", "error", "a filter that nobody knows"),
    _rule("unknown-test", "error", "a test (`is …`) that nobody knows"),
    _rule("unknown-lookup", "error", "a lookup, or with_…, that nobody knows"),
    _rule("plugin-not-built", "hint", "a filter, test or lookup that opsrun doesn't have yet"),
    _rule("undefined-variable", "warning", "a variable that nothing in the project could set"),
    _rule("when-braces", "warning", "`{{ }}` in a condition, which is an expression already"),
    _rule("loop-variable", "hint", "a loop within a loop that hides the outer one's variable"),
    # Handlers, files, order
    _rule("undefined-handler", "error", "a notification that no handler listens to"),
    _rule("unused-handler", "hint", "a handler that nobody notifies"),
    _rule("missing-role", "warning", "a role that is not there, nor in any roles_path"),
    _rule("missing-file", "error", "a task file, playbook or variable file that is not there"),
    _rule("missing-source", "warning", "a file or template to copy that is not there"),
    _rule("unreachable", "warning", "tasks that never run, whatever the hosts are like"),
    _rule("empty-rescue", "hint", "`rescue` or `always` without tasks"),
    _rule("only-never", "hint", "a task with no tag but `never`: no tag runs it"),
    # Commands
    _rule("shell-pipe", "warning", "shell syntax in `command`, which has no shell"),
    _rule("shell-not-needed", "hint", "`shell` where `command` does the same"),
    _rule("pipe-status", "hint", "a pipe whose first programs may fail unseen", on=False),
    _rule("unquoted-template", "hint", "`{{ }}` in a shell command without `| quote`", on=False),
    _rule("shell-cd", "hint", "`cd` in a command in place of `chdir`"),
    _rule("rm-variable", "warning", "`rm -r` of a path that begins with what may be empty"),
    _rule("download-to-shell", "warning", "what is downloaded goes into a shell unseen"),
    _rule("changed-when", "hint", "a command that always counts as a change", on=False),
    # Habits
    _rule("ignore-errors", "hint", "`ignore_errors: true` hides every failure"),
    _rule("mode-decimal", "error", "`mode: 644` is a decimal number, not 0644", fixed=True),
    _rule("mode-missing", "hint", "a file is made with whatever permissions come", on=False),
    _rule("truthy", "hint", "yes, no, on, off in place of true and false", fixed=True),
    _rule("full-names", "hint", "modules without their collection's name", on=False, fixed=True),
    _rule("with-items", "hint", "`with_…` in place of `loop`", on=False),
    _rule("local-action", "hint", "`local_action` in place of `delegate_to: localhost`"),
    _rule("key-value", "hint", "arguments as `key=value` text in place of a dictionary"),
    # Secrets
    _rule("clear-secret", "warning", "a password, token or key that stands there in clear"),
    _rule("private-key", "error", "a private key that stands there in clear"),
    _rule("no-log", "hint", "a secret in a command or message without `no_log`"),
)
RULES = {rule.name: rule for rule in _RULES}


def selected(rules: Iterable[str], skip: Iterable[str]) -> frozenset[str]:
    """The names of the rules that are looked for.

    Args:
        rules: only these; ``all`` for every one; none for those that are on.
        skip: none of these.

    Raises:
        UsageError: there is no rule of a name.
    """
    wanted, unwanted = _words(rules), _words(skip)
    for name in (*wanted, *unwanted):
        if name not in RULES and name != "all":
            raise UsageError(f"there is no rule {name!r}{did_you_mean(name, RULES)}")
    if not wanted:
        chosen = {rule.name for rule in _RULES if rule.on}
    else:
        chosen = set(RULES) if "all" in wanted else set(wanted)
    return frozenset(chosen - set(unwanted))


def _words(given: Iterable[str]) -> list[str]:
    return [word.strip() for text in given for word in text.split(",") if word.strip()]
