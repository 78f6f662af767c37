"""Templates that can't be compiled, or that name filters, tests and lookups nobody knows."""

from __future__ import annotations

import re
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe
from opsrun.dialect.yaml_data import Document
from opsrun.errors import nearest
from opsrun.lint import known
from opsrun.lint.project import Project
from opsrun.lint.texts import CONDITIONS, Text, texts
from opsrun.lint.view import FileView
from opsrun.playbook.templating.inspecting import Use


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for each in texts(view):
        if each.inspection.fault:
            _fault(view, each)
            continue
        for use in each.inspection.plugins:
            _plugin(view, project, each, use)
    for _, task, _ in view.tasks:
        lookup = task.loop.lookup if task.loop else None
        if lookup and not _is_known(project, "lookup", lookup):
            place = task.places.get(f"with_{lookup}", task.origin)
            _tell(view, project, place, Use(lookup, 1, "lookup"), f"with_{lookup}")
    for spot, _, _ in view.seen:
        _braces(view, spot.data, spot.document)


def _fault(view: FileView, text: Text) -> None:
    inspection = text.inspection
    what = {"file": "the template", "condition": "the condition"}.get(text.kind, "the template")
    words = f"{what} can't be compiled: {inspection.fault.rstrip('.')}"
    place = _place(view, text)
    shown = text.source.split("\n")[inspection.line - 1 : inspection.line]
    rest = shown[0][max(inspection.column - 1, 0) :].rstrip() if shown else ""
    view.tell("template-syntax", place, words, rest if view.at(place).startswith(rest) else "")


def _place(view: FileView, text: Text) -> Origin:
    """Where a template's fault is: the line of its text is looked for in the file."""
    origin, inspection = text.origin, text.inspection
    if origin.line is None:
        return origin
    written = text.source.split("\n")
    line = written[min(inspection.line, len(written)) - 1]
    first = origin.line - 1
    for number in range(first, min(first + len(written) + 1, len(view.lines))):
        start = (origin.column or 1) - 1 if number == first else 0
        at = view.lines[number].find(line.strip(), start)
        if line.strip() and at >= 0 and number >= first + inspection.line - 1:
            inside = max(inspection.column - 1 - (len(line) - len(line.lstrip())), 0)
            return Origin(origin.path, number + 1, at + inside + 1, origin.kind)
    return origin


def _below(view: FileView, text: Text) -> int:
    return 1 if text.kind != "file" and view.at(text.origin)[:1] in ("|", ">") else 0


def _is_known(project: Project, kind: str, name: str) -> bool:
    if name in known.own_plugins(kind):
        return True
    last = name.rpartition(".")[2]
    own = name.startswith(("ansible.builtin.", "ansible.legacy.")) or "." not in name
    if own and (last in known.own_plugins(kind) or _has_short(kind, last)):
        return True
    named = re.compile(rf"""(["']){re.escape(last)}\1|\b{re.escape(last)}\s*=""")
    if named.search(project.plugin_text.get(kind, "")) or named.search(project.python):
        return True
    return any(each == last for of, each, _ in project.programs if of == kind)


def _has_short(kind: str, last: str) -> bool:
    return any(each.rpartition(".")[2] == last for each in known.own_plugins(kind))


def _plugin(view: FileView, project: Project, text: Text, use: Use) -> None:
    if _is_known(project, use.kind, use.name):
        return
    down = use.line - 1 + _below(view, text)
    origin = view.word(text.origin, use.name, down)
    _tell(view, project, origin, use, use.name)


def _tell(view: FileView, project: Project, origin: Origin, use: Use, shown: str) -> None:
    last = use.name.rpartition(".")[2]
    where = known.plugins(use.kind).get(last)
    if where is not None or use.name.count(".") >= 2:
        known_as = f"one of {where}" if where else "of a collection that isn't known here"
        words = f"opsrun has no {use.kind} {use.name!r} yet (it is {known_as})"
        view.tell("plugin-not-built", origin, words, shown)
        return
    guess = nearest(use.name, known.own_plugins(use.kind))
    hint = f"; did you mean {guess!r}?" if guess else ""
    words = f"nobody knows a {use.kind} {use.name!r}{hint}"
    view.tell(f"unknown-{use.kind}", origin, words, shown)


def _braces(view: FileView, data: Any, document: Document) -> None:
    for key in CONDITIONS:
        value = data.get(key)
        places: list[tuple[Any, Any]] = [(data, key)]
        if isinstance(value, list):
            places = [(value, number) for number in range(len(value))]
        for container, name in places:
            _brace(
                view,
                key,
                container.get(name) if container is data else container[name],
                document.value_origin(container, name),
            )


def _brace(view: FileView, key: str, value: Any, origin: Origin) -> None:
    if isinstance(value, Unsafe):
        words = f"{key}: a condition is an expression, and can't be !unsafe text"
        view.tell("keyword-value", origin, words)
    elif isinstance(value, Template) and "{{" in value:
        words = f"{key} is an expression already: write it without {{{{ }}}}"
        view.tell("when-braces", view.word_at(origin, "{{"), words, "{{")
