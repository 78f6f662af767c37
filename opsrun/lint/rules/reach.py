"""Tasks that can't be reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.lint.project import Project
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Block, Task
from opsrun.playbook.parse.above import Above
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.templating import inspecting

_ENDS = frozenset({"end_play", "end_batch", "end_host", "end_role"})


def check(view: FileView, project: Project) -> None:
    """See the module's docstring."""
    for spot, node, above in view.seen:
        if isinstance(node, (Task, Block)):
            _never(view, spot)
            _impossible(view, spot, node, above)
            _only_never(view, spot, node, above)
        if isinstance(node, Block):
            _empty(view, spot)
    _behind_ends(view)


def _never(view: FileView, spot: Spot) -> None:
    for value, container, key in _conditions(spot):
        plain = isinstance(value, str) and not isinstance(value, Template)
        if value is False or (plain and value.strip().lower() == "false"):
            origin = spot.document.value_origin(container, key)
            text = view.at(origin).split("#")[0].rstrip()
            what = "this block" if "block" in spot else "this task"
            view.tell("unreachable", origin, f"{what} never runs: its condition is false", text)


def _conditions(spot: Spot) -> Iterator[tuple[Any, Any, Any]]:
    value = spot.data.get("when")
    if isinstance(value, list):
        yield from ((each, value, number) for number, each in enumerate(value))
    elif value is not None:
        yield value, spot.data, "when"


def _impossible(view: FileView, spot: Spot, node: Task | Block, above: Above) -> None:
    if "when" not in spot or _clash(above.keywords.when):
        return
    clash = _clash(node.keywords.when)
    if clash:
        words = f"never runs: its conditions (with those of blocks around it) contradict: {clash}"
        view.tell("unreachable", spot.place("when"), words, "when")


def _clash(conditions: Iterable[Any]) -> str:
    equal: dict[str, Any] = {}
    unequal: list[tuple[str, Any]] = []
    for each in conditions:
        if not isinstance(each, str) or isinstance(each, Template) or not each.strip():
            continue
        for name, value, positive in inspecting.of_condition(each.strip()).equalities:
            if not positive:
                unequal.append((name, value))
            elif name in equal and equal[name] != value:
                return _said(name, equal[name], value)
            else:
                equal[name] = value
    for name, value in unequal:
        if name in equal and equal[name] == value and type(equal[name]) is type(value):
            return f"{name} is and isn't {value!r}"
    return ""


def _said(name: str, one: Any, other: Any) -> str:
    if name.endswith(" is defined"):
        return f"{name} and isn't"
    return f"{name} can't be {one!r} and {other!r}"


def _only_never(view: FileView, spot: Spot, node: Task | Block, above: Above) -> None:
    if "tags" in spot and node.keywords.tags == ("never",) and "never" not in above.keywords.tags:
        words = "runs only with `--tags never`: give it a tag of its own beside 'never'"
        view.tell("only-never", spot.place("tags"), words, "tags")


def _empty(view: FileView, spot: Spot) -> None:
    for key in ("rescue", "always"):
        if key in spot and not spot.data[key]:
            words = f"{key!r} has no tasks: what it is to do is done by nobody"
            view.tell("empty-rescue", spot.place(key), words, key)


def _behind_ends(view: FileView) -> None:
    tasks = {id(spot.data): (spot, task) for spot, task, _ in view.tasks if not task.handler}
    for items in _lists(view):
        ended = ""
        for number, item in enumerate(items):
            if ended and isinstance(item, dict) and view.document is not None:
                origin = view.document.origin(items, number)
                view.tell("unreachable", origin, f"nothing runs behind {ended}")
                break
            found = tasks.get(id(item))
            ended = _end(*found) if found else ""


def _lists(view: FileView) -> Iterator[list[Any]]:
    waiting: list[Any] = [view.document.data] if view.document is not None else []
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, list):
            yield each
            waiting += [item for item in each if isinstance(item, dict)]
        elif isinstance(each, Mapping):
            waiting += [value for value in each.values() if isinstance(value, list)]


_SOMETIMES = frozenset(
    {"when", "tags", "ignore_errors", "failed_when", "loop", "run_once", "delegate_to", "until"}
)


def _end(spot: Spot, task: Task) -> str:
    """What ends here whatever happens; empty where nothing does."""
    if task.written & _SOMETIMES or task.loop is not None or task.keywords.ignore_errors:
        return ""
    if task.action.name == "fail":
        return "a `fail` without a condition"
    if task.action.name == "meta" and str(task.action.free_form).strip() in _ENDS:
        return f"`meta: {task.action.free_form}` without a condition"
    return ""
