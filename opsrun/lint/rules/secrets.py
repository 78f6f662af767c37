"""Passwords, tokens and keys that stand in files, or are shown. Values are never told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Vaulted
from opsrun.lint.discovery import is_aside
from opsrun.lint.project import Project
from opsrun.lint.view import FileView, Leaf
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.templating import inspecting

_PASSWORD = re.compile(r"(password|passwd|passphrase)\Z", re.I)
_KEY = re.compile(
    r"(?:^|_)(secret|token|private_key|api_?key|access_key|secret_key|apitoken|auth_key|"
    r"client_secret|encryption_key)\Z",
    re.I,
)
_NO_SECRET = re.compile(
    r"(^|_)(update|no|generate|prompt|ask|enable|use|show|hide|requires?|allow|has|public|hash|hashed|encrypted|"
    r"ssh_public|validate)_",
    re.I,
)
_PLACEHOLDER = re.compile(
    r"change.?(me|this|it)|set.?(me|this)|replace|example|dummy|placeholder|your[-_ ]|xxx|todo|"
    r"fixme|<.*>|some.?(pass|secret|token|random)|here\Z|\*{3,}|insert|redacted|undefined|"
    r"\A(fake|sample|secret|password|passw0rd|pass|test|default|omit|none|null|true|false|always|"
    r"on_create|present|absent|optional|required|random|prompt)\Z",
    re.I,
)
_PLAIN = re.compile(r"[a-z]+([_ -][a-z]+)*\Z|\d{1,5}\Z")
_ELSEWHERE = re.compile(
    r"/|~|\$\w+\$|\w+\$\d+\$|grub\.|\$\{?[A-Z]|[A-Za-z]+://|\S+\.(pem|key|crt|txt|yml)\Z|\S+\s+\S+\s+\S+"
)
"""Paths, digests, shell variables, addresses, sentences."""
_PEM = re.compile(r"-----BEGIN ((RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY( BLOCK)?-----")
_AWS = re.compile(r"(?<![A-Z0-9])(AKIA|ASIA)[0-9A-Z]{16}(?![A-Z0-9])")
_SHOWS = frozenset({"command", "shell", "raw", "script", "debug", "uri", "lineinfile"})
_PATHS = frozenset({"chdir", "creates", "removes"})
_READ = re.compile(r"(?:^|_)(password|passwd|passphrase|secret|token|private_key|api_?key)\Z", re.I)


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for leaf in () if is_aside(view.path, project.root) else view.leaves:
        if _is_secret(leaf):
            words = (
                f"{leaf.key!r} stands here in clear: encrypt it (vault), or look it up where "
                "secrets are kept"
            )
            view.tell("clear-secret", _key_place(view, leaf), words, str(leaf.key))
    for origin, what in _keys(view):
        view.tell("private-key", origin, f"{what} stands here in clear: keep it in a vault")
    for _, task, _ in view.tasks:
        _shown(view, task)


def _is_secret(leaf: Leaf) -> bool:
    key, value = leaf.key, leaf.value
    if not isinstance(key, str) or _NO_SECRET.search(key):
        return False
    if not isinstance(value, str) or isinstance(value, (Template, Vaulted)):
        return False
    text = value.strip()
    if len(text) < 4 or _PLACEHOLDER.search(text):
        return False
    if _PASSWORD.search(key):
        # A single word is a password, if a bad one; elsewhere it is the name of something.
        return not _ELSEWHERE.match(text)
    return bool(_KEY.search(key)) and not _PLAIN.match(text) and not _ELSEWHERE.match(text)


def _key_place(view: FileView, leaf: Leaf) -> Origin:
    assert view.document is not None
    return view.document.origin(leaf.container, leaf.key)


def _keys(view: FileView) -> Iterator[tuple[Origin, str]]:
    if "PRIVATE KEY" not in view.text and "AKIA" not in view.text and "ASIA" not in view.text:
        return
    for number, line in enumerate(view.lines, 1):
        found = _PEM.search(line)
        if found is not None and _has_body(view, number):
            yield Origin(view.path, number, found.start() + 1), "a private key"
        found = _AWS.search(line)
        if found is not None and "EXAMPLE" not in found[0]:
            yield Origin(view.path, number, found.start() + 1), "an access key"


def _has_body(view: FileView, number: int) -> bool:
    """Not a mere mention: a pattern to search for, a template's frame."""
    behind = "".join(view.lines[number - 1 : number + 2])
    return re.search(r"[A-Za-z0-9+/=]{40}", behind) is not None


def secret_lines(view: FileView) -> frozenset[int]:
    """Lines that must not be shown, whatever is said of them."""
    found = {number for number, line in enumerate(view.lines, 1) if _AWS.search(line)}
    inside = False
    for number, line in enumerate(view.lines, 1):
        inside = inside or _PEM.search(line) is not None
        if inside:
            found.add(number)
        if "-----END" in line:
            inside = False
    for leaf in view.leaves:
        if _is_secret(leaf) and leaf.origin.line is not None:
            key = _key_place(view, leaf).line or leaf.origin.line
            last = leaf.origin.line + str(leaf.value).count("\n") + 1
            found.update(range(key, last + (1 if "\n" in str(leaf.value) else 0)))
    return frozenset(found)


def _shown(view: FileView, task: Task) -> None:
    if task.action.name not in _SHOWS or task.keywords.no_log not in (None, False):
        return
    action = task.action
    for key, value in (("", action.free_form), *action.args.items()):
        if key in _PATHS:
            continue
        for template in _templates(value):
            names = {use.name for use in inspecting.of_value(str.__str__(template)).names}
            secret = sorted(name for name in names if _READ.search(name))
            if secret:
                words = f"{secret[0]!r} would be shown by this task: `no_log: true`"
                place = action.places.get(key, action.origin)
                view.tell_word("no-log", place, secret[0], words)
                return


def _templates(value: Any) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _templates(each)
    elif isinstance(value, list):
        for each in value:
            yield from _templates(each)
